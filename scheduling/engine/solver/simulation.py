"""One try: with the units gone, give places in queue order to the beneficiary and to those who lost theirs."""

from collections.abc import Iterable
from dataclasses import replace
from heapq import heappop, heappush

from scheduling.engine.model.resources import Resources
from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.plugin import Key
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import IS_ACTIVE, asked_by, tasks_to_start
from scheduling.engine.session.lines import gang_of
from scheduling.engine.session.starting import start_gang
from scheduling.engine.session.walk import NOBODY, QueueWalk
from scheduling.engine.solver.scenario import Scenario
from scheduling.engine.solver.taken import Taken


def simulate(session: Session, scenario: Scenario) -> bool:
    """Whether the beneficiary finds places. The units must have been evicted; the state keeps what was promised.

    Gangs that merely wait are walked past: they hold their place in the order but get nothing here. A victim that finds room
    is put back or moved.
    """
    return _Simulation(session, scenario).run()


def comes_true(session: Session, scenario: Scenario) -> bool:
    """Whether the next cycle gives the beneficiary places, when those who are to move or go have left and wait. Changes nothing.

    A simulation sees their places as being released; the next cycle sees them free, and may put somebody back where it was. That
    can happen only where somebody is to move; and where only promises of this cycle are taken back, nobody has to leave first.
    """
    if not scenario.returned:
        return True
    state, before = session.state, session.snapshot.task_state
    displaced = scenario.moved_or_lost(session)
    leaving = [task for unit in displaced for task in unit.tasks if state.is_displaced(task)]
    moves = any(IS_ACTIVE[state.states[task]] for task in leaving)
    if not moves or not any(IS_ACTIVE[before[task]] for task in leaving):
        return True
    mark = state.mark()
    for task in (*scenario.tasks, *leaving):
        state.leave(task)
    taken = Taken().with_units(session, displaced, {})
    later = replace(scenario, taken=taken, returned=set(), lost=[])
    came_true = _Simulation(session, later, nominate_only=False).run()
    state.rollback(mark)
    return came_true


def is_served_first(session: Session, scenario: Scenario) -> bool:
    """Whether the beneficiary's turn comes before that of every gang that lost something. Changes nothing."""
    return _Simulation(session, scenario).next_open() == scenario.beneficiary


def has_no_room_for(session: Session, examples: dict[int, int]) -> list[int]:
    """Of these shapes (with a task of each) those of which not one task would find a place."""
    hopeless = []
    for shape, task in examples.items():
        placement = session.placement_of(task)
        placement.refresh()
        if placement.total_slots <= 0:
            hopeless.append(shape)
    return hopeless


class ReplayLine:
    """One leaf queue in a simulation: its waiting gangs as they stand, and its victims between them.

    Walking past a gang changes nothing but the head, and a queue's key grows with what its head asks for: so when a gang has
    been walked past, all directly behind it that ask for no more follow at once and need no look of their own.
    """

    __slots__ = ("_base", "_next", "_session", "_victims", "_wanted", "head")

    def __init__(self, session: Session, base: list[Key], victims: list[Key], wanted: set[int]) -> None:
        self._session = session
        self._base = base
        self._wanted = wanted
        self._next = 0
        self._victims = victims
        self._find_head()

    def push(self, key: Key) -> None:
        heappush(self._victims, key)
        self._find_head()

    def _find_head(self) -> None:
        if self._victim_is_first():
            self.head = gang_of(self._victims[0])
        else:
            self.head = gang_of(self._base[self._next]) if self._next < len(self._base) else NOBODY

    def pop(self) -> int:
        gang = self.head
        if self._victim_is_first():
            heappop(self._victims)
        else:
            self._next += 1
            if gang not in self._wanted:
                self._pass_smaller(self._session.asked(gang))
        self._find_head()
        return gang

    def _pass_smaller(self, largest: Resources) -> None:
        base, wanted, asked_of = self._base, self._wanted, self._session.asked
        gpu, cpu, memory = largest
        end = len(base)
        while self._next < end:
            entry = base[self._next]
            if entry[-1] in wanted or (self._victims and self._victims[0] < entry):
                return
            asked = asked_of(entry[-1])
            if asked[0] > gpu or asked[1] > cpu or asked[2] > memory:
                return
            self._next += 1

    def _victim_is_first(self) -> bool:
        return bool(self._victims) and (
            self._next >= len(self._base) or self._victims[0] < self._base[self._next]
        )


