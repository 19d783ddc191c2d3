"""The order in which victims are considered: the least entitled queue first, in it the least important gang, surplus before cores."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from scheduling.engine.model.resources import NOTHING, Resources
from scheduling.engine.plugin import Key
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import IS_ACTIVE, eviction_units
from scheduling.engine.session.lines import gang_of
from scheduling.engine.session.walk import NOBODY, QueueWalk
from scheduling.engine.solver.taken import Unit


class VictimLine:
    """The gangs of one leaf queue, last first; a gang from which a unit was taken stands where its new state puts it."""

    def __init__(self, base: list[Key], wanted: Callable[[int], bool]) -> None:
        self._base = base
        self._next = len(base) - 1
        self._wanted = wanted
        self._returned: list[Key] = []
        self._skip_unwanted()
        self._find_head()

    def _skip_unwanted(self) -> None:
        while self._next >= 0 and not self._wanted(gang_of(self._base[self._next])):
            self._next -= 1

    def _find_head(self) -> None:
        if self._returned_is_first():
            self.head = -gang_of(self._returned[0])
        else:
            self.head = gang_of(self._base[self._next]) if self._next >= 0 else NOBODY

    def _returned_is_first(self) -> bool:
        return bool(self._returned) and (
            self._next < 0 or self._returned[0] < _negated(self._base[self._next])
        )

    def pop(self) -> int:
        gang = self.head
        if self._returned_is_first():
            heappop(self._returned)
        else:
            self._next -= 1
            self._skip_unwanted()
        self._find_head()
        return gang

    def put_back(self, key: Key) -> None:
        heappush(self._returned, _negated(key))
        self._find_head()


def _negated(key: Key) -> Key:
    """Gang keys are numbers throughout, so the reverse order is that of the negated key."""
    return tuple(_negated(part) if isinstance(part, tuple) else -part for part in key)


class VictimOrder:
    """All units that may be given up in a search, in the order in which they are considered.

    The order is that of the state before the search (`allocated`, `non_preemptible`: the queues' sums then), whatever is given up
    meanwhile. Units are made as they are needed and kept for the next step. `takes_from(queue)` and `may_lose(gang)` say whose
    they may be; with `most_gangs` the order ends after so many gangs.
    """

    def __init__(
        self,
        session: Session,
        takes_from: Callable[[int], bool],
        may_lose: Callable[[int], bool],
        *,
        most_gangs: int | None = None,
    ) -> None:
        self._session = session
        ledger = session.state.ledger
        self.allocated = [sums[:] for sums in ledger.allocated]
        self.non_preemptible = [sums[:] for sums in ledger.non_preemptible]
        self._most_gangs = most_gangs
        self._gangs: set[int] = set()
        self._units: list[Unit] = []
        self._rest = self._all_units(takes_from, may_lose)

    def without(self, known: set[Unit]) -> Iterator[Unit]:
        """The units in order, apart from the known ones."""
        yield from [unit for unit in self._units if unit not in known]
        while (unit := self._next_unit()) is not None:
            self._units.append(unit)
            yield unit

    def _next_unit(self) -> Unit | None:
        """Asked with the queues' sums as they stood before the search."""
        ledger = self._session.state.ledger
        ledger.allocated, current = self.allocated, ledger.allocated
        try:
            unit = next(self._rest, None)
        finally:
            ledger.allocated = current
        if unit is not None:
            self._gangs.add(unit.gang)
            if self._most_gangs is not None and len(self._gangs) > self._most_gangs:
                self._rest = iter(())
                return None
        return unit

    def _all_units(
        self, takes_from: Callable[[int], bool], may_lose: Callable[[int], bool]
    ) -> Iterator[Unit]:
        session = self._session
        lines = {
            leaf: VictimLine(line, may_lose)
            for leaf, line in sorted(session.lines.running.items())
            if takes_from(leaf)
        }
        walk = QueueWalk(session, lines, session.asked, largest=True, is_fixed=True)
        waiting_units: dict[int, list[Unit]] = {}
        taken: dict[int, list[int]] = {}
        while (leaf := walk.next_leaf()) is not None:
            gang = lines[leaf].head
            units = waiting_units.get(gang)
            if units is None:
                units = waiting_units[gang] = _units_of(session, gang)[::-1]
            unit = units.pop()
            walk.take_from(leaf, unit.amounts)
            if units:
                given = taken.setdefault(gang, [])
                given += unit.tasks
                lines[leaf].put_back(_key_without(session, gang, given))
                walk.add(leaf, lines[leaf])
            yield unit


def _units_of(session: Session, gang: int) -> list[Unit]:
    state, snapshot = session.state, session.snapshot
    queue = snapshot.gang_queue[gang]
    units = []
    for tasks in eviction_units(session, gang):
        amounts: Resources = NOTHING
        devices: dict[int, int] = {}
        for task in tasks:
            node = state.position(task).node
            charge = state.charge_of(task, node)
            amounts = charge if amounts is NOTHING else amounts.plus(charge)
            devices[node] = devices.get(node, 0) + snapshot.tasks[task].request.gpu.devices
        units.append(Unit(gang, queue, tuple(tasks), tuple(devices), tuple(devices.values()), amounts))
    return units


def _key_without(session: Session, gang: int, taken: list[int]) -> Key:
    """The gang's order key as if all tasks taken from it so far were gone.

    Some may be gone already, given up by an earlier step of the search; evicting those again would forget where they stood.
    """
    state = session.state
    mark = state.mark()
    for task in taken:
        if IS_ACTIVE[state.states[task]]:
            state.evict(task)
    key = session.gang_key(gang)
    state.rollback(mark)
    return key
