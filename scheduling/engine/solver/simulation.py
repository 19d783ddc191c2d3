"""One try: with the units gone, give places in queue order to the beneficiary and to those who lost theirs."""

from scheduling.engine.model.resources import Resources
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import asked_by, tasks_to_start
from scheduling.engine.session.starting import start_gang
from scheduling.engine.session.walk import QueueWalk, WaitingLine
from scheduling.engine.solver.scenario import Scenario


def simulate(session: Session, scenario: Scenario) -> bool:
    """Whether the beneficiary finds places. The units must have been evicted; the state keeps what was promised.

    Gangs that merely wait are walked past: they hold their place in the order but get nothing here. A victim that finds room
    is put back or moved.
    """
    return _Simulation(session, scenario).run()


class _Simulation:
    def __init__(self, session: Session, scenario: Scenario) -> None:
        self.session = session
        self.scenario = scenario
        self.evicted = {task for unit in scenario.units for task in unit.tasks}
        self.open = {unit.gang for unit in scenario.units} | {scenario.beneficiary}
        self.lines = {leaf: self._line(leaf) for leaf in self._leaves()}
        self.walk = QueueWalk(session, self.lines, self._asked)

    def _leaves(self) -> list[int]:
        return sorted({self.scenario.queue, *(unit.queue for unit in self.scenario.units)})

    def _line(self, leaf: int) -> WaitingLine:
        session = self.session
        base = [entry for entry in session.lines.waiting.get(leaf, ()) if entry[1] not in self.open]
        line = WaitingLine(base)
        for gang in self.open:
            if session.snapshot.gang_queue[gang] == leaf:
                line.push(session.gang_key(gang), gang)
        return line

    def _asked(self, gang: int) -> Resources:
        if gang == self.scenario.beneficiary:
            return self.scenario.asked
        if gang in self.open:
            return asked_by(self.session, tasks_to_start(self.session, gang, self.evicted))
        return self.session.asked(gang)

    def run(self) -> bool:
        beneficiary = self.scenario.beneficiary
        placed = False
        while self.open and (gang := self.walk.pop()) is not None:
            if gang not in self.open:
                continue
            self.open.discard(gang)
            if gang == beneficiary:
                if not start_gang(self.session, gang, list(self.scenario.tasks), nominate_only=True):
                    return False
                placed = True
                self._drop_hopeless()
            else:
                self._put_back(gang)
        return placed

    def _put_back(self, gang: int) -> None:
        """Try the next tasks of a victim; an elastic one queues again for more."""
        session = self.session
        tasks = tasks_to_start(session, gang, self.evicted)
        if start_gang(session, gang, tasks, nominate_only=True) and any(
            task in self.evicted and session.state.states[task] in {TaskState.RELEASING, TaskState.PENDING}
            for task in session.snapshot.tasks_of(gang)
        ):
            leaf = session.snapshot.gang_queue[gang]
            self.open.add(gang)
            self.lines[leaf].push(session.gang_key(gang), gang)
            self.walk.add(leaf, self.lines[leaf])

    def _drop_hopeless(self) -> None:
        """From here on room only shrinks: a victim one of whose tasks fits nowhere need not be waited for."""
        for gang in list(self.open):
            tasks = tasks_to_start(self.session, gang, self.evicted)
            if not all(map(self._may_fit, tasks)):
                self.open.discard(gang)

    def _may_fit(self, task: int) -> bool:
        placement = self.session.placement_of(task)
        placement.refresh()
        return placement.total_slots > 0
