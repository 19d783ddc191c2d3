"""Rows of the trace as the engine sees them: nodes, gangs of one task, one queue without bounds."""

from collections.abc import Iterable, Sequence

from scheduling.engine import ClusterSnapshot, SchedulerConfig
from scheduling.engine.model.constraints import ANYWHERE, Constraints, LabelRequirement, NodeTerm
from scheduling.engine.model.demand import Demand
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.gpus import NO_GPU, GpuRequest
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import WHOLE_GPU, Bounds
from scheduling.engine.model.tasks import Task, TaskRequest
from scheduling.engine.plugins.fragmentation.prior import demand_of
from scheduling.engine.session import Session
from scheduling.placement import BIN_PACK, FRAGMENTATION, SPREAD, with_placement
from tests.benchmarks.packing.trace import NodeRow, TaskRow

MIB = 2**20
DEVICE_MIB = 16_000
"""Of every device: thousandths of it are whole MiB, so that shares are what the trace says."""
NO_POD_LIMIT = 10**6
NOW = 1_900_000_000.0
EVERYTHING = "all"

STRATEGIES: dict[str, SchedulerConfig] = {
    name: with_placement(
        SchedulerConfig(actions=("allocate",)), gpu=name, cpu=SPREAD if name == SPREAD else BIN_PACK
    )
    for name in (BIN_PACK, SPREAD, FRAGMENTATION)
}


class Requests:
    """Equal rows get the same objects, as in the live reader."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[TaskRequest, Constraints]] = {}

    def of(self, row: TaskRow) -> tuple[TaskRequest, Constraints]:
        key = (row.cpu_milli, row.memory_mib, row.gpus, row.share_milli, row.models)
        known = self._known.get(key)
        if known is None:
            gpu = GpuRequest(row.gpus, row.share_milli) if row.gpus else NO_GPU
            known = (TaskRequest(gpu, row.cpu_milli, row.memory_mib * MIB), _constraints(row.models))
            self._known[key] = known
        return known

    def demand(self, rows: Iterable[TaskRow]) -> Demand:
        return demand_of((self.of(row)[0], 1) for row in rows)


def _constraints(models: tuple[str, ...]) -> Constraints:
    if not models:
        return ANYWHERE
    return Constraints(node_terms=(NodeTerm((LabelRequirement("model", "In", models),)),))


def node_of(row: NodeRow) -> Node:
    return Node(
        row.name,
        gpus=row.gpus,
        cpu_milli=row.cpu_milli,
        memory_bytes=row.memory_mib * MIB,
        gpu_memory_mib=DEVICE_MIB,
        max_pods=NO_POD_LIMIT,
        labels={"model": row.model},
    )


def world(nodes: Sequence[NodeRow], rows: Sequence[TaskRow], seen: Sequence[TaskRow]) -> ClusterSnapshot:
    """An empty cluster, the tasks waiting in this order, and the strategy knowing what was `seen` before. Gang i is row i."""
    requests = Requests()
    gangs = []
    for number, row in enumerate(rows):
        request, constraints = requests.of(row)
        task = Task(f"task-{number:06d}", request, constraints=constraints)
        gangs.append(Gang(f"task-{number:06d}", EVERYTHING, [task], created_at=float(number)))
    return ClusterSnapshot.build(
        nodes=map(node_of, nodes),
        queues=[Queue(EVERYTHING, deserved=Bounds(None, None, None))],
        gangs=gangs,
        demand=requests.demand(seen),
    )


def free_milli(session: Session) -> float:
    """Thousandths of GPUs that nobody holds."""
    free = 0.0
    for one in session.state.occupancy:
        free += one.idle_gpus * WHOLE_GPU
        rooms = (device.room_later(one.device_memory) for device in one.shared.values())
        free += sum(room * WHOLE_GPU / one.device_memory for room in rooms)
    return free
