"""Gangs as the cycle works with them: which tasks to try next, and in which units they may be evicted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scheduling.engine.model.gangs import PodSet, SubGroup, TopologyConstraint
from scheduling.engine.model.resources import NOTHING, Resources
from scheduling.engine.model.tasks import TaskState

if TYPE_CHECKING:
    from scheduling.engine.session import Session

IS_ACTIVE = tuple(
    state in {TaskState.ALLOCATED, TaskState.PIPELINED, TaskState.BINDING, TaskState.BOUND, TaskState.RUNNING}
    for state in TaskState
)
"""By state number: on a node or promised one, and not on its way out."""
IS_ALIVE = tuple(
    active or state is TaskState.PENDING for state, active in zip(TaskState, IS_ACTIVE, strict=True)
)
"""By state number: that, or waiting."""


class PodSetTasks:
    """One pod set with its tasks in the order they start."""

    __slots__ = ("minimum", "name", "tasks", "topology")

    def __init__(
        self, name: str, minimum: int, topology: TopologyConstraint | None, tasks: list[int]
    ) -> None:
        self.name = name
        self.minimum = minimum
        self.topology = topology
        self.tasks = tasks


class GangTasks:
    """The pod sets of one gang, by name, and its tree. `is_constrained`: some part of it has a topology constraint."""

    __slots__ = ("index", "is_constrained", "pod_sets", "tree")

    def __init__(self, session: "Session", gang: int) -> None:
        self.index = gang
        one = session.snapshot.gangs[gang]
        if one.root is None and len(one.tasks) == 1:
            self.tree: SubGroup = UNTREED
            self.is_constrained = False
            minimum = 1 if one.min_available is None else one.min_available
            self.pod_sets = [PodSetTasks("default", minimum, None, [session.snapshot.gang_first[gang]])]
            return
        self.tree = one.tree()
        pod_sets = self.tree.all_pod_sets()
        self.is_constrained = _is_constrained(self.tree)
        tasks = list(session.snapshot.tasks_of(gang))
        if len(tasks) > 1:
            tasks.sort(key=session.task_key)
        if len(pod_sets) == 1:
            self.pod_sets = [_of(pod_sets[0], tasks)]
            return
        by_name: dict[str, list[int]] = {pod_set.name: [] for pod_set in pod_sets}
        for task in tasks:
            by_name.setdefault(session.snapshot.tasks[task].pod_set, []).append(task)
        self.pod_sets = [_of(pod_set, by_name[pod_set.name]) for pod_set in pod_sets]

    def under(self, part: SubGroup | PodSet) -> frozenset[int]:
        """The tasks of a part of the tree."""
        names = {part.name} if isinstance(part, PodSet) else {one.name for one in part.all_pod_sets()}
        return frozenset(task for one in self.pod_sets if one.name in names for task in one.tasks)


UNTREED = SubGroup()
"""The tree of gangs that are a single task; nobody walks it."""


def _of(pod_set: PodSet, tasks: list[int]) -> PodSetTasks:
    return PodSetTasks(pod_set.name, pod_set.min_available, pod_set.topology, tasks)


def _is_constrained(group: SubGroup) -> bool:
    return (
        group.topology is not None
        or any(one.topology is not None for one in group.pod_sets)
        or any(map(_is_constrained, group.groups))
    )


def active_count(session: "Session", pod_set: PodSetTasks) -> int:
    """Tasks of the set that are on a node or promised one."""
    states = session.state.states
    return sum(IS_ACTIVE[states[task]] for task in pod_set.tasks)


def is_ready(session: "Session", gang: GangTasks) -> bool:
    """Whether every pod set has enough living, ungated tasks to reach its minimum."""
    states = session.state.states
    return all(sum(IS_ALIVE[states[task]] for task in one.tasks) >= one.minimum for one in gang.pod_sets)


def tasks_to_start(
    session: "Session", gang: int, evicted: frozenset[int] | set[int] = frozenset()
) -> list[int]:
    """The tasks of the gang's next attempt; `evicted` ones count as pending (a simulation puts them back).

    While some pod set is below its minimum: what is missing in all of those sets together. Afterwards one task of one set.
    """
    states, first_of = session.state.states, session.snapshot.gang_first
    if first_of[gang + 1] - first_of[gang] == 1:
        only = first_of[gang]
        state = states[only]
        waits_alone = state is TaskState.PENDING or (state is TaskState.RELEASING and only in evicted)
        return [only] if waits_alone else []

    def waits(task: int) -> bool:
        return states[task] is TaskState.PENDING or (task in evicted and states[task] is TaskState.RELEASING)

    members = session.gang_tasks(gang)
    ordered = sorted(members.pod_sets, key=lambda one: pod_set_key(session, one))
    chosen: list[int] = []
    for one in ordered:
        missing = one.minimum - active_count(session, one)
        if missing > 0:
            chosen += [task for task in one.tasks if waits(task)][:missing]
    if chosen or any(one.minimum > active_count(session, one) for one in ordered):
        return chosen
    for one in ordered:
        for task in one.tasks:
            if waits(task):
                return [task]
    return []


def pod_set_key(session: "Session", pod_set: PodSetTasks) -> tuple[int, float, str]:
    """Below the minimum first; else the less filled in proportion to its minimum; then the name."""
    active = active_count(session, pod_set)
    if active < pod_set.minimum:
        return (0, 0.0, pod_set.name)
    return (1, active / pod_set.minimum if pod_set.minimum else float(active), pod_set.name)


def eviction_units(session: "Session", gang: int) -> list[list[int]]:
    """The gang's active tasks in the units and the order in which they may be taken: surplus one by one, then the core whole."""
    states = session.state.states
    first, end = session.snapshot.gang_first[gang : gang + 2]
    if end - first == 1:
        return [[first]] if IS_ACTIVE[states[first]] else []
    members = session.gang_tasks(gang)
    left = {one.name: [task for task in one.tasks if IS_ACTIVE[states[task]]] for one in members.pod_sets}
    units: list[list[int]] = []
    while True:
        surplus = [one for one in members.pod_sets if len(left[one.name]) > one.minimum]
        if not surplus:
            break
        fullest = max(surplus, key=lambda one: (len(left[one.name]) / max(1, one.minimum), one.name))
        units.append([left[fullest.name].pop()])
    core = [task for one in members.pod_sets for task in left[one.name]]
    if core:
        units.append(core)
    return units


def asked_by(session: "Session", tasks: Sequence[int]) -> Resources:
    """What these tasks together would add to their queue."""
    state = session.state
    if len(tasks) == 1:
        return state.charge_of(tasks[0])
    if not tasks:
        return NOTHING
    gpu = cpu = memory = 0
    for task in tasks:
        charge = state.charge_of(task)
        gpu += charge[0]
        cpu += charge[1]
        memory += charge[2]
    return Resources(gpu, cpu, memory)
