"""A scenario: who is to gain, which units are given up for it, and how the queues stood before."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scheduling.engine.model.resources import Resources
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.solver.taken import Taken, Unit, by_queue

if TYPE_CHECKING:
    from scheduling.engine.session import Session


_WITHOUT_PLACE = frozenset({TaskState.RELEASING, TaskState.PENDING})


@dataclass(slots=True, eq=False)
class Scenario:
    """`taken` holds what is given up. `allocated` and `non_preemptible` are the queues' sums when the search began.

    After the simulation `returned` are the victim gangs of which something found a place again, `lost` the units of which some
    task has none.
    """

    action: str
    beneficiary: int
    queue: int
    tasks: tuple[int, ...]
    asked: Resources
    taken: Taken
    allocated: list[list[int]]
    non_preemptible: list[list[int]]
    returned: set[int] = field(default_factory=set)
    lost: list[Unit] = field(default_factory=list)

    @property
    def units(self) -> list[Unit]:
        """In the order they were taken."""
        return self.taken.units

    def note_losses(self, session: "Session") -> None:
        """To be called once, when the simulation has come to its end."""
        if not self.returned:
            self.lost.extend(self.units)
            return
        states = session.state.states
        self.lost.extend(
            unit
            for unit in self.units
            if unit.gang not in self.returned or any(states[task] in _WITHOUT_PLACE for task in unit.tasks)
        )

    def losses_by_queue(self, session: "Session") -> dict[int, tuple[Resources, ...]]:
        """Of the units the queues' rules look at, per queue the last, and before it the sum of the others as if they were one.

        All units count, unless being moved is allowed to be no loss.
        """
        if not session.config.allow_consolidating_reclaim or len(self.lost) == len(self.units):
            return self.taken.by_queue
        return by_queue(self.lost)

    def moved_or_lost(self, session: "Session") -> list[Unit]:
        """Units of which some task does not simply stay where it is."""
        if not self.returned:
            return self.units
        return [unit for unit in self.units if any(session.state.is_displaced(task) for task in unit.tasks)]
