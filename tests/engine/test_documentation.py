"""The worked examples of docs/scheduler.md come out as the page says."""

import re
from pathlib import Path

import pytest

from tests.engine.world import Outcome, schedule

PAGE = Path(__file__).parents[2] / "docs" / "scheduler.md"
EXAMPLES = re.findall(r"```scenario\n(.*?)\n=> (.*?)\n```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize(("world", "said"), EXAMPLES)
def test_an_example_comes_out_as_the_page_says(world: str, said: str) -> None:
    outcome = schedule(world, explain=True)
    happened = {"bound": outcome.bound, "evicted": outcome.evicted, "reserved": outcome.reserved}

    expected: dict[str, set[str]] = {what: set() for what in happened}
    for part in re.split(r"; (?=bound|evicted|reserved|told|place)", said) if said != "nothing" else []:
        what, _, names = part.partition(" ")
        if what == "told":
            name, _, sentence = names.partition(": ")
            assert sentence in _told(outcome, name)
        elif what == "place":
            task, _, node = names.partition(" on ")
            assert outcome.places[task] == node
        else:
            expected[what] = set(names.split(", "))
    assert happened == expected


def _told(outcome: Outcome, name: str) -> str:
    """Everything a waiting workload is told."""
    refusal = outcome.refusal(name)
    return f"{refusal.message} {refusal.counterfactual.sentence if refusal.counterfactual else ''}"


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 20
