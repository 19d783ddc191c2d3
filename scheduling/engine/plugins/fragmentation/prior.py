"""What a pool is taken to be asked for until it has seen enough of its own."""

from collections.abc import Iterable
from typing import NamedTuple

from scheduling.engine.model.demand import AskedShape, Demand
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.tasks import TaskRequest

PRIOR_TASKS = 100
"""The prior stands in for what is missing to so many tasks; whoever has seen more is judged by them alone."""
GIB = 2**30
LEFT_BESIDE = 0.8
"""The prior asks for at most this part of the cores and memory that the pool's nodes have beside a GPU: it comes from other nodes."""


class Beside(NamedTuple):
    """Thousandths of cores and bytes that the nodes of a pool have for each of their GPUs, in the mean."""

    cpu: int
    memory: int


PRIOR: tuple[tuple[int, int, int, int, int], ...] = (
    # tasks of 100, GPUs, thousandths of each, cores, GiB
    (48, 1, 1000, 12, 48),
    (8, 1, 800, 4, 8),
    (12, 1, 500, 10, 40),
    (8, 1, 300, 6, 24),
    (4, 1, 200, 4, 16),
    (8, 2, 1000, 24, 96),
    (6, 4, 1000, 48, 192),
    (6, 8, 1000, 90, 384),
)
"""Rounded from the task mix of a published production trace, with more work of several GPUs than that has."""


def with_prior(seen: Demand, beside: Beside) -> Iterable[tuple[TaskRequest, float]]:
    """(request, weight) of what was seen, filled up with the prior."""
    known = seen.tasks
    for shape in seen.shapes:
        yield shape.request, float(shape.tasks)
    missing = max(0, PRIOR_TASKS - known)
    if missing:
        for tasks, devices, milli, cores, gib in PRIOR:
            most = LEFT_BESIDE * devices
            cpu, memory = min(cores * 1000, int(most * beside.cpu)), min(gib * GIB, int(most * beside.memory))
            request = TaskRequest(GpuRequest(devices, milli), cpu, memory)
            yield request, tasks * missing / PRIOR_TASKS


def demand_of(requests: Iterable[tuple[TaskRequest, int]]) -> Demand:
    """Equal requests together, in an order that does not depend on that of the input."""
    counts: dict[TaskRequest, int] = {}
    for request, tasks in requests:
        counts[request] = counts.get(request, 0) + tasks
    ordered = sorted(counts.items(), key=lambda item: (-item[1], _amounts(item[0])))
    return Demand(tuple(AskedShape(request, tasks) for request, tasks in ordered))


def _amounts(request: TaskRequest) -> tuple[object, ...]:
    return (*request.gpu, request.cpu_milli, request.memory_bytes, request.extended)
