"""The whole world of one cycle: interned ids, and the sums per node and per queue."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from scheduling.engine.model.constraints import ANYWHERE
from scheduling.engine.model.demand import NO_DEMAND, Demand
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.nodes import UNKNOWN_DEVICE_MEMORY_MIB, Node, Topology
from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import WHOLE_GPU, Resources
from scheduling.engine.model.shapes import Shape, ShapeTable
from scheduling.engine.model.tasks import HOLDING, ON_NODE, Task, TaskRequest, TaskState
from scheduling.engine.model.usage import UsageHistory

NOWHERE = -1
"""Index of no node, no queue."""


@dataclass(slots=True)
class QueueSums:
    """What one queue and everything below it hold and ask for, indexed like Resources."""

    allocated: list[int] = field(default_factory=lambda: [0, 0, 0])
    non_preemptible: list[int] = field(default_factory=lambda: [0, 0, 0])
    request: list[int] = field(default_factory=lambda: [0, 0, 0])

    def copy(self) -> "QueueSums":
        return QueueSums(self.allocated.copy(), self.non_preemptible.copy(), self.request.copy())

    def charge(self, columns: int, amounts: Resources, tasks: int) -> None:
        """Add what so many alike tasks count, in as many columns as COLUMNS says; negative numbers take it back."""
        for column in (self.request, self.allocated, self.non_preemptible)[:columns]:
            for unit, amount in enumerate(amounts):
                column[unit] += tasks * amount


COLUMNS = {
    preemptible: tuple(
        (2 if preemptible else 3) if state in HOLDING else 1 if state is TaskState.PENDING else 0
        for state in TaskState
    )
    for preemptible in (True, False)
}
"""By whether its gang is preemptible, and by state: in how many columns of its queue a task counts: request, allocated, non_preemptible."""


@dataclass(slots=True)
class ClusterSnapshot:
    """One node pool at one instant. Build it with `ClusterSnapshot.build`; treat it as read-only afterwards.

    Everything is addressed by small integers: nodes in name order, queues parents first, tasks contiguous per gang.
    """

    nodes: list[Node]
    queues: list[Queue]
    gangs: list[Gang]
    tasks: list[Task]
    topologies: dict[str, Topology]
    history: UsageHistory
    demand: Demand
    """What the pool is usually asked for."""
    pool: str
    shapes: list[Shape]
    total: Resources
    min_device_memory: int
    node_index: dict[str, int]
    occupancy: list[Occupancy]
    queue_index: dict[str, int]
    queue_parent: list[int]
    queue_children: list[list[int]]
    queue_sums: list[QueueSums]
    gang_queue: list[int]
    gang_first: list[int]
    """Index of the first task of each gang, and one more entry for the end."""
    task_gang: list[int]
    task_shape: list[int]
    task_state: list[TaskState]
    task_node: list[int]

    @classmethod
    def build(
        cls,
        *,
        nodes: Iterable[Node] = (),
        queues: Iterable[Queue] = (),
        gangs: Iterable[Gang] = (),
        topologies: Iterable[Topology] = (),
        history: UsageHistory | None = None,
        demand: Demand = NO_DEMAND,
        pool: str = "default",
    ) -> "ClusterSnapshot":
        """Intern and sum up. The order of the inputs does not matter.

        A queue whose parent is unknown (or that is its own ancestor) is left out; a gang whose queue is unknown or not a leaf
        keeps its place in `gangs` with queue index NOWHERE: what it holds counts on the nodes, what it asks for is refused.
        """
        node_list = sorted(nodes, key=lambda node: node.name)
        queue_list = parents_first(queues)
        gang_list = sorted(map(in_order, gangs), key=lambda gang: gang.uid)
        snapshot = cls(
            nodes=node_list,
            queues=queue_list,
            gangs=gang_list,
            tasks=[task for gang in gang_list for task in gang.tasks],
            topologies={topology.name: topology for topology in topologies},
            history=history or UsageHistory(),
            demand=demand,
            pool=pool,
            shapes=[],
            total=total_of(node_list),
            min_device_memory=least_device_memory(node_list),
            node_index={node.name: index for index, node in enumerate(node_list)},
            occupancy=[Occupancy(node) for node in node_list],
            queue_index={queue.name: index for index, queue in enumerate(queue_list)},
            queue_parent=[],
            queue_children=[[] for _ in queue_list],
            queue_sums=[QueueSums() for _ in queue_list],
            gang_queue=[],
            gang_first=[],
            task_gang=[],
            task_shape=[],
            task_state=[],
            task_node=[],
        )
        snapshot._link_queues()
        snapshot._intern_tasks()
        return snapshot

    def _link_queues(self) -> None:
        for index, queue in enumerate(self.queues):
            parent = self.queue_index[queue.parent] if queue.parent else NOWHERE
            self.queue_parent.append(parent)
            if parent != NOWHERE:
                self.queue_children[parent].append(index)

    def _intern_tasks(self) -> None:
        table = ShapeTable(
            labels_matter=any(
                task.constraints is not ANYWHERE and task.constraints.looks_at_others for task in self.tasks
            )
        )
        counted: dict[tuple[int, int, int, int], int] = {}
        for gang_number, gang in enumerate(self.gangs):
            queue = self.leaf(gang.queue)
            columns = COLUMNS[gang.is_preemptible]
            self.gang_queue.append(queue)
            self.gang_first.append(len(self.task_gang))
            for task in gang.tasks:
                shape, state = table.index_of(task), task.state
                node = self.node_index.get(task.node, NOWHERE) if state in ON_NODE else NOWHERE
                self.task_gang.append(gang_number)
                self.task_shape.append(shape)
                self.task_state.append(state)
                self.task_node.append(node)
                if node != NOWHERE:
                    self.occupancy[node].change(task.request, task.gpu_groups, state, 1)
                if queue != NOWHERE and columns[state]:
                    memory = self.min_device_memory if node == NOWHERE else self.nodes[node].device_memory_mib
                    key = queue, shape, memory, columns[state]
                    counted[key] = counted.get(key, 0) + 1
        self.gang_first.append(len(self.task_gang))
        self.shapes = table.shapes
        self._charge_queues(counted)
        self._sum_up_queues()

    def _charge_queues(self, counted: dict[tuple[int, int, int, int], int]) -> None:
        """Leaf queue, shape, memory of a device and columns -> number of tasks: alike tasks are summed up at once."""
        for (queue, shape, memory, columns), tasks in counted.items():
            self.queue_sums[queue].charge(columns, _charge(self.shapes[shape].request, memory), tasks)

    def _sum_up_queues(self) -> None:
        for index in range(len(self.queues) - 1, -1, -1):
            parent = self.queue_parent[index]
            if parent == NOWHERE:
                continue
            below, above = self.queue_sums[index], self.queue_sums[parent]
            for unit in range(3):
                above.allocated[unit] += below.allocated[unit]
                above.non_preemptible[unit] += below.non_preemptible[unit]
                above.request[unit] += below.request[unit]

    def leaf(self, queue: str) -> int:
        """The queue's index; NOWHERE for one that is unknown or has queues below."""
        number = self.queue_index.get(queue, NOWHERE)
        return NOWHERE if number != NOWHERE and self.queue_children[number] else number

    def charge_of(self, task: Task, node: int = NOWHERE) -> Resources:
        """What a task counts in its queue: on a node, or (memory requests) as if on the smallest device of the pool."""
        memory = self.min_device_memory if node == NOWHERE else self.nodes[node].device_memory_mib
        return _charge(task.request, memory)

    def tasks_of(self, gang: int) -> range:
        """Indices of the gang's tasks."""
        return range(self.gang_first[gang], self.gang_first[gang + 1])


