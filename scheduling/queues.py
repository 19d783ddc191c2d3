"""Pure: quota rows -> the engine's queues of one pool: departments on top, projects below."""

from collections.abc import Iterable
from dataclasses import dataclass

from scheduling.engine.model.queues import NO_QUOTA, OverQuota, Queue, Weights
from scheduling.engine.model.resources import UNBOUNDED, Bounds

DEFAULT_WEIGHT = 2


@dataclass(frozen=True, slots=True)
class Quota:
    """What a department or project deserves in one pool; the defaults are those of a pool that was just made."""

    deserved: Bounds = NO_QUOTA
    limit: Bounds = UNBOUNDED
    weight: int = DEFAULT_WEIGHT
    over_quota_allowed: bool = True
    rank: int = 3


@dataclass(frozen=True, slots=True)
class OrgUnit:
    """A department (`parent` "") or a project under the department named `parent`."""

    name: str
    parent: str
    created_at: float


def queue_names(departments: Iterable[str], projects: Iterable[str]) -> dict[str, str]:
    """Department -> the name of its queue: its own, unless a project has that, too."""
    taken = set(projects)
    return {name: f"department {name}" if name in taken else name for name in departments}


def queues_of(units: Iterable[OrgUnit], quotas: dict[tuple[str, bool], Quota]) -> list[Queue]:
    """`quotas` by (name, whether a department); a unit without a row has the defaults."""
    units = list(units)
    names = queue_names(
        (unit.name for unit in units if not unit.parent), (unit.name for unit in units if unit.parent)
    )
    return [
        _queue(
            unit.name if unit.parent else names[unit.name],
            names[unit.parent] if unit.parent else "",
            unit.created_at,
            quotas.get((unit.name, not unit.parent), Quota()),
        )
        for unit in units
    ]


def _queue(name: str, parent: str, created_at: float, quota: Quota) -> Queue:
    allowed = quota.over_quota_allowed
    return Queue(
        name=name,
        parent=parent,
        deserved=quota.deserved,
        limit=quota.limit,
        weights=Weights(quota.weight, quota.weight, quota.weight),
        over_quota=OverQuota(allowed, allowed, allowed),
        rank=quota.rank,
        created_at=created_at,
    )
