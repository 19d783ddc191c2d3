"""Tries that must fail because the victims are served before the beneficiary: told from the queues' order, before anything is evicted.

The order inside one branch of the queue tree depends on nothing outside it: a queue's key looks at what the queue holds and at
the heads below it. So a branch is walked once for all sets of victims that look the same to it, and the walks are merged by key.
"""

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from scheduling.engine.model.resources import Resources
from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.plugin import Key
from scheduling.engine.session import Session
from scheduling.engine.session.placement import ShapePlacement
from scheduling.engine.session.walk import NOBODY, QueueWalk
from scheduling.engine.solver.failures import is_plain
from scheduling.engine.solver.simulation import ReplayLine, competing_branches
from scheduling.engine.solver.taken import Unit

Needed = Sequence[tuple[ShapePlacement, int]]
"""Placements of the beneficiary's shapes, and how many tasks of each there are."""


_QUEUE_AND_KEY = attrgetter("queue", "key")


class Taker(NamedTuple):
    """The beneficiary, and what it asks for in this step."""

    gang: int
    queue: int
    asked: Resources


NO_TAKER = Taker(NOBODY, NOWHERE, Resources(0, 0, 0))


class _Victim(NamedTuple):
    """A whole gang whose tasks are all of one shape. `look` is the same for victims that are the same to their queue."""

    gang: int
    queue: int
    key: Key
    amounts: Resources
    tasks: int
    placement: ShapePlacement
    look: int


class _Turns(NamedTuple):
    """Of one branch: per victim the largest key with which the branch must be chosen until its turn, and how many tasks it has.

    `taker` is that key for the beneficiary, None where it has no turn. Who comes after the beneficiary is left out.
    """

    victims: tuple[tuple[Key, int], ...]
    taker: Key | None