def parents_first(queues: Iterable[Queue]) -> list[Queue]:
    """Name order inside each level; what hangs on no known top is left out."""
    children: dict[str, list[Queue]] = {}
    for queue in sorted(queues, key=lambda queue: queue.name):
        children.setdefault(queue.parent, []).append(queue)
    ordered: list[Queue] = []
    level = children.get("", [])
    while level:
        ordered += level
        level = [child for queue in level for child in children.get(queue.name, [])]
    return ordered


def in_order(gang: Gang) -> Gang:
    """The gang with its tasks by uid, so that the order in which they were listed decides nothing."""
    if len(gang.tasks) < 2:
        return gang
    ordered = sorted(gang.tasks, key=lambda task: task.uid)
    return gang if ordered == gang.tasks else replace(gang, tasks=ordered)


def _charge(request: TaskRequest, device_memory: int) -> Resources:
    return Resources(request.gpu.milli(device_memory), request.cpu_milli, request.memory_bytes)


def total_of(nodes: list[Node]) -> Resources:
    """What there is to divide: allocatable of the ready nodes less what other schedulers' pods hold there."""
    ready = [node for node in nodes if node.ready]
    return Resources(
        gpu_milli=sum((node.gpus - node.foreign.gpus) * WHOLE_GPU for node in ready),
        cpu_milli=sum(node.cpu_milli - node.foreign.cpu_milli for node in ready),
        memory_bytes=sum(node.memory_bytes - node.foreign.memory_bytes for node in ready),
    )


def least_device_memory(nodes: list[Node]) -> int:
    """MiB of the smallest device that is known."""
    known = (node.device_memory_mib for node in nodes if node.gpus and node.gpu_memory_mib is not None)
    return min(known, default=UNKNOWN_DEVICE_MEMORY_MIB)
