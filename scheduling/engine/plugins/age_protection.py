"""Keeps nodes for the gang that has waited longest, so that a stream of small ones cannot starve a large one. Off by default.

Every place that falls free is too small for the large gang and just right for the next small one. Once the gang has waited
for `after`, the nodes it needs are filled no further by those who come behind it; what runs there runs to its end.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.resources import NOTHING
from scheduling.engine.model.shapes import Shape
from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.model.tasks import ON_NODE, TaskState
from scheduling.engine.plan import Reason
from scheduling.engine.plugin import Plugin
from scheduling.engine.session import Session
from scheduling.engine.session.fitting import Fit, Fitting


@dataclass
class AgeProtection(Plugin):
    """`after`: seconds a gang must have waited since it was made. One gang at a time is protected, the oldest.

    Past it go gangs of its queue with a higher priority, and gangs of other queues that stay within their quota at every level.
    Stands behind fair_share in the configuration.
    """

    name = "age_protection"
    objection = Reason.BEHIND_OTHERS
    after: float = 3600.0
    gang: int = NOWHERE
    kept: frozenset[int] = field(default_factory=frozenset)

    def opened(self, session: Session) -> None:
        gangs = session.snapshot.gangs
        waiting = [number for number in range(len(gangs)) if self._has_waited(session, number)]
        for gang in sorted(waiting, key=lambda number: (gangs[number].created_at, number)):
            nodes = nodes_to_keep(session, gang)
            if nodes:
                self.gang, self.kept = gang, frozenset(nodes)
                self.judges_gangs = True
                return

    def _has_waited(self, session: Session, gang: int) -> bool:
        """Waits whole, for long enough, and only for room: not for its quota, its pods or its binding."""
        snapshot, one = session.snapshot, session.snapshot.gangs[gang]
        if snapshot.gang_queue[gang] == NOWHERE or session.now - one.created_at < self.after:
            return False
        if any(task.state in ON_NODE for task in one.tasks) or not session.is_offered(gang):
            return False
        tasks = tasks_needed(session, gang)
        asked = NOTHING
        for task in tasks:
            asked = asked.plus(session.state.charge_of(task))
        return bool(tasks) and session.may_start(gang, asked) is None

    def concerns(self, session: Session, shape: Shape) -> bool:
        return bool(self.kept)

    def fits(self, session: Session, task: int, node: int) -> str | None:
        gang = session.snapshot.task_gang[task]
        if node not in self.kept or gang == self.gang or self._goes_past(session, gang, task, node):
            return None
        kept_for = session.snapshot.gangs[self.gang]
        return f"kept for {kept_for.name or kept_for.uid}, which has waited longer"

    def _goes_past(self, session: Session, gang: int, task: int, node: int) -> bool:
        snapshot = session.snapshot
        if snapshot.task_node[task] == node:
            return True  # it runs here and is only being put back
        queue = snapshot.gang_queue[gang]
        if queue == snapshot.gang_queue[self.gang]:
            return snapshot.gangs[gang].priority > snapshot.gangs[self.gang].priority
        asked = session.state.charge_of(task, node)
        return all(
            bound is None or held + more <= bound
            for level in session.state.ledger.path[queue]
            for held, more, bound in zip(
                session.state.ledger.allocated[level], asked, snapshot.queues[level].deserved, strict=True
            )
        )


def tasks_needed(session: Session, gang: int) -> list[int]:
    """What has to start together: the minimum of every pod set."""
    return [
        task
        for pod_set in session.gang_tasks(gang).pod_sets
        for task in [one for one in pod_set.tasks if session.snapshot.task_state[one] is TaskState.PENDING][
            : pod_set.minimum
        ]
    ]


def nodes_to_keep(session: Session, gang: int) -> list[int]:
    """The first nodes that could take the whole gang once those have left who came after it; none if no nodes could.

    Nodes where nobody runs who was there before the gang come first, then names decide: who is kept off cannot change this order,
    so the choice does not wander from cycle to cycle, and what falls free on these nodes adds up.
    """
    filling = _Filling(session, gang)
    for domain in _domains(session, gang):
        taken = filling.nodes_for_all(sorted(domain, key=lambda node: (node in filling.stay, node)))
        if taken:
            return taken
    return []


def _was_there_before(gang: Gang, instant: float) -> bool:
    return gang.last_start is None or gang.last_start < instant


def _domains(session: Session, gang: int) -> Iterator[Iterable[int]]:
    """All nodes; or, where the gang must stay together, the domains of that level by name."""
    nodes = range(len(session.snapshot.nodes))
    constraint = session.gang_tasks(gang).tree.topology
    if constraint is None or not constraint.required_level:
        yield nodes
        return
    topology = session.snapshot.topologies.get(constraint.topology)
    if topology is None or constraint.required_level not in topology.levels:
        return
    keys = topology.levels[: topology.levels.index(constraint.required_level) + 1]
    grouped: dict[tuple[str, ...], list[int]] = {}
    for node in nodes:
        labels = session.snapshot.nodes[node].labels
        if all(key in labels for key in keys):
            grouped.setdefault(tuple(labels[key] for key in keys), []).append(node)
    yield from (grouped[path] for path in sorted(grouped))


class _Filling:
    """Puts the gang's tasks on nodes as they will be when all who came after it have left."""

    def __init__(self, session: Session, gang: int) -> None:
        snapshot = session.snapshot
        self._session = session
        self._tasks = tasks_needed(session, gang)
        shapes = {snapshot.task_shape[task] for task in self._tasks}
        self._obstacles = {shape: session.obstacles(snapshot.shapes[shape]) for shape in shapes}
        self._fittings = {
            shape: Fitting(snapshot.shapes[shape].request, session.device_score) for shape in shapes
        }
        self.stay: dict[int, list[int]] = {}
        """Per node the tasks that were there before the gang."""
        made = snapshot.gangs[gang].created_at
        for task, node in enumerate(snapshot.task_node):
            if node != NOWHERE and _was_there_before(snapshot.gangs[snapshot.task_gang[task]], made):
                self.stay.setdefault(node, []).append(task)

    def nodes_for_all(self, nodes: list[int]) -> list[int]:
        """The nodes that take all tasks, filled one after the other; nothing if the tasks do not all fit."""
        snapshot, left = self._session.snapshot, list(self._tasks)
        taken: list[int] = []
        for node in nodes:
            room = Occupancy(snapshot.nodes[node])
            for other in self.stay.get(node, ()):
                task = snapshot.tasks[other]
                room.change(task.request, task.gpu_groups, TaskState.RUNNING, 1)
            before = len(left)
            left = [task for task in left if not self._takes(room, task, node)]
            if len(left) < before:
                taken.append(node)
            if not left:
                return taken
        return []

    def _takes(self, room: Occupancy, task: int, node: int) -> bool:
        """Put the task there if it may and can go there; a part of a device counts as a device of its own."""
        shape = self._session.snapshot.task_shape[task]
        fitting = self._fittings[shape]
        devices = fitting.devices if fitting.shared else 0
        if self._obstacles[shape][node] is not None or fitting.of(room) is not Fit.NOW:
            return False
        if devices > room.idle_gpus:
            return False
        groups = tuple(f"kept-{task}-{number}" for number in range(devices))
        room.change(fitting.request, groups, TaskState.RUNNING, 1)
        return True
