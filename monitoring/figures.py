"""Which charts there are: each name with the lines it draws and its axis."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from monitoring import charts, queries
from monitoring.charts import PERCENT, Axis, gpu_axis
from monitoring.lines import Line, largest_first
from monitoring.models import Metric
from monitoring.queries import CATEGORIES, Sight, Window
from monitoring.ranges import SHORTEST, TimeRange
from organization.models import Cluster
from workloads.models import Workload

GIB = 2**30
LEAD_IN = timedelta(minutes=2)


@dataclass(frozen=True)
class Drawn:
    """Lines with what is needed to show them."""

    lines: list[Line]
    axis: Axis
    what: str
    window: Window
    empty: str = ""

    def figure(self) -> dict[str, Any]:
        begin, end = self.window.range.start.timestamp(), self.window.range.end.timestamp()
        lines = [line.closed(self.window.level.step, int(end)) for line in self.lines]
        return charts.figure(
            lines, self.axis, what=self.what, begin=int(begin), end=int(end), empty=self.empty
        )


def allocation(sight: Sight, window: Window) -> Drawn:
    lines = [
        Line("Ready", "capacity", queries.capacity(sight, window), "step"),
        Line("Allocated", "alloc", queries.allocated(sight, window), "area"),
        Line("Doing work", "util", queries.measured(sight, window, Metric.UTILIZED_GPU)),
    ]
    return Drawn(
        known(lines), gpu_axis(highest(lines)), "Allocated GPUs and GPUs doing work", window, NOT_YET
    )


def by_pool(sight: Sight, window: Window) -> Drawn:
    lines = largest_first(used(queries.allocated_by_pool(sight, window)), CATEGORIES)
    return Drawn(known(lines), gpu_axis(highest(lines)), "Allocated GPUs by node pool", window, NOT_YET)


def by_project(sight: Sight, window: Window) -> Drawn:
    lines = largest_first(used(queries.allocated_by_project(sight, window)), CATEGORIES)
    return Drawn(known(lines), gpu_axis(highest(lines)), "Allocated GPUs by project", window, NOT_YET)


NOT_YET = "No samples in this time range. GPUs are measured once a minute."
NO_EXPORTER = "No samples: these GPUs were not measured in this time range (the DCGM exporter was not found or not read)."

OVERVIEW: dict[str, Callable[[Sight, Window], Drawn]] = {
    "allocation": allocation,
    "by-pool": by_pool,
    "by-project": by_project,
}


@dataclass(frozen=True)
class Kind:
    """One chart of a workload or node: what is drawn, divided by `scale`."""

    metric: Metric
    what: str
    axis: Axis
    scale: float = 1
    empty: str = NOT_YET


KINDS = {
    "gpu-utilisation": Kind(Metric.GPU_UTILIZATION, "GPU utilisation", PERCENT, empty=NO_EXPORTER),
    "gpu-memory": Kind(Metric.GPU_MEMORY_USAGE_BYTES, "GPU memory in use", Axis("GiB"), GIB, NO_EXPORTER),
    "gpu-power": Kind(Metric.GPU_POWER_WATTS, "GPU power", Axis("W"), empty=NO_EXPORTER),
    "cpu": Kind(Metric.CPU_USAGE_CORES, "CPU cores in use", Axis("cores")),
    "memory": Kind(Metric.CPU_MEMORY_USAGE_BYTES, "Memory in use", Axis("GiB"), GIB),
}
NODE_KINDS = {
    **KINDS,
    "gpu-temperature": Kind(Metric.GPU_TEMPERATURE, "GPU temperature", Axis("°C"), empty=NO_EXPORTER),
}


def workload_drawing(kind: Kind) -> Callable[[uuid.UUID, Window], Drawn]:
    def draw(workload: uuid.UUID, window: Window) -> Drawn:
        lines = queries.workload_lines(workload, kind.metric, window)
        return Drawn(scaled(lines, kind.scale), kind.axis, kind.what, window, kind.empty)

    return draw


def node_drawing(kind: Kind) -> Callable[[Cluster, str, Window], Drawn]:
    def draw(cluster: Cluster, node: str, window: Window) -> Drawn:
        lines = queries.node_lines(cluster, node, kind.metric, window)
        return Drawn(scaled(lines, kind.scale), kind.axis, kind.what, window, kind.empty)

    return draw


WORKLOAD = {name: workload_drawing(kind) for name, kind in KINDS.items()}
NODE = {name: node_drawing(kind) for name, kind in NODE_KINDS.items()}


def scaled(lines: list[Line], scale: float) -> list[Line]:
    if scale == 1:
        return lines
    return [
        replace(
            line, points=[(time, None if value is None else value / scale) for time, value in line.points]
        )
        for line in lines
    ]


def known(lines: list[Line]) -> list[Line]:
    """Without those that have no value at all in the range."""
    return [line for line in lines if line.mean is not None]


def used(lines: list[Line]) -> list[Line]:
    """Without those that held nothing all the time."""
    return [line for line in lines if highest([line]) > 0]


def highest(lines: list[Line]) -> float:
    return max((value for line in lines for _, value in line.points if value is not None), default=0)


def life_of(workload: Workload, now: datetime) -> TimeRange:
    """From a little before the workload was made to its end, or now."""
    end = workload.completed_at or workload.deleted_at or now
    start = workload.created_at - LEAD_IN
    end = max(end + LEAD_IN, start + SHORTEST) if end < now else now
    return TimeRange(start, max(end, start + SHORTEST))
