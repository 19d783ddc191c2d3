"""A scenario: who is to gain, which units are given up for it, and how the queues stood before."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scheduling.engine.model.resources import Resources
from scheduling.engine.model.tasks import TaskState

if TYPE_CHECKING:
    from scheduling.engine.session import Session


_WITHOUT_PLACE = frozenset({TaskState.RELEASING, TaskState.PENDING})


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """Tasks of one gang that can only be taken together: one surplus task, or a whole core. Equal only to itself."""

    gang: int
    queue: int
    tasks: tuple[int, ...]
    nodes: tuple[int, ...]
    devices: tuple[int, ...]
    """Per node: how many devices would be free at most if the unit went."""
    amounts: Resources


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """`units` are in the order they were taken. `allocated` and `non_preemptible` are the queues' sums when the search began.

    `lost` fills with the units of which, after the simulation, some task has no place any more.
    """

    action: str
    beneficiary: int
    queue: int
    tasks: tuple[int, ...]
    asked: Resources
    units: tuple[Unit, ...]
    allocated: list[list[int]]
    non_preemptible: list[list[int]]
    lost: list[Unit] = field(default_factory=list)

    def note_losses(self, session: "Session") -> None:
        """To be called once, when the simulation has come to its end."""
        states = session.state.states
        self.lost.extend(
            unit for unit in self.units if any(states[task] in _WITHOUT_PLACE for task in unit.tasks)
        )

    def counted_losses(self, session: "Session") -> list[Unit]:
        """The units the queues' rules look at: all of them, unless being moved is allowed to count as no loss."""
        return self.lost if session.config.allow_consolidating_reclaim else list(self.units)

    def moved_or_lost(self, session: "Session") -> list[Unit]:
        """Units of which some task does not simply stay where it is."""
        return [unit for unit in self.units if any(session.state.is_displaced(task) for task in unit.tasks)]
