"""A task: one pod as the engine sees it."""

from dataclasses import dataclass, field
from enum import IntEnum

from scheduling.engine.model.constraints import ANYWHERE, Constraints
from scheduling.engine.model.gpus import NO_GPU, GpuRequest


class TaskState(IntEnum):
    """Where a task stands. The order matters to nobody; the sets below do."""

    PENDING = 0
    GATED = 1
    ALLOCATED = 2
    PIPELINED = 3
    """Nominated: it gets what others are about to leave. It never outlives a cycle."""
    BINDING = 4
    BOUND = 5
    RUNNING = 6
    RELEASING = 7
    """Being evicted or deleted; still holds its place."""
    SUCCEEDED = 8
    FAILED = 9
    UNKNOWN = 10
    DELETED = 11


ACTIVE = frozenset(
    {
        TaskState.ALLOCATED,
        TaskState.PIPELINED,
        TaskState.BINDING,
        TaskState.BOUND,
        TaskState.RUNNING,
    }
)
"""On a node, or promised one, and not on its way out."""
HOLDING = frozenset({TaskState.ALLOCATED, TaskState.BINDING, TaskState.BOUND, TaskState.RUNNING})
"""Counts in its queue's use."""
ON_NODE = ACTIVE | {TaskState.RELEASING}
ALIVE = ACTIVE | {TaskState.PENDING}


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """The amounts one task needs on one node. `extended` are (name, amount) of extended resources, sorted by name."""

    gpu: GpuRequest = NO_GPU
    cpu_milli: int = 0
    memory_bytes: int = 0
    extended: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Task:
    """One pod. `uid` is unique in the snapshot; `node` and `gpu_groups` are set while it holds a place.

    `gpu_groups` name the shared devices it sits on (see gpu_sharing): tasks of one node with the same group share a device.
    `pod_set` names the part of the gang it belongs to. `priority` orders tasks inside the gang, higher first; None comes last.
    `leader` marks masters, launchers and heads: they start first and are evicted last.
    `labels` are what other pods' affinities may select.
    """

    uid: str
    request: TaskRequest = TaskRequest()
    state: TaskState = TaskState.PENDING
    node: str = ""
    gpu_groups: tuple[str, ...] = ()
    name: str = ""
    pod_set: str = "default"
    priority: int | None = None
    leader: bool = False
    created_at: float = 0.0
    constraints: Constraints = ANYWHERE
    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    nominated_node: str = ""
