"""What is given up in a search, with the sums that every try would otherwise count anew."""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heapify, heappush
from typing import TYPE_CHECKING

from scheduling.engine.model.resources import Resources
from scheduling.engine.plugin import Key

if TYPE_CHECKING:
    from scheduling.engine.session import Session


@dataclass(slots=True, eq=False)
class Unit:
    """Tasks of one gang that can only be taken together: one surplus task, or a whole core. Equal only to itself."""

    gang: int
    queue: int
    tasks: tuple[int, ...]
    nodes: tuple[int, ...]
    devices: tuple[int, ...]
    """Per node: how many devices would be free at most if the unit went."""
    amounts: Resources


KeysWithout = dict[tuple[Unit, ...], Key]
"""Order keys of gangs once these units of theirs are gone, remembered over the tries of one search."""


class Taken:
    """Units in the order they were taken. A step of a search adds to what the steps before it took, so nothing is counted twice.

    `tasks` are theirs, `examples` one task per shape; `units_of` is per victim gang. `keys` holds per queue, as a heap, the order
    keys of the gangs that lost something; `waiting_too` are those that stand in a waiting line besides.
    """

    __slots__ = ("by_queue", "examples", "keys", "tasks", "units", "units_of", "waiting_too")

    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.tasks: set[int] = set()
        self.examples: dict[int, int] = {}
        self.units_of: dict[int, tuple[Unit, ...]] = {}
        self.keys: dict[int, list[Key]] = {}
        self.waiting_too: set[int] = set()
        self.by_queue: dict[int, tuple[Resources, ...]] = {}

    def with_units(self, session: "Session", units: Iterable[Unit], known: KeysWithout) -> "Taken":
        """These and the given ones, which must have been evicted."""
        more = Taken()
        more.units = [*self.units, *units]
        more.tasks, more.examples = self.tasks.copy(), self.examples.copy()
        more.units_of, more.waiting_too = self.units_of.copy(), self.waiting_too.copy()
        more.keys = {queue: keys.copy() for queue, keys in self.keys.items()}
        more.by_queue = by_queue(units, self.by_queue)
        shapes = session.snapshot.task_shape
        for unit in units:
            more.tasks.update(unit.tasks)
            for task in unit.tasks:
                more.examples[shapes[task]] = task
            more.units_of[unit.gang] = (*more.units_of.get(unit.gang, ()), unit)
        for gang, queue in {unit.gang: unit.queue for unit in units}.items():
            more._place(session, gang, queue, known, is_new=gang not in self.units_of)
        return more

    def _place(self, session: "Session", gang: int, queue: int, known: KeysWithout, *, is_new: bool) -> None:
        """Put the gang where its state without the units puts it."""
        keys = self.keys.setdefault(queue, [])
        if not is_new:
            keys[:] = [key for key in keys if key[-1] != gang]
            heapify(keys)
        elif session.lines.waits(gang):
            self.waiting_too.add(gang)
        gone = self.units_of[gang]
        key = known.get(gone)
        if key is None:
            key = known[gone] = session.gang_key(gang)
        heappush(keys, key)


def by_queue(
    units: Iterable[Unit], known: dict[int, tuple[Resources, ...]] | None = None
) -> dict[int, tuple[Resources, ...]]:
    """Per victim queue its last unit, and before it the sum of all others as if they were one.

    What a queue holds only shrinks while its units go, so a reason that still holds for the last unit held for all before it.
    """
    found = known.copy() if known else {}
    for unit in units:
        earlier = found.get(unit.queue)
        if earlier is None:
            found[unit.queue] = (unit.amounts,)
        else:
            before = earlier[0] if len(earlier) == 1 else earlier[0].plus(earlier[1])
            found[unit.queue] = (before, unit.amounts)
    return found