class _Simulation:
    def __init__(self, session: Session, scenario: Scenario, *, nominate_only: bool = True) -> None:
        self.session = session
        self.scenario = scenario
        self.nominate_only = nominate_only
        self.taken = scenario.taken
        self.open = {scenario.beneficiary, *self.taken.units_of}
        leaves = {scenario.queue, *self.taken.keys}
        self.lines = {leaf: self._line(leaf) for leaf in competing_leaves(session, leaves)}
        self.walk = QueueWalk(session, self.lines, self._asked)

    def _line(self, leaf: int) -> ReplayLine:
        """A victim that also waits for more stands where its state after the eviction puts it, not where it stood before."""
        base = self.session.lines.waiting.get(leaf, [])
        twice = self.taken.waiting_too
        if twice:
            base = [key for key in base if key[-1] not in twice]
        return ReplayLine(self.session, base, self.taken.keys.get(leaf, []).copy(), self.open)

    def _asked(self, gang: int) -> Resources:
        if gang == self.scenario.beneficiary:
            return self.scenario.asked
        if gang in self.open:
            return asked_by(self.session, tasks_to_start(self.session, gang, self.taken.tasks))
        return self.session.asked(gang)

    def next_open(self) -> int | None:
        """The next gang that is to be placed; those that merely wait are passed."""
        while self.open and (gang := self.walk.pop()) is not None:
            if gang in self.open:
                return gang
        return None

    def run(self) -> bool:
        placed = False
        while (gang := self.next_open()) is not None:
            self.open.discard(gang)
            if gang == self.scenario.beneficiary:
                tasks = list(self.scenario.tasks)
                if not start_gang(self.session, gang, tasks, nominate_only=self.nominate_only):
                    return False
                placed = True
                self._drop_hopeless()
            else:
                self._put_back(gang)
        return placed

    def _put_back(self, gang: int) -> None:
        """Try the next tasks of a victim; an elastic one queues again for more."""
        session = self.session
        evicted = self.taken.tasks
        tasks = tasks_to_start(session, gang, evicted)
        if not start_gang(session, gang, tasks, nominate_only=self.nominate_only):
            return
        self.scenario.returned.add(gang)
        if any(
            task in evicted and not IS_ACTIVE[session.state.states[task]]
            for task in session.snapshot.tasks_of(gang)
        ):
            leaf = session.snapshot.gang_queue[gang]
            self.open.add(gang)
            self.lines[leaf].push(session.gang_key(gang))
            self.walk.add(leaf, self.lines[leaf])

    def _drop_hopeless(self) -> None:
        """From here on room only shrinks: a victim one of whose tasks fits nowhere need not be waited for."""
        session = self.session
        hopeless = has_no_room_for(session, self.taken.examples)
        if len(hopeless) == len(self.taken.examples):
            self.open.clear()
        elif hopeless:
            shapes = session.snapshot.task_shape
            for gang in list(self.open):
                tasks = tasks_to_start(session, gang, self.taken.tasks)
                if any(shapes[task] in hopeless for task in tasks):
                    self.open.discard(gang)


def competing_leaves(session: Session, leaves: Iterable[int]) -> list[int]:
    """The leaf queues whose heads can change the order among `leaves`."""
    return sorted(leaf for below in competing_branches(session, leaves).values() for leaf in below)


def competing_branches(session: Session, leaves: Iterable[int]) -> dict[int, list[int]]:
    """The sibling queues that compete for `leaves`, each with the leaf queues whose heads can change its place in the order.

    Where only one sibling contains any of them, its key decides nothing and the others need no look. Where several do, each of
    those is judged by the heads of all its leaves, so all of them count.
    """
    parents = session.snapshot.queue_parent
    relevant: dict[int, set[int]] = {}
    for leaf in leaves:
        for queue in session.state.ledger.path[leaf]:
            relevant.setdefault(parents[queue], set()).add(queue)
    level = NOWHERE
    while len(relevant[level]) == 1:
        (only,) = relevant[level]
        if only not in relevant:
            return {only: [only]}
        level = only
    return {queue: _leaves_below(session, queue) for queue in sorted(relevant[level])}


def _leaves_below(session: Session, queue: int) -> list[int]:
    children, found, rest = session.snapshot.queue_children, [], [queue]
    while rest:
        queue = rest.pop()
        if children[queue]:
            rest += children[queue]
        else:
            found.append(queue)
    return found
