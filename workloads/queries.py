"""What a person may see of workloads. A stranger's workload is not in the answer, so a page about it is a 404."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, QuerySet, Sum

from access.checks import Person, may, scopes_with, within
from access.permissions import Permission
from access.scopes import covers
from organization.models import Node, NodePool, PoolResources, Project
from organization.queries import visible_projects
from workloads.models import DesiredPhase, PhaseSpan, Workload, WorkloadEvent, WorkloadPod
from workloads.phases import ACTIVE, OVER, WAITING, Phase

GPU = 1000


def all_visible(person: Person) -> QuerySet[Workload]:
    """Deleted ones too."""
    allowed = within(scopes_with(person, Permission.VIEW_WORKLOADS), field="project__scope")
    return Workload.objects.filter(allowed).select_related("project__department", "cluster", "submitter")


def visible_workloads(person: Person) -> QuerySet[Workload]:
    return all_visible(person).filter(deleted_at__isnull=True)


def projects_to_submit_to(person: Person) -> QuerySet[Project]:
    return (
        visible_projects(person, Permission.SUBMIT_WORKLOADS)
        .exclude(phase="Deleting")
        .select_related("cluster")
    )


def active(rows: QuerySet[Workload]) -> QuerySet[Workload]:
    return rows.filter(phase__in=ACTIVE)


def waiting(rows: QuerySet[Workload]) -> QuerySet[Workload]:
    return rows.filter(phase__in=WAITING)


def finished(rows: QuerySet[Workload]) -> QuerySet[Workload]:
    return rows.filter(phase__in=[*OVER, Phase.STOPPED])


def history_of(workload: Workload) -> QuerySet[WorkloadEvent]:
    return WorkloadEvent.objects.filter(workload=workload)


def pods_of(workload: Workload) -> QuerySet[WorkloadPod]:
    """The newest first: the one people look for."""
    return WorkloadPod.objects.filter(workload=workload).order_by(
        "-attempt", F("gone_at").asc(nulls_first=True), "-created_at", "name"
    )


def pods_in(rows: QuerySet[Workload]) -> QuerySet[WorkloadPod]:
    """Pods that are in the cluster, of these workloads."""
    found = WorkloadPod.objects.filter(workload__in=rows.order_by().values("pk"), gone_at__isnull=True)
    return found.order_by("-created_at", "pk")


def spans_of(workload: Workload) -> QuerySet[PhaseSpan]:
    return PhaseSpan.objects.filter(workload=workload)


@dataclass(frozen=True)
class Actions:
    """What this person may ask of this workload now."""

    stop: bool
    run: bool
    delete: bool
    copy: bool


def actions_of(person: Person, workload: Workload) -> Actions:
    scope = workload.project.scope
    return actions_in(
        workload,
        edits=may(person, Permission.EDIT_WORKLOADS, on=scope),
        deletes=may(person, Permission.DELETE_WORKLOADS, on=scope),
        submits=may(person, Permission.SUBMIT_WORKLOADS, on=scope),
    )


def actions_in(workload: Workload, *, edits: bool, deletes: bool, submits: bool) -> Actions:
    """The same, where the rights are known already (lists)."""
    over, desired = workload.phase in OVER, workload.desired_phase
    going = desired == DesiredPhase.DELETED or workload.deleted_at is not None
    return Actions(
        stop=edits and not going and not over and desired == DesiredPhase.RUNNING,
        run=edits and not going and (over or desired == DesiredPhase.STOPPED),
        delete=deletes and not going,
        copy=submits,
    )


def actions_for(person: Person) -> Callable[[Workload], Actions]:
    """What the person may ask of each row of a list; the rights are asked for once."""
    wanted = (Permission.EDIT_WORKLOADS, Permission.DELETE_WORKLOADS, Permission.SUBMIT_WORKLOADS)
    scopes = [scopes_with(person, permission) for permission in wanted]

    def actions(workload: Workload) -> Actions:
        edits, deletes, submits = (
            any(covers(scope, workload.project.scope) for scope in held) for held in scopes
        )
        return actions_in(workload, edits=edits, deletes=deletes, submits=submits)

    return actions


# --- capacity, as far as this portal knows -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PoolRoom:
    """Free whole GPUs of a pool's ready nodes, the fullest last; `nodes` counts them."""

    name: str
    free: tuple[int, ...]
    nodes: int
    gpus: int

    @property
    def most(self) -> int:
        return max(self.free, default=0)

    def places(self, gpus: int) -> int:
        """How many pods of so many GPUs would start now."""
        return sum(free // gpus for free in self.free) if gpus else 0


def room_of(cluster_id: uuid.UUID) -> dict[str, PoolRoom]:
    """Pool name -> room now: what nodes offer, less what workloads of this portal hold."""
    held = held_on_nodes([cluster_id])
    names = NodePool.objects.filter(cluster_id=cluster_id).values_list("name", flat=True)
    nodes: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
    for node in Node.objects.filter(cluster_id=cluster_id, ready=True, cordoned=False).select_related("pool"):
        name = node.pool.name if node.pool else "default"
        free = max(0, node.gpu_count * GPU - held.get((cluster_id, node.name), 0)) // GPU
        nodes.setdefault(name, []).append((free, node.gpu_count))
    return {
        name: PoolRoom(
            name=name,
            free=tuple(sorted((free for free, _ in found), reverse=True)),
            nodes=len(found),
            gpus=sum(gpus for _, gpus in found),
        )
        for name, found in nodes.items()
    }


def held_on_nodes(cluster_ids: Collection[uuid.UUID]) -> dict[tuple[uuid.UUID, str], int]:
    """(cluster id, node) -> thousandths of GPUs held there by workloads."""
    rows = (
        WorkloadPod.objects.filter(holds=True, workload__cluster_id__in=cluster_ids)
        .values_list("workload__cluster_id", "node")
        .annotate(held=Sum("gpu_milli"))
        .order_by()
    )
    return {(cluster_id, node): held for cluster_id, node, held in rows}


def quota_in(project: Project, pool: str) -> PoolResources | None:
    return PoolResources.objects.filter(
        project=project, pool__cluster=project.cluster_id, pool__name=pool
    ).first()


def held_by_projects(project_ids: Iterable[int]) -> dict[tuple[int, str], dict[str, int]]:
    """(project id, pool) -> sums of what its workloads hold, what of it may not be taken back, and what waits."""
    found: dict[tuple[int, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    rows = Workload.objects.filter(project_id__in=project_ids, deleted_at__isnull=True).exclude(
        phase__in=OVER
    )
    for row in rows.values(
        "project_id",
        "current_pool",
        "node_pools",
        "preemptibility",
        "phase",
        "allocated_gpu_milli",
        "allocated_cpu_milli",
        "allocated_memory_bytes",
        "requested_gpu_milli",
        "requested_cpu_milli",
        "requested_memory_bytes",
    ):
        _add_usage(found, row)
    return found


def _add_usage(found: dict[tuple[int, str], dict[str, int]], row: Mapping[str, Any]) -> None:
    pool = row["current_pool"] or next(iter(row["node_pools"]), "default")
    sums = found[row["project_id"], pool]
    sums["workloads"] += 1
    for unit in ("gpu_milli", "cpu_milli", "memory_bytes"):
        held = row[f"allocated_{unit}"]
        sums[f"held_{unit}"] += held
        if row["preemptibility"] == "non-preemptible":
            sums[f"fixed_{unit}"] += held
        if row["phase"] in (*WAITING, Phase.DEGRADED):
            sums[f"waiting_{unit}"] += max(0, row[f"requested_{unit}"] - held)


def counts_by_phase(rows: QuerySet[Workload]) -> dict[str, int]:
    return dict(rows.order_by().values_list("phase").annotate(count=Count("pk")))
