"""Pure: a Kubernetes label selector (matchLabels, matchExpressions) -> the engine's requirements."""

from collections.abc import Mapping
from typing import Any

from scheduling.engine.model.constraints import LabelRequirement
from scheduling.requests import UnreadablePod

OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"})


def read_requirement(expression: Mapping[str, Any]) -> LabelRequirement:
    """One expression; raises UnreadablePod for an operator that does not exist."""
    operator = str(expression.get("operator"))
    if operator not in OPERATORS:
        raise UnreadablePod(
            "InvalidAffinity", f"Its affinity uses the operator {operator[:40]!r}, which does not exist."
        )
    return LabelRequirement(
        str(expression.get("key")), operator, tuple(map(str, expression.get("values") or []))
    )


def read_selector(selector: Mapping[str, Any]) -> tuple[LabelRequirement, ...]:
    """All must match; an empty selector matches everything."""
    pairs = [
        LabelRequirement(key, "In", (str(value),))
        for key, value in sorted((selector.get("matchLabels") or {}).items())
    ]
    return (*pairs, *(read_requirement(one) for one in selector.get("matchExpressions") or []))
