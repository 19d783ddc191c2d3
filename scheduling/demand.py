"""Pure: what a gang asked for, as kept in its memory, and what a pool is usually asked for."""

from collections.abc import Iterable, Iterator

from scheduling.engine.model.demand import Demand
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.gpus import NO_GPU, GpuRequest
from scheduling.engine.model.tasks import TaskRequest
from scheduling.engine.plugins.fragmentation.prior import demand_of

WINDOW_DAYS = 7
"""Product time: gangs first seen in the week before the pool's newest one count."""
Asked = list[list[int]]
"""Of each kind of pod: tasks, devices, thousandths of each, MiB of each, cores in thousandths, bytes."""


def asked_of(gang: Gang) -> Asked:
    counts: dict[tuple[int, ...], int] = {}
    for task in gang.tasks:
        gpu = task.request.gpu
        kind = (*gpu, task.request.cpu_milli, task.request.memory_bytes)
        counts[kind] = counts.get(kind, 0) + 1
    return [[tasks, *kind] for kind, tasks in sorted(counts.items())]


def pool_demand(asked: Iterable[Asked]) -> Demand:
    """The requests of many gangs together."""
    return demand_of(pair for one in asked for pair in _requests(one))


def _requests(asked: Asked) -> Iterator[tuple[TaskRequest, int]]:
    for tasks, devices, portion, memory_mib, cpu, memory in asked:
        gpu = GpuRequest(devices, portion, memory_mib) if devices else NO_GPU
        yield TaskRequest(gpu, cpu, memory), tasks
