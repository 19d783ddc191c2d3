"""What changed lately, per resource, so that a watch can continue where a list or an earlier watch ended."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cluster.simulator.store.objects import Stored


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """`stored` is the new state, or the last one when the object is `gone`; `before` is None for a new object."""

    version: int
    resource: str
    stored: "Stored"
    before: "Stored | None"
    gone: bool


class History:
    """At least the last `length` changes of each resource; older ones are compacted away in halves."""

    def __init__(self, floor: int, length: int) -> None:
        self.length = length
        self._floor = floor
        self._floors: dict[str, int] = {}
        self._changes: dict[str, list[Change]] = {}

    def append(self, change: Change) -> None:
        changes = self._changes.setdefault(change.resource, [])
        changes.append(change)
        if len(changes) >= 2 * self.length:
            self._floors[change.resource] = changes[-self.length - 1].version
            del changes[: -self.length]

    def oldest(self, resource: str) -> int:
        """The smallest version from which a watch can still start."""
        return self._floors.get(resource, self._floor)

    def since(self, resource: str, version: int) -> list[Change]:
        changes = self._changes.get(resource, [])
        return changes[bisect_right(changes, version, key=lambda change: change.version) :]
