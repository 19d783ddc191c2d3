"""Age protection: which nodes are kept, for whom, and who may use them all the same."""

import pytest

from scheduling.engine.config import DEFAULT_PLUGINS
from scheduling.engine.plan import Reason
from tests.engine.world import Outcome, schedule

TWO_NODES = """
    node a: 4 gpus
    node b: 4 gpus
    queue vision: quota 2
    queue speech: quota 4
    running r-1 in vision: 3 x 1 gpu on a, since 11:50
    running r-2 in vision: 3 x 1 gpu on b, since 11:50
    pending large in vision: 4 gpus, since 10:00
"""


def protected(text: str, after: float = 3600.0) -> Outcome:
    options = {"age_protection": {"after": after}}
    return schedule(
        text, plugins=(*DEFAULT_PLUGINS, "age_protection"), options=options, actions=("allocate",)
    )


def test_the_node_it_needs_is_filled_no_further() -> None:
    outcome = protected(TWO_NODES + "pending small in vision: 2 x 1 gpu, min 1, since 11:59")

    assert outcome.places == {"small-0": "b"}


def test_who_is_kept_off_is_told_for_whom() -> None:
    outcome = protected(TWO_NODES + "pending small in vision: 2 x 1 gpu, since 11:59")

    assert outcome.bound == set()
    assert outcome.refusal("small").reason is Reason.BEHIND_OTHERS
    assert "kept for large" in outcome.refusal("small").message


@pytest.mark.parametrize(
    ("newcomer", "takes_it"),
    [
        pytest.param("vision: 2 x 1 gpu, priority 75", True, id="more important in the same queue"),
        pytest.param("vision: 2 x 1 gpu, priority 50", False, id="as important in the same queue"),
        pytest.param("speech: 2 x 1 gpu", True, id="within the quota of another queue"),
        pytest.param("sales: 2 x 1 gpu", False, id="beyond the quota of another queue"),
    ],
)
def test_who_may_go_past(newcomer: str, takes_it: bool) -> None:
    outcome = protected(TWO_NODES + f"queue sales: quota 0\npending new in {newcomer}, since 11:59")

    assert (outcome.bound == {"new"}) is takes_it


def test_without_the_option_and_before_its_time_nobody_is_kept_off() -> None:
    world = TWO_NODES + "pending small in vision: 2 x 1 gpu, since 11:59"

    assert schedule(world, actions=("allocate",)).bound == {"small"}
    assert protected(world, after=3 * 3600.0).bound == {"small"}


def test_nodes_of_those_who_were_there_before_are_left_alone_while_others_do() -> None:
    world = TWO_NODES.replace(
        "r-1 in vision: 3 x 1 gpu on a, since 11:50", "r-1 in vision: 3 x 1 gpu on a, since 08:00"
    )
    outcome = protected(world + "pending small in vision: 1 gpu, since 11:59")

    assert outcome.places == {"small-0": "a"}


def test_nothing_is_kept_for_what_its_quota_holds_back() -> None:
    world = TWO_NODES.replace("since 10:00", "since 10:00, non-preemptible")
    outcome = protected(world + "pending small in vision: 2 x 1 gpu, since 11:59")

    assert outcome.bound == {"small"}


def test_a_gang_that_must_stay_together_is_kept_nodes_of_one_domain() -> None:
    outcome = protected(
        """
        topology net: zone, rack
        node a: 4 gpus, label zone=z, label rack=r1
        node b: 4 gpus, label zone=z, label rack=r2
        node c: 4 gpus, label zone=z, label rack=r2
        queue vision: quota 12
        running r-1 in vision: 3 x 1 gpu on a, since 11:50
        running r-2 in vision: 3 x 1 gpu on b, since 11:50
        running r-3 in vision: 3 x 1 gpu on c, since 11:50
        pending large in vision: 2 x 4 gpus, since 10:00, together in rack of net
        pending small in vision: 3 x 1 gpu, min 1, since 11:59
        """
    )

    assert outcome.places == {"small-0": "a"}
