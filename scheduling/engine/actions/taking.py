"""What reclaim, preempt and consolidate share: walk the waiting gangs, search victims for each, keep what was accepted."""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial

from scheduling.engine.actions.asking import in_turn
from scheduling.engine.actions.causes import cause_of
from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.session import Cause, Session
from scheduling.engine.session.gangs import IS_ACTIVE
from scheduling.engine.session.walk import QueueWalk, WaitingLine
from scheduling.engine.solver.scenario import Scenario
from scheduling.engine.solver.search import Search
from scheduling.engine.solver.turns import TurnOrder
from scheduling.engine.solver.victims import VictimOrder


def take_for_waiting(
    session: Session,
    action: str,
    rule: str,
    *,
    may_try: Callable[[int], bool] = lambda gang: True,
    takes_from: Callable[[int, int], bool] = lambda gang, queue: True,
    may_lose: Callable[[int, int], bool] = lambda gang, victim: True,
    most_gangs: int | None = None,
    everyone_stays: bool = False,
) -> None:
    """`may_try(gang)`: who may look for victims; `takes_from(gang, queue)`: where; `may_lose(gang, victim)`: who of that queue.

    `most_gangs` bounds how many gangs are considered as victims; with `everyone_stays` all of them must find a new place.
    """
    lines = {
        leaf: WaitingLine(line.copy(), session.config.queue_depth)
        for leaf, line in session.lines.waiting.items()
    }
    walk = QueueWalk(session, lines, session.asked)
    failures = Failures(session, per_queue=not everyone_stays)
    turns = TurnOrder(session)
    for gang in in_turn(session, action, walk):
        if not may_try(gang) or session.may_take(action, gang, session.asked(gang)) is not None:
            continue
        if failures.covers(gang):
            continue
        mark = session.state.mark()
        order = VictimOrder(
            session,
            partial(takes_from, gang),
            partial(_may_be_taken, session, action, may_lose, gang),
            most_gangs=most_gangs,
        )
        solution = Search(session, action, gang, order, turns, everyone_stays=everyone_stays).run()
        if solution is None or not within_safety_limit(session, mark):
            session.state.rollback(mark)
            failures.remember(gang)
            continue
        _record(session, solution, rule)
        _pass_on_causes(session, solution)
        _start_at_once(session, solution)
        session.placed_gangs.add(gang)
        session.commit(mark)
        turns.forget({session.snapshot.task_gang[task] for task in session.state.touched_since(mark)})


def _may_be_taken(
    session: Session, action: str, may_lose: Callable[[int, int], bool], gang: int, victim: int
) -> bool:
    return may_lose(gang, victim) and session.may_evict(action, gang, victim)


def within_safety_limit(session: Session, mark: int) -> bool:
    """Whether with what was done since the mark the plan disturbs no more tasks than it may."""
    limit = session.config.max_evictions
    if limit is None:
        return True
    evicted = {task for task in session.state.touched_since(mark) if _is_disturbed(session, task)}
    return len(session.causes.keys() | evicted) <= limit


def _is_disturbed(session: Session, task: int) -> bool:
    now, before = session.state.position(task), session.state.initial_position(task)
    return before.state is not TaskState.PENDING and now != before


def _record(session: Session, solution: Scenario, rule: str) -> None:
    """Who stopped a task is its cause; who later takes the place it was to move to is not."""
    gangs = session.snapshot.gangs
    causes: dict[tuple[int, int], Cause] = {}
    for unit in solution.units:
        likeness = (unit.queue, gangs[unit.gang].priority)  # all that a cause depends on
        if likeness not in causes:
            causes[likeness] = cause_of(session, solution, unit, rule)
        for task in unit.tasks:
            if _is_disturbed(session, task) and not (
                task in session.causes and session.state.was_displaced_before(task)
            ):
                session.causes[task] = causes[likeness]


def _pass_on_causes(session: Session, solution: Scenario) -> None:
    """Who was stopped for a gang that has just lost its promised place again was stopped for the one who got it."""
    snapshot, state = session.snapshot, session.state
    losers = {
        unit.gang
        for unit in solution.units
        if any(snapshot.task_state[task] is TaskState.PENDING for task in unit.tasks)
        and not any(IS_ACTIVE[state.states[task]] for task in snapshot.tasks_of(unit.gang))
    }
    if not losers:
        return
    winner = snapshot.gangs[solution.beneficiary]
    for task, cause in session.causes.items():
        if cause.beneficiary in losers:
            told = f"{cause.message} {winner.name or winner.uid} then took that place."
            session.causes[task] = replace(cause, beneficiary=solution.beneficiary, message=told)


def _start_at_once(session: Session, solution: Scenario) -> None:
    """When only places given in this very cycle were taken back, nobody has to leave first: what was promised can start."""
    state = session.state
    victims = [task for unit in solution.units for task in unit.tasks if state.is_displaced(task)]
    if any(_is_disturbed(session, task) for task in victims):
        return
    promised = [task for task in (*solution.tasks, *victims) if state.states[task] is TaskState.PIPELINED]
    mark = state.mark()
    for task in promised:
        state.start_instead(task)
    if any(state.occupancy[state.position(task).node].is_overdrawn() for task in promised):
        state.rollback(mark)


class Failures:
    """Gangs that failed in this action: their likes, unless smaller, are not tried again (`skip_equals_of_failed`)."""

    def __init__(self, session: Session, *, per_queue: bool) -> None:
        self._session = session
        self._per_queue = per_queue
        self._smallest: dict[Hashable, list[Counter[int]]] = {}

    def _likeness(self, gang: int) -> tuple[Hashable, Counter[int]]:
        """What two gangs must share to be likes, and how many tasks of each shape the next attempt has."""
        session, one = self._session, self._session.snapshot.gangs[gang]
        shapes = Counter(session.snapshot.task_shape[task] for task in session.next_tasks(gang))
        queue = session.snapshot.gang_queue[gang] if self._per_queue else NOWHERE
        tree = one.root if session.gang_tasks(gang).is_constrained else None
        return (queue, one.priority, one.is_preemptible, tree, frozenset(shapes)), shapes

    def covers(self, gang: int) -> bool:
        if not self._session.config.skip_equals_of_failed or not self._smallest:
            return False
        likeness, shapes = self._likeness(gang)
        return any(failed <= shapes for failed in self._smallest.get(likeness, ()))

    def remember(self, gang: int) -> None:
        likeness, shapes = self._likeness(gang)
        self._smallest.setdefault(likeness, []).append(shapes)
