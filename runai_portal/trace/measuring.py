"""What the database, the cluster and the metrics each say of one replay."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import Min, QuerySet, Sum

from cluster.client import ClusterClient
from cluster.documents import condition_of, parse_time
from cluster.kinds import JOBS, PODS, TRAINING_WORKLOADS
from cluster.labels import GPU_RESOURCE, WORKLOAD_ID
from monitoring.models import Metric
from monitoring.rollups import FIVE_MINUTES, HOURS
from organization.models import NodePool
from runai_portal.trace.figures import Figures
from runai_portal.trace.submitting import RUN_LABEL
from workloads.models import Workload, WorkloadPod
from workloads.phases import Phase


def rows_of(run: str) -> QuerySet[Workload]:
    return Workload.objects.filter(name__startswith=f"{run}-", deleted_at__isnull=True)


def database_figures(run: str, until: datetime) -> Figures:
    rows = rows_of(run)
    pods = WorkloadPod.objects.filter(workload__in=rows, scheduled_at__isnull=False)
    first = rows.annotate(bound_at=Min("pods__scheduled_at")).filter(bound_at__isnull=False)
    waits = tuple(
        (bound_at - created_at).total_seconds()
        for created_at, bound_at in first.values_list("created_at", "bound_at")
    )
    held = (
        gpu_milli * ((finished_at or gone_at or until) - scheduled_at).total_seconds()
        for gpu_milli, scheduled_at, finished_at, gone_at in pods.values_list(
            "gpu_milli", "scheduled_at", "finished_at", "gone_at"
        )
        if scheduled_at is not None
    )
    return Figures(
        source="database",
        submitted=rows.count(),
        bound=len(waits),
        completed=rows.filter(phase=Phase.COMPLETED).count(),
        waits=waits,
        gpu_hours=sum(held) / 1000 / 3600,
    )


def evicted_gpu_hours(run: str) -> tuple[int, float]:
    """Pods that were taken back after they were placed, and the GPU-hours they had held: the cluster no longer knows them."""
    taken = WorkloadPod.objects.filter(
        workload__in=rows_of(run), scheduled_at__isnull=False, gone_at__isnull=False
    ).exclude(phase__in=["Succeeded", "Failed"])
    hours = sum(
        pod.gpu_milli * ((pod.finished_at or pod.gone_at) - pod.scheduled_at).total_seconds()
        for pod in taken
        if pod.scheduled_at and pod.gone_at
    )
    return len(taken), hours / 1000 / 3600


def mean_run_seconds(run: str) -> float:
    """How long a finished pod of the run held its node, on average; 0.0 when none finished."""
    pods = WorkloadPod.objects.filter(workload__in=rows_of(run), scheduled_at__isnull=False)
    spans = [
        (finished_at - scheduled_at).total_seconds()
        for scheduled_at, finished_at in pods.values_list("scheduled_at", "finished_at")
        if scheduled_at and finished_at
    ]
    return sum(spans) / len(spans) if spans else 0.0


def cluster_figures(client: ClusterClient, run: str, until: datetime) -> Figures:
    """Asked of the API server alone: custom resources, Jobs, and the pods that still exist."""
    created = {
        resource["metadata"]["labels"][WORKLOAD_ID]: parse_time(resource["metadata"]["creationTimestamp"])
        for resource in client.list(TRAINING_WORKLOADS).items
        if resource["metadata"]["name"].startswith(f"{run}-")
    }
    selector = f"{RUN_LABEL}={run}"
    pods = defaultdict(list)
    for pod in client.list(PODS, label_selector=selector).items:
        pods[pod["metadata"]["labels"][WORKLOAD_ID]].append(pod)
    jobs = client.list(JOBS, label_selector=selector).items
    bound = {
        workload: min(moments)
        for workload, of_it in pods.items()
        if (moments := [moment for pod in of_it if (moment := bound_at(pod))])
    }
    return Figures(
        source="cluster",
        submitted=len(created),
        bound=len(bound),
        completed=sum(is_complete(job) for job in jobs),
        waits=tuple(
            (bound[workload] - created[workload]).total_seconds() for workload in bound if workload in created
        ),
        gpu_hours=sum(gpu_seconds(pod, until) for of_it in pods.values() for pod in of_it) / 3600,
    )


def bound_at(pod: Mapping[str, Any]) -> datetime | None:
    condition = condition_of(pod, "PodScheduled")
    if condition is None or condition.get("status") != "True" or not pod["spec"].get("nodeName"):
        return None
    moment = condition.get("lastTransitionTime")
    return parse_time(moment) if moment else None


def is_complete(job: Mapping[str, Any]) -> bool:
    condition = condition_of(job, "Complete")
    return condition is not None and condition.get("status") == "True"


def gpu_seconds(pod: Mapping[str, Any], until: datetime) -> float:
    """GPUs × seconds from the binding to the end of its last container."""
    begin = bound_at(pod)
    if begin is None:
        return 0.0
    gpus = sum(
        int(one.get("resources", {}).get("limits", {}).get(GPU_RESOURCE, 0))
        for one in pod["spec"]["containers"]
    )
    ends = [
        parse_time(state["terminated"]["finishedAt"])
        for one in pod.get("status", {}).get("containerStatuses", [])
        if (state := one.get("state", {})) and "terminated" in state
    ]
    return gpus * ((max(ends) if ends else until) - begin).total_seconds()


def metrics_figures(pool: NodePool, begin: datetime, until: datetime) -> Figures:
    """Only GPU-hours: the integral of the pool's allocated GPUs over the samples (trapezoids between neighbours)."""
    level = FIVE_MINUTES if (until - begin).total_seconds() < FIVE_MINUTES.kept / 2 else HOURS
    rows = (
        level.table.objects.filter(  # type: ignore[attr-defined]  # abstract parent
            series__cluster=pool.cluster_id,
            series__metric=Metric.ALLOCATED_GPU,
            series__pool=pool.name,
            time__gte=int(begin.timestamp()),
            time__lt=int(until.timestamp()),
        )
        .values("time")
        .annotate(total=Sum("value"))
        .order_by("time")
        .values_list("time", "total")
    )
    return Figures("metrics", None, None, None, None, gpu_hours_of(list(rows)))


def gpu_hours_of(points: Sequence[tuple[int, float]]) -> float | None:
    """None for fewer than two samples: nothing is known then."""
    if len(points) < 2:
        return None
    return sum((after - at) * (one + other) / 2 for (at, one), (after, other) in pairwise(points)) / 3600
