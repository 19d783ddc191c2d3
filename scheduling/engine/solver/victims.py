"""The order in which victims are considered: the least entitled queue first, in it the least important gang, surplus before cores."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from scheduling.engine.model.resources import NOTHING, Resources
from scheduling.engine.plugin import Key
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import IS_ACTIVE, eviction_units
from scheduling.engine.session.lines import Entry
from scheduling.engine.session.walk import NOBODY, QueueWalk
from scheduling.engine.solver.scenario import Unit


class VictimLine:
    """The gangs of one leaf queue, last first; a gang from which a unit was taken stands where its new state puts it."""

    def __init__(self, base: list[Entry], wanted: Callable[[int], bool]) -> None:
        self._base = base
        self._next = len(base) - 1
        self._wanted = wanted
        self._returned: list[tuple[Key, int]] = []
        self._skip_unwanted()

    def _skip_unwanted(self) -> None:
        while self._next >= 0 and not self._wanted(self._base[self._next][1]):
            self._next -= 1

    def head(self) -> int:
        if self._returned_is_first():
            return self._returned[0][1]
        return self._base[self._next][1] if self._next >= 0 else NOBODY

    def _returned_is_first(self) -> bool:
        return bool(self._returned) and (
            self._next < 0 or self._returned[0][0] < _negated(self._base[self._next][0])
        )

    def pop(self) -> int:
        if self._returned_is_first():
            return heappop(self._returned)[1]
        gang = self._base[self._next][1]
        self._next -= 1
        self._skip_unwanted()
        return gang

    def put_back(self, key: Key, gang: int) -> None:
        heappush(self._returned, (_negated(key), gang))


def _negated(key: Key) -> Key:
    """Gang keys are numbers throughout, so the reverse order is that of the negated key."""
    return tuple(-part for part in key)


def victim_units(
    session: Session, action: str, beneficiary: int, wanted: Callable[[int], bool]
) -> Iterator[Unit]:
    """All units that may be given up, one after the other, by the state as it is now.

    Between two steps the state may change, but whoever takes the next one must show the queues' sums as they are now.
    """
    lines = {
        leaf: VictimLine(line, lambda gang: wanted(gang) and session.may_evict(action, beneficiary, gang))
        for leaf, line in sorted(session.lines.running.items())
    }
    walk = QueueWalk(session, lines, session.asked, largest=True, is_fixed=True)
    waiting_units: dict[int, list[Unit]] = {}
    taken: dict[int, list[int]] = {}
    while (leaf := walk.next_leaf()) is not None:
        gang = lines[leaf].head()
        units = waiting_units.get(gang)
        if units is None:
            units = waiting_units[gang] = _units_of(session, gang)[::-1]
        unit = units.pop()
        walk.pop()
        if units:
            given = taken.setdefault(gang, [])
            given += unit.tasks
            lines[leaf].put_back(_key_without(session, gang, given), gang)
            walk.add(leaf, lines[leaf])
        walk.count_popped(leaf, unit.amounts)
        yield unit


def _units_of(session: Session, gang: int) -> list[Unit]:
    state = session.state
    units = []
    for tasks in eviction_units(session, gang):
        amounts: Resources = NOTHING
        for task in tasks:
            amounts = amounts.plus(state.charge_of(task, state.position(task).node))
        devices: dict[int, int] = {}
        for task in tasks:
            node = state.position(task).node
            devices[node] = devices.get(node, 0) + session.snapshot.tasks[task].request.gpu.devices
        queue = session.snapshot.gang_queue[gang]
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
