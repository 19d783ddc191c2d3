"""The search: solve for one task of the gang, then for two and so on, each time with what was given up so far.

Units are considered one after the other; for each node the latest unit stands on, all units so far that touch that node are
given up and the outcome is simulated. The first outcome that every veto accepts wins.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count

from scheduling.engine.model.resources import Resources
from scheduling.engine.plugin import Key
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import asked_by
from scheduling.engine.solver.failures import FailedTries
from scheduling.engine.solver.scenario import Scenario, Unit
from scheduling.engine.solver.simulation import simulate
from scheduling.engine.solver.victims import victim_units


class Search:
    """One gang looking for room at the expense of others. On success the state holds the solution."""

    def __init__(
        self,
        session: Session,
        action: str,
        gang: int,
        wanted: Callable[[int], bool],
        *,
        most_gangs: int | None = None,
        everyone_stays: bool = False,
    ) -> None:
        self.session = session
        self.action = action
        self.gang = gang
        self.most_gangs = most_gangs
        self.everyone_stays = everyone_stays
        ledger = session.state.ledger
        self._allocated = [sums[:] for sums in ledger.allocated]
        self._non_preemptible = [sums[:] for sums in ledger.non_preemptible]
        self._source = victim_units(session, action, gang, wanted)
        self._units: list[Unit] = []
        self._victim_keys: dict[tuple[int, int], Key] = {}
        """Order key of a victim gang with that many of its tasks gone."""
        self._failed = FailedTries(session, gang, ())
        self._before_placing = 0
        """Mark behind the evictions of the latest try, before anything was placed."""

    def run(self) -> Scenario | None:
        """The accepted solution, or None with the state as it was."""
        state = self.session.state
        tasks = self.session.next_tasks(self.gang)
        start = state.mark()
        given_up: tuple[Unit, ...] = ()
        solution: Scenario | None = None
        for size in range(1, len(tasks) + 1):
            if solution is not None:
                given_up = self._keep_given_up(solution, start)
            solution = self._solve(tuple(tasks[:size]), given_up)
            if solution is None:
                state.rollback(start)
                return None
        return solution

    def _keep_given_up(self, solution: Scenario, start: int) -> tuple[Unit, ...]:
        """Undo the placing but not the evictions: what the next step begins with. Units that found their place again drop out."""
        state = self.session.state
        displaced = tuple(solution.moved_or_lost(self.session))
        if len(displaced) == len(solution.units):
            state.rollback(self._before_placing)
        else:
            state.rollback(start)
            self._evict(displaced)
        return displaced

    def _evict(self, units: Iterable[Unit]) -> None:
        for unit in units:
            for task in unit.tasks:
                self.session.state.evict(task)

    def _considered(self) -> Iterator[Unit]:
        """The units in their fixed order, made as they are needed by the state before the search, and kept for the next step."""
        gangs: set[int] = set()
        for number in count():
            if number == len(self._units):
                unit = self._next_unit()
                if unit is None:
                    return
                self._units.append(unit)
            unit = self._units[number]
            gangs.add(unit.gang)
            if self.most_gangs is not None and len(gangs) > self.most_gangs:
                return
            yield unit

    def _next_unit(self) -> Unit | None:
        """Asked with the queues' sums as they stood before the search: what was given up meanwhile does not change the order."""
        ledger = self.session.state.ledger
        ledger.allocated, current = self._allocated, ledger.allocated
        try:
            return next(self._source, None)
        finally:
            ledger.allocated = current

    def _solve(self, tasks: tuple[int, ...], given_up: tuple[Unit, ...]) -> Scenario | None:
        """One step; `given_up` has been evicted already."""
        asked = asked_by(self.session, list(tasks))
        needed = Counter(self.session.snapshot.task_shape[task] for task in tasks)
        examples = {self.session.snapshot.task_shape[task]: task for task in tasks}

        def attempt(units: list[Unit]) -> Scenario | None:
            return self._try(tasks, asked, given_up, units, [(examples[one], needed[one]) for one in needed])

        self._failed = FailedTries(self.session, self.gang, tasks)
        if given_up and (solution := attempt([])) is not None:
            return solution
        known = set(given_up)
        by_node: dict[int, list[Unit]] = {}
        for unit in self._considered():
            if unit in known:
                continue
            for node in unit.nodes:
                by_node.setdefault(node, []).append(unit)
            for node in unit.nodes:
                if (solution := attempt(by_node[node])) is not None:
                    return solution
        return None

    def _try(
        self,
        tasks: tuple[int, ...],
        asked: Resources,
        given_up: tuple[Unit, ...],
        units: list[Unit],
        needed: list[tuple[int, int]],
    ) -> Scenario | None:
        if self._frees_too_little(needed, units):
            return None
        session = self.session
        mark = session.state.mark()
        self._evict(units)
        self._before_placing = session.state.mark()
        likeness = self._failed.likeness(units) if self._has_slots(needed) else None
        if self._has_slots(needed) and not self._failed.covers(likeness):
            scenario = Scenario(
                action=self.action,
                beneficiary=self.gang,
                queue=session.snapshot.gang_queue[self.gang],
                tasks=tasks,
                asked=asked,
                units=(*given_up, *units),
                allocated=self._allocated,
                non_preemptible=self._non_preemptible,
            )
            if simulate(session, scenario, self._victim_keys) and self._is_acceptable(scenario):
                return scenario
            self._failed.remember(likeness)
        session.state.rollback(mark)
        return None

    def _is_acceptable(self, scenario: Scenario) -> bool:
        scenario.note_losses(self.session)
        if self.everyone_stays and scenario.lost:
            return False
        return self.session.accepts(scenario)

    def _frees_too_little(self, needed: list[tuple[int, int]], units: list[Unit]) -> bool:
        """The same test before anything is evicted, by counting devices: never true where the exact one would pass."""
        (task, number), *others = needed
        placement = self.session.placement_of(task)
        if others or placement.fitting.shared or not placement.fitting.devices:
            return False
        placement.refresh()
        freed: dict[int, int] = {}
        for unit in units:
            for node, devices in zip(unit.nodes, unit.devices, strict=True):
                freed[node] = freed.get(node, 0) + devices
        slots = placement.total_slots
        for node, devices in freed.items():
            if placement.obstacles[node] is None:
                one = self.session.state.occupancy[node]
                room = one.idle_gpus + one.releasing_gpus + devices
                slots += max(0, room // placement.fitting.devices) - placement.slots_on(node)
        return slots < number

    def _has_slots(self, needed: list[tuple[int, int]]) -> bool:
        """A simulation only consumes: with fewer slots than tasks of a shape it must fail. `needed`: (a task of it, how many)."""
        for task, number in needed:
            placement = self.session.placement_of(task)
            placement.refresh()
            if placement.total_slots < number:
                return False
        return True