class TurnOrder:
    """Of the committed state: `forget` has to be told what was committed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._keys: dict[int, Key] = {}
        """Order keys of gangs as if they had lost their places."""
        self._victims: dict[int, _Victim | None] = {}
        self._branches: dict[frozenset[int], dict[int, list[int]]] = {}
        self._branch_of: dict[frozenset[int], dict[int, int]] = {}
        self._looks: dict[Hashable, int] = {}
        self._turns: dict[Hashable, _Turns] = {}

    def forget(self, gangs: Iterable[int]) -> None:
        """These gangs stand elsewhere now, and every queue may hold something else."""
        for gang in gangs:
            self._keys.pop(gang, None)
        self._victims.clear()
        self._turns.clear()

    def is_in_vain(self, taker: Taker, needed: Needed, units: Sequence[Unit]) -> bool:
        """Whether a try that gives up these units, and nothing before them, must fail. False where that is hard to tell."""
        victims = [self._victim(unit) for unit in units]
        known = [one for one in victims if one is not None]
        if not known or len(known) < len(victims):
            return False
        placement = known[0].placement
        if any(one.placement is not placement for one in known):
            return False
        returned = self._served_before(taker, known)
        if not returned:
            return False
        placement.refresh()
        evicted = sum(one.tasks for one in known)
        if any(
            one is placement and placement.total_slots + evicted - returned < tasks for one, tasks in needed
        ):
            return True
        # Everyone is back, and nowhere else is room: whichever of these places each took, the nodes are as full as before.
        return returned == evicted and not placement.total_slots and any(_is_short(*one) for one in needed)

    def _served_before(self, taker: Taker, victims: list[_Victim]) -> int:
        """How many tasks of victims have their turn before the taker; 0 where it has none."""
        leaves = frozenset({taker.queue, *(one.queue for one in victims)})
        if leaves not in self._branches:
            branches = self._branches[leaves] = competing_branches(self._session, leaves)
            self._branch_of[leaves] = {leaf: branch for branch, below in branches.items() for leaf in below}
        branches, branch_of = self._branches[leaves], self._branch_of[leaves]
        sets: dict[int, list[_Victim]] = {branch_of[taker.queue]: []}
        for one in victims:
            sets.setdefault(branch_of[one.queue], []).append(one)
        home = branch_of[taker.queue]
        own = self._turns_of(home, branches[home], sets.pop(home), taker)
        if own.taker is None:
            return 0
        served = sum(tasks for _, tasks in own.victims)
        for branch, some in sets.items():
            for key, tasks in self._turns_of(branch, branches[branch], some, NO_TAKER).victims:
                if key > own.taker:
                    break
                served += tasks
        return served

    def _turns_of(self, branch: int, leaves: list[int], victims: list[_Victim], taker: Taker) -> _Turns:
        if len(victims) > 1:
            victims = sorted(victims, key=_QUEUE_AND_KEY)
        key = (branch, taker, *[one.look for one in victims])
        known = self._turns.get(key)
        if known is None:
            known = self._turns[key] = self._walk(branch, leaves, victims, taker)
        return known

    def _walk(self, branch: int, leaves: list[int], victims: list[_Victim], taker: Taker) -> _Turns:
        """Serve the branch alone. Victims find their places again, so that each counts in its queue from its turn on."""
        waiting = self._session.lines.waiting
        out = {one.gang: one for one in victims}
        expected = {*out, taker.gang}
        keys = {queue: [one.key for one in some] for queue, some in groupby(victims, attrgetter("queue"))}
        lines = {
            leaf: ReplayLine(self._session, waiting.get(leaf, []), keys.get(leaf, []), expected)
            for leaf in leaves
        }

        def asked(gang: int) -> Resources:
            if gang == taker.gang:
                return taker.asked
            return out[gang].amounts if gang in out else self._session.asked(gang)

        for one in victims:
            self._charge(one, -1)
        walk = QueueWalk(self._session, lines, asked)
        turns: list[tuple[Key, int]] = []
        latest: Key = ()
        own: Key | None = None
        while (out or taker.gang != NOBODY) and (leaf := walk.next_leaf()) is not None:
            latest = max(latest, walk.key_of(branch))
            gang = walk.take_from(leaf)
            if gang == taker.gang:
                own = latest
                break
            if gang in out:
                victim = out.pop(gang)
                self._charge(victim, 1)
                turns.append((latest, victim.tasks))
        for one in out.values():
            self._charge(one, 1)
        return _Turns(tuple(turns), own)

    def _charge(self, victim: _Victim | Unit, sign: int) -> None:
        self._session.state.ledger.charge(victim.queue, victim.amounts, sign, preemptible=True)

    def _victim(self, unit: Unit) -> _Victim | None:
        """None for a victim that does not simply take as many places again as it has lost."""
        if unit.gang not in self._victims:
            self._victims[unit.gang] = self._look_at(unit)
        return self._victims[unit.gang]

    def _look_at(self, unit: Unit) -> _Victim | None:
        session = self._session
        shapes = {session.snapshot.task_shape[task] for task in unit.tasks}
        if len(shapes) > 1 or len(unit.tasks) < len(session.snapshot.tasks_of(unit.gang)):
            return None
        placement = session.placement_of(unit.tasks[0])
        if not is_plain(session, unit.gang, unit.tasks) or not all(
            placement.has_place_for_who_leaves(node) for node in unit.nodes
        ):
            return None
        self._charge(unit, -1)
        may_return = session.may_start(unit.gang, unit.amounts) is None
        self._charge(unit, 1)
        if not may_return:
            return None
        key = self._key_without_places(unit)
        rank = bisect_left(session.lines.waiting.get(unit.queue, []), key)
        look = unit.queue, rank, unit.amounts, len(unit.tasks)
        number = self._looks.setdefault(look, len(self._looks))
        return _Victim(unit.gang, unit.queue, key, unit.amounts, len(unit.tasks), placement, number)

    def _key_without_places(self, unit: Unit) -> Key:
        state = self._session.state
        if unit.gang not in self._keys:
            mark = state.mark()
            for task in unit.tasks:
                state.evict(task)
            self._keys[unit.gang] = self._session.gang_key(unit.gang)
            state.rollback(mark)
        return self._keys[unit.gang]


def _is_short(placement: ShapePlacement, tasks: int) -> bool:
    placement.refresh()
    return placement.total_slots < tasks
