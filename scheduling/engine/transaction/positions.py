"""Where a task stands: its state, its place, and the place it still holds while it moves."""

from typing import NamedTuple

from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.model.tasks import TaskState


class Position(NamedTuple):
    """`left_node`/`left_groups` are what a moving task still holds (as releasing) until it is gone; -1 if it does not move."""

    state: TaskState
    node: int
    groups: tuple[str, ...] = ()
    left_node: int = -1
    left_groups: tuple[str, ...] = ()


WAITING = Position(TaskState.PENDING, NOWHERE)
"""Where a task stands that has no place and holds no devices."""
IS_CHARGED = tuple(
    state
    in {
        TaskState.ALLOCATED,
        TaskState.PIPELINED,
        TaskState.BINDING,
        TaskState.BOUND,
        TaskState.RUNNING,
    }
    for state in TaskState
)
"""By state number: whether it counts in the queue's use during a cycle. Nominations do, what is being released does not."""
