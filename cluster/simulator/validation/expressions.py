"""The CEL rules of a custom resource's schema, after all other rules."""

from typing import Any

from cluster.simulator.problems import Cause
from cluster.simulator.resources import Resource

Document = dict[str, Any]
BLOCKING = frozenset(
    [
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    ]
)
"""What is of the wrong shape is not shown to expressions."""
NOT_CHECKED = Cause(
    "<nil>",
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid;"
    " correct the existing errors to complete validation",
)


def expression_causes(
    resource: Resource, new: Document, old: Document | None, found: list[Cause], warnings: list[str]
) -> list[Cause]:
    """Every broken rule; `found` is what is wrong so far. A rule that was broken before, where nothing changed, becomes a warning."""
    rules = resource.rules
    if rules is None:
        return []
    if any(cause.reason in BLOCKING for cause in found):
        return [NOT_CHECKED]
    from cluster.simulator.cel.violations import violations  # brings the library: only where there are rules

    broken = violations(rules, new, old)
    warnings += [f"{one.cause.field}: {one.cause.message}" for one in broken if one.tolerated]
    return [one.cause for one in broken if not one.tolerated]
