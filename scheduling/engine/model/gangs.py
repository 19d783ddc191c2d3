"""A gang: tasks that start together or not at all. A single pod is a gang of one."""

from dataclasses import dataclass, field

from scheduling.engine.model.tasks import Task

PREEMPTIBLE_BELOW = 100
"""Priorities under this are preemptible unless the workload says otherwise."""


@dataclass(frozen=True, slots=True)
class TopologyConstraint:
    """Keep the group in one domain of `required_level`, and if it can be in one of `preferred_level` (node label keys)."""

    topology: str
    required_level: str = ""
    preferred_level: str = ""


@dataclass(frozen=True, slots=True)
class PodSet:
    """A part of a gang with its own minimum: that many of its tasks run, or none of the gang does."""

    name: str = "default"
    min_available: int = 1
    topology: TopologyConstraint | None = None


@dataclass(frozen=True, slots=True)
class SubGroup:
    """A node of the gang's tree: further groups, and the pod sets that are its leaves."""

    name: str = ""
    groups: tuple["SubGroup", ...] = ()
    pod_sets: tuple[PodSet, ...] = ()
    topology: TopologyConstraint | None = None

    def all_pod_sets(self) -> tuple[PodSet, ...]:
        """Every pod set below, depth first, groups before own pod sets."""
        below = tuple(one for group in self.groups for one in group.all_pod_sets())
        return below + self.pod_sets


@dataclass(slots=True)
class Gang:
    """Tasks of one workload that are scheduled as one. Instants are seconds since the epoch.

    `root` is the tree of pod sets; left out, all tasks form one pod set whose minimum is `min_available`, or all of them.
    `preemptible` left out follows from the priority. `last_start` is when the first tasks last got their places, `stale_since`
    when the gang was first seen running with fewer than its minimum.
    `pools` are the node pools it may go to, in order of preference; only the first that takes the whole gang gets it.
    `bind_retry_at` holds a gang back whose binding failed, until that instant.
    """

    uid: str
    queue: str
    tasks: list[Task]
    name: str = ""
    priority: int = 50
    preemptible: bool | None = None
    min_available: int | None = None
    root: SubGroup | None = None
    created_at: float = 0.0
    last_start: float | None = None
    stale_since: float | None = None
    pools: tuple[str, ...] = ()
    bind_retry_at: float | None = None
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def is_preemptible(self) -> bool:
        return self.priority < PREEMPTIBLE_BELOW if self.preemptible is None else self.preemptible

    def tree(self) -> SubGroup:
        """The tree of pod sets, with the default for a gang that names none."""
        if self.root is not None:
            return self.root
        minimum = len(self.tasks) if self.min_available is None else self.min_available
        return SubGroup(pod_sets=(PodSet(min_available=minimum),))


def next_pool(pools: tuple[str, ...], refused_by: str) -> str:
    """The pool to offer a gang to after `refused_by` could not take it: the next in its order, and round again."""
    if refused_by not in pools:
        return pools[0]
    return pools[(pools.index(refused_by) + 1) % len(pools)]
