"""Who set which field: the `managedFields` of an object, kept up to date by every write."""

from typing import Any

from cluster.simulator.resources import Resource


def track_update(
    resource: Resource,
    old: dict[str, Any] | None,
    new: dict[str, Any],
    manager: str,
    subresource: str,
    moment: str,
) -> None:
    """Record in `new` what this update by `manager` changed."""
