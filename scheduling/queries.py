"""What a person may see of the scheduler: its cycles and decisions name everyone's work, so a right on the cluster is needed."""

import uuid

from django.db.models import QuerySet

from access.checks import Person, scopes_with
from access.permissions import Permission
from access.scopes import covers
from organization.models import Cluster
from scheduling.models import Cycle, Decision, PoolScheduler


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
