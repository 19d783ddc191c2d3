"""The strip of figures on the overview: what is there, held, used, running and waiting, each with its last day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum
from django.urls import reverse

from monitoring import queries
from monitoring.gpu_grid import IDLE_AFTER, STALE_AFTER, address
from monitoring.lines import Point
from monitoring.models import Collection, Device, Metric
from monitoring.queries import Sight, Window
from monitoring.ranges import TimeRange
from monitoring.recording import interval
from organization.models import Node, PoolResources
from ui.wording import duration, number, percent
from workloads.models import Workload
from workloads.phases import Phase
from workloads.queries import waiting

SPARK_RANGE = timedelta(hours=24)
GPU = 1000


@dataclass(frozen=True)
class Totals:
    """GPUs as of the newest reading; None is unknown."""

    ready_nodes: int
    nodes: int
    allocated: float | None
    capacity: float | None
    utilised: float | None
    idle: float | None
    idle_owners: int
    sampled_at: datetime | None


def stale_after() -> timedelta:
    return max(STALE_AFTER, 3 * interval())


def totals_of(sight: Sight, collection: Collection | None, now: datetime) -> Totals:
    nodes = Node.objects.filter(cluster=sight.cluster)
    sampled_at = collection.sampled_at if collection else None
    held = list(queries.devices_seen(sight).exclude(pod=""))
    idle = [one for one in held if one.idle_since and now - one.idle_since > IDLE_AFTER]
    fresh = sampled_at is not None and now - sampled_at <= stale_after()
    return Totals(
        ready_nodes=nodes.filter(ready=True).count(),
        nodes=nodes.count(),
        allocated=queries.newest(sight, Metric.ALLOCATED_GPU),
        capacity=capacity_of(sight),
        utilised=utilised(held) if fresh else None,
        idle=len(idle) if fresh else None,
        idle_owners=len({one.workload or (one.namespace, one.pod) for one in idle}),
        sampled_at=sampled_at,
    )


def utilised(held: Sequence[Device]) -> float | None:
    """GPUs' worth of work; unknown while a held GPU is not measured."""
    known = [one.utilisation for one in held if one.utilisation is not None]
    return sum(known) / 100 if len(known) == len(held) else None


def capacity_of(sight: Sight) -> float | None:
    """GPUs on ready nodes; for those who see only projects, the quota of these projects."""
    if sight.whole:
        ready = queries.node_uses(sight).filter(node__in=ready_names(sight))
        total: int | None = ready.aggregate(total=Sum("gpus"))["total"]
        return total
    rows = PoolResources.objects.filter(project__in=list(sight.projects))
    milli: int | None = rows.aggregate(total=Sum("gpu_deserved_milli"))["total"]
    return None if milli is None else milli / GPU


def ready_names(sight: Sight) -> QuerySet[Node, str]:
    return Node.objects.filter(cluster=sight.cluster, ready=True).values_list("name", flat=True)


def kpis(
    sight: Sight, totals: Totals, workloads: QuerySet[Workload], *, now: datetime, sees_nodes: bool
) -> list[dict[str, Any]]:
    window = Window.of(TimeRange(now - SPARK_RANGE, now), now)
    items = [nodes_tile(sight, totals, window)] if sees_nodes and sight.whole else []
    running, pending = workload_counts(workloads)
    return [
        *items,
        allocated_tile(sight, totals, window),
        utilised_tile(sight, totals, window),
        {
            "label": "Running",
            "value": number(running),
            "detail": started_lately(workloads, now),
            "url": f"{reverse('workloads:list')}?status=Running",
            "series": spark(queries.counted(sight, window, Metric.RUNNING_WORKLOADS)),
            "kind": "grey",
        },
        {
            "label": "Waiting",
            "value": number(pending),
            "detail": longest_wait(workloads, now),
            "url": f"{reverse('workloads:list')}?view=waiting",
            "series": spark(queries.counted(sight, window, Metric.PENDING_WORKLOADS)),
            "kind": "wait",
        },
        idle_tile(sight, totals, window),
    ]


def nodes_tile(sight: Sight, totals: Totals, window: Window) -> dict[str, Any]:
    down = Node.objects.filter(cluster=sight.cluster).exclude(ready=True).values_list("name", flat=True)
    names = ", ".join(down[:2]) + (f" and {len(down) - 2} more" if len(down) > 2 else "")
    return {
        "label": "Nodes ready",
        "value": number(totals.ready_nodes),
        "of": f"of {number(totals.nodes)}",
        "detail": f"{names} not ready" if names else "all of them",
        "url": address("organization:nodes"),
        "series": spark(queries.pool_figure(sight, window, Metric.READY_NODES)),
        "kind": "grey",
    }


def allocated_tile(sight: Sight, totals: Totals, window: Window) -> dict[str, Any]:
    known = totals.allocated is not None and totals.capacity
    share = percent(100 * (totals.allocated or 0) / totals.capacity) if known and totals.capacity else ""
    of = "" if totals.capacity is None else f"of {number(totals.capacity)}"
    return {
        "label": "GPUs allocated",
        "value": number(totals.allocated),
        "of": of if sight.whole else f"{of} quota" if of else "",
        "detail": share or "not measured yet",
        "url": f"{reverse('workloads:list')}?view=active",
        "series": spark(queries.allocated(sight, window)),
        "kind": "alloc",
    }


def utilised_tile(sight: Sight, totals: Totals, window: Window) -> dict[str, Any]:
    known = totals.utilised is not None and totals.allocated
    return {
        "label": "GPUs doing work",
        "value": number(totals.utilised, 1),
        "of": f"of {number(totals.allocated)}" if known else "",
        "detail": f"{percent(100 * (totals.utilised or 0) / (totals.allocated or 1))} of what is allocated"
        if known
        else "nothing is allocated"
        if totals.utilised is not None
        else "utilisation is unknown",
        "url": f"{reverse('workloads:list')}?view=active",
        "series": spark(queries.measured(sight, window, Metric.UTILIZED_GPU)),
        "kind": "util",
    }


def idle_tile(sight: Sight, totals: Totals, window: Window) -> dict[str, Any]:
    owners = totals.idle_owners
    detail = f"{owners} owner{'' if owners == 1 else 's'}, over 5 min" if totals.idle else "over 5 min"
    return {
        "label": "Allocated but idle",
        "value": number(totals.idle),
        "of": "" if totals.idle is None else "GPU" if totals.idle == 1 else "GPUs",
        "detail": detail if totals.idle is not None else "utilisation is unknown",
        "url": f"{reverse('workloads:list')}?view=active",
        "series": spark(queries.measured(sight, window, Metric.IDLE_ALLOCATED_GPU)),
        "kind": "wait",
    }


def spark(points: Sequence[Point], at_most: int = 48) -> list[float | None]:
    """A few dozen values for a line of 52 pixels."""
    values = [value for _, value in points]
    every = max(1, len(values) // at_most)
    return values[::-every][::-1]


def workload_counts(workloads: QuerySet[Workload]) -> tuple[int, int]:
    return workloads.filter(phase=Phase.RUNNING).count(), waiting(workloads).count()


def started_lately(workloads: QuerySet[Workload], now: datetime) -> str:
    count = workloads.filter(started_at__gt=now - timedelta(hours=1)).count()
    return f"{count} started in the last hour"


def longest_wait(workloads: QuerySet[Workload], now: datetime) -> str:
    first = waiting(workloads).order_by("phase_since").values_list("phase_since", flat=True).first()
    return f"the longest for {duration(now - first)}" if first else "nobody waits"
