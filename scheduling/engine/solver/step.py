"""One step of a search: give up units until a certain number of the gang's tasks find places.

Units are considered one after the other; for each node the latest unit stands on, all units so far that touch that node are
given up and the outcome is simulated. The first outcome that every veto accepts wins.
"""

from collections import Counter
from typing import TYPE_CHECKING

from scheduling.engine.session.gangs import asked_by
from scheduling.engine.session.starting import nominate
from scheduling.engine.solver.failures import FailedTries
from scheduling.engine.solver.scenario import Scenario
from scheduling.engine.solver.simulation import comes_true, has_no_room_for, is_served_first, simulate
from scheduling.engine.solver.taken import Unit
from scheduling.engine.solver.turns import Taker

if TYPE_CHECKING:
    from scheduling.engine.solver.search import Search


class Step:
    """What the search has given up so far is evicted already.

    **Adding one task.** If the tasks are alike, if those of the step before still stand, and if with the new units gone there is
    room for exactly one more, then placing all of them from scratch would fill the very same room: each takes one slot, and
    there are as many slots as tasks. So the last task is added to the others, provided that the gang still goes first and that
    afterwards no victim has a slot left, so that nobody is put back. Where any of this does not hold, all are placed anew.
    """

    def __init__(self, search: "Search", tasks: tuple[int, ...]) -> None:
        session = search.session
        shapes = session.snapshot.task_shape
        self.session = session
        self.search = search
        self.tasks = tasks
        self.asked = asked_by(session, list(tasks))
        examples = {shapes[task]: task for task in tasks}
        self._needed = [
            (session.placement_of(examples[shape]), number)
            for shape, number in Counter(shapes[task] for task in tasks).items()
        ]
        """Placements of the shapes, and how many tasks of each there are."""
        self._failed = FailedTries(session, search.gang, tasks)
        self.has_failed = False
        """Whether a simulation of this step failed: many searches succeed at the first try, and need not look further ahead."""

    def solve(self) -> Scenario | None:
        """The first accepted outcome; the state holds it."""
        taken = self.search.taken.units
        if taken and (solution := self._try([])) is not None:
            return solution
        by_node: dict[int, list[Unit]] = {}
        for unit in self.search.order.without(set(taken)):
            for node in unit.nodes:
                by_node.setdefault(node, []).append(unit)
            tried: list[list[Unit]] = []
            for units in [by_node[node] for node in unit.nodes]:
                if units in tried:
                    continue  # the gang's other nodes hold the same victims
                if (solution := self._try(units)) is not None:
                    return solution
                tried.append(units)
        return None

    def _try(self, units: list[Unit]) -> Scenario | None:
        """Give up these units too. The state holds an accepted outcome, else it is as before."""
        if self._frees_too_little(units) or self._is_in_vain(units):
            return None
        search, state = self.search, self.session.state
        mark = state.mark()
        search.evict(units)
        search.before_placing = state.mark()
        if not self._has_slots() or self._failed.covers(units):
            state.rollback(mark)
            return None
        scenario = self._scenario(units)
        placed = self._add_last(scenario) if search.standing else simulate(self.session, scenario)
        if placed is None:
            state.rollback(mark)
            search.place_anew()
            self._failed = FailedTries(self.session, search.gang, self.tasks)
            return self._try(units)
        if placed and self._is_acceptable(scenario):
            return scenario
        self.has_failed = True
        state.rollback(search.before_placing)
        self._failed.remember(units)
        state.rollback(mark)
        return None

    def _scenario(self, units: list[Unit]) -> Scenario:
        search = self.search
        return Scenario(
            action=search.action,
            beneficiary=search.gang,
            queue=self.session.snapshot.gang_queue[search.gang],
            tasks=self.tasks,
            asked=self.asked,
            taken=search.taken.with_units(self.session, units, search.keys_without),
            allocated=search.order.allocated,
            non_preemptible=search.order.non_preemptible,
        )

    def _is_acceptable(self, scenario: Scenario) -> bool:
        scenario.note_losses(self.session)
        if self.search.everyone_stays and scenario.lost:
            return False
        if not self.session.accepts(scenario):
            return False
        is_last = len(self.tasks) == len(self.session.next_tasks(self.search.gang))
        return not is_last or comes_true(self.session, scenario)

    def _add_last(self, scenario: Scenario) -> bool | None:
        """Add one task to those that stand; None if that would not show what placing all of them would lead to."""
        ((placement, _),) = self._needed
        if placement.total_slots != 1 or not self._goes_first(scenario):
            return None
        nominate(self.session, self.tasks[-1])
        examples = scenario.taken.examples
        return True if len(has_no_room_for(self.session, examples)) == len(examples) else None

    def _goes_first(self, scenario: Scenario) -> bool:
        """Whether the gang may start and is served before its victims, asked with the queues' sums without the standing tasks."""
        session, gang = self.session, self.search.gang
        charge, queue = session.state.ledger.charge, scenario.queue
        preemptible = session.state.is_preemptible(gang)
        standing = self.asked.minus(asked_by(session, self.tasks[-1:]))
        charge(queue, standing, -1, preemptible=preemptible)
        goes_first = session.may_start(gang, self.asked) is None and is_served_first(session, scenario)
        charge(queue, standing, 1, preemptible=preemptible)
        return goes_first

    def _is_in_vain(self, units: list[Unit]) -> bool:
        """Whether the order of the queues alone tells that the victims take their places back before the gang's turn."""
        search = self.search
        if not self.has_failed or search.taken.units or search.standing:
            return False
        taker = Taker(search.gang, self.session.snapshot.gang_queue[search.gang], self.asked)
        return search.turns.is_in_vain(taker, self._needed, units)

    def _frees_too_little(self, units: list[Unit]) -> bool:
        """The same test before anything is evicted, by counting devices: never true where the exact one would pass."""
        (placement, number), *others = self._needed
        fitting = placement.fitting
        if others or fitting.shared or not fitting.devices:
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
                slots += max(0, room // fitting.devices) - placement.slots_on(node)
        return slots < number - len(self.search.standing)

    def _has_slots(self) -> bool:
        """A simulation only consumes: with fewer slots than tasks of a shape it must fail."""
        for placement, number in self._needed:
            placement.refresh()
            if placement.total_slots < number - len(self.search.standing):
                return False
        return True
