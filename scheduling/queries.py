"""What a person may see of the scheduler: its cycles and decisions name everyone's work, so a right on the cluster is needed."""

import uuid
from collections.abc import Collection

from django.db.models import QuerySet

from access.checks import Person, scopes_with
from access.permissions import Permission
from access.scopes import covers
from organization.models import Cluster, Project
from scheduling.models import Cycle, Decision, PoolScheduler, QueueShare


def administered_clusters(person: Person) -> list[uuid.UUID]:
    """Clusters on which, as a whole, the person may see the inside."""
    scopes = scopes_with(person, Permission.VIEW_CLUSTERS)
    clusters = Cluster.objects.all() if scopes else Cluster.objects.none()
    return [one.pk for one in clusters if any(covers(scope, one.scope) for scope in scopes)]


def visible_schedulers(person: Person) -> QuerySet[PoolScheduler]:
    return (
        PoolScheduler.objects.filter(cluster__in=administered_clusters(person))
        .select_related("cluster")
        .order_by("cluster__name", "pool")
    )


def visible_cycles(person: Person) -> QuerySet[Cycle]:
    return Cycle.objects.filter(cluster__in=administered_clusters(person)).select_related("cluster")


def visible_decisions(person: Person) -> QuerySet[Decision]:
    return Decision.objects.filter(cycle__cluster__in=administered_clusters(person)).select_related(
        "cycle__cluster"
    )


def fair_shares(project_ids: Collection[int]) -> dict[tuple[int, str], int]:
    """(project id, pool) -> thousandths of a GPU, as the newest cycle divided. For callers that have checked who asks."""
    projects = {
        (cluster, name): pk
        for pk, cluster, name in Project.objects.filter(pk__in=project_ids).values_list(
            "pk", "cluster_id", "name"
        )
    }
    rows = QueueShare.objects.filter(cluster__in={cluster for cluster, _ in projects})
    return {
        (projects[row.cluster_id, row.queue], row.pool): row.fair_share_gpu_milli
        for row in rows
        if (row.cluster_id, row.queue) in projects
    }
