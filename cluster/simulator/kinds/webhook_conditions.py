"""The `matchConditions` of a webhook's entry: what makes them unusable."""

from collections.abc import Iterator
from typing import Any

from cluster.simulator.problems import Cause, missing, shown, wrong
from cluster.simulator.validation.metadata import qualified_name_causes

MOST = 64


def condition_causes(conditions: list[dict[str, Any]], place: str) -> Iterator[Cause]:
    if len(conditions) > MOST:
        yield Cause(
            place, "FieldValueTooMany", f"Too many: {len(conditions)}: must have at most {MOST} items"
        )
    names: set[str] = set()
    for index, condition in enumerate(conditions):
        here, name = f"{place}[{index}]", condition.get("name") or ""
        yield from _expression_causes((condition.get("expression") or "").strip(), f"{here}.expression")
        if not name:
            yield missing(f"{here}.name")
            continue
        yield from qualified_name_causes(name, f"{here}.name", name)
        if name in names:
            yield Cause(f"{here}.name", "FieldValueDuplicate", f"Duplicate value: {shown(name)}")
        names.add(name)


def _expression_causes(text: str, place: str) -> Iterator[Cause]:
    if not text:
        yield missing(place)
        return
    from cluster.simulator.webhooks.conditions import condition_problem  # brings the library

    problem = condition_problem(text)
    if problem:
        yield wrong(place, text, problem)
