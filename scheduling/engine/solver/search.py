"""The search: solve for one task of the gang, then for two and so on, each time with what was given up so far."""

from collections.abc import Iterable

from scheduling.engine.session import Session
from scheduling.engine.solver.failures import is_plain
from scheduling.engine.solver.scenario import Scenario
from scheduling.engine.solver.step import Step
from scheduling.engine.solver.taken import KeysWithout, Taken, Unit
from scheduling.engine.solver.turns import TurnOrder
from scheduling.engine.solver.victims import VictimOrder


class Search:
    """One gang looking for room at the expense of others. On success the state holds the solution.

    Between two steps the evictions stay, the placing is undone: what every further step would do anew is kept. Where the next
    step can only add one task to those that are placed, they stay as well (see Step); the last step always places all of them,
    because only then it is certain which task goes where.
    """

    def __init__(
        self,
        session: Session,
        action: str,
        gang: int,
        order: VictimOrder,
        turns: TurnOrder,
        *,
        everyone_stays: bool = False,
    ) -> None:
        self.session = session
        self.action = action
        self.gang = gang
        self.order = order
        self.turns = turns
        self.everyone_stays = everyone_stays
        self.taken = Taken()
        """Given up by the steps before, and evicted."""
        self.keys_without: KeysWithout = {}
        self.standing: tuple[int, ...] = ()
        """The tasks of the gang that still stand where the steps before placed them."""
        self.before_placing = 0
        """Mark behind the evictions of the latest try, before anything was placed."""
        self._start = session.state.mark()

    def run(self) -> Scenario | None:
        """The accepted solution, or None with the state as it was."""
        tasks = tuple(self.session.next_tasks(self.gang))
        solution: Scenario | None = None
        for size in range(1, len(tasks) + 1):
            if solution is not None:
                self._begin_with(solution, tasks[:size], is_last=size == len(tasks))
            solution = Step(self, tasks[:size]).solve()
            if solution is None:
                self.session.state.rollback(self._start)
                return None
        return solution

    def _begin_with(self, solution: Scenario, tasks: tuple[int, ...], *, is_last: bool) -> None:
        """Prepare the next step. Units that found their place again drop out."""
        displaced = solution.moved_or_lost(self.session)
        if len(displaced) < len(solution.units):
            self.session.state.rollback(self._start)
            self.standing = ()
            self.evict(displaced)
            self.taken = Taken().with_units(self.session, displaced, self.keys_without)
            return
        self.taken = solution.taken
        if not is_last and not solution.returned and self._are_alike(tasks):
            self.standing = solution.tasks
        elif self.standing:
            self.standing = solution.tasks
            self.place_anew()
        else:
            self.session.state.rollback(self.before_placing)

    def _are_alike(self, tasks: tuple[int, ...]) -> bool:
        """Whether every node takes each of these tasks for the other, and takes one less with each."""
        shapes = self.session.snapshot.task_shape
        return len({shapes[task] for task in tasks}) == 1 and is_plain(self.session, self.gang, tasks[:1])

    def place_anew(self) -> None:
        """Leave of what the steps before did only the evictions."""
        for task in self.standing:
            self.session.state.withdraw(task)
        self.standing = ()

    def evict(self, units: Iterable[Unit]) -> None:
        for unit in units:
            for task in unit.tasks:
                self.session.state.evict(task)
