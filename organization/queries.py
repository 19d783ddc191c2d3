"""What a person may see of the organisation. A stranger's object is not in the answer, so a page about it is a 404."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db.models import Count, Model, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from access.checks import Person, scopes_with, within
from access.permissions import Permission
from organization.models import (
    Cluster,
    Department,
    Node,
    NodePool,
    PoolResources,
    Project,
    ProjectPhase,
    Tenant,
)

TENANT_DEEP, CLUSTER_DEEP, PROJECT_DEEP = 1, 2, 4
"""Segments of a scope path that ends at a tenant, a cluster, a project."""


def visible_tenants(person: Person, permission: Permission = Permission.VIEW_PROJECTS) -> QuerySet[Tenant]:
    """Tenants in which the person has this right anywhere."""
    return Tenant.objects.filter(pk__in={_segments(scope)[0] for scope in scopes_with(person, permission)})


def visible_clusters(person: Person, permission: Permission = Permission.VIEW_PROJECTS) -> QuerySet[Cluster]:
    """Clusters in which the person has this right on anything: their name and state are no secret to their people."""
    return Cluster.objects.filter(_clusters_of(scopes_with(person, permission))).select_related("tenant")


def visible_departments(
    person: Person, permission: Permission = Permission.VIEW_DEPARTMENTS
) -> QuerySet[Department]:
    """Whole departments only: the sums of a department would tell of projects the person may not see."""
    return Department.objects.filter(within(scopes_with(person, permission))).select_related(
        "cluster__tenant"
    )


def visible_projects(person: Person, permission: Permission = Permission.VIEW_PROJECTS) -> QuerySet[Project]:
    return Project.objects.filter(within(scopes_with(person, permission))).select_related(
        "department", "cluster__tenant"
    )


def visible_node_pools(person: Person) -> QuerySet[NodePool]:
    """The pools of the clusters a person works in: everyone may know where work can run."""
    scopes = scopes_with(person, Permission.VIEW_NODE_POOLS)
    return NodePool.objects.filter(_clusters_of(scopes, "cluster__")).select_related("cluster__tenant")


def visible_nodes(person: Person) -> QuerySet[Node]:
    """Nodes belong to the cluster: a right on a department or project shows none."""
    scopes = [s for s in scopes_with(person, Permission.VIEW_NODES) if len(_segments(s)) <= CLUSTER_DEEP]
    return Node.objects.filter(_clusters_of(scopes, "cluster__")).select_related("cluster", "pool")


def covered_tenants(person: Person, permission: Permission) -> QuerySet[Tenant]:
    """Tenants on which as a whole the person has this right."""
    whole = [s for s in scopes_with(person, permission) if len(_segments(s)) == TENANT_DEEP]
    return Tenant.objects.filter(pk__in=[_segments(scope)[0] for scope in whole])


def covered_clusters(person: Person, permission: Permission) -> QuerySet[Cluster]:
    """Clusters on which as a whole the person has this right."""
    whole = [s for s in scopes_with(person, permission) if len(_segments(s)) <= CLUSTER_DEEP]
    return Cluster.objects.filter(_clusters_of(whole)).select_related("tenant")


def plausible(model: type[Model], key: str) -> bool:
    """Whether the text can be a primary key of the table."""
    try:
        model._meta.pk.to_python(key)  # noqa: SLF001  (Django documents _meta)
    except ValidationError:
        return False
    return True


def _segments(scope: str) -> list[str]:
    return scope.strip("/").split("/")


def _clusters_of(scopes: Iterable[str], prefix: str = "") -> Q:
    """Clusters that a scope covers or lies in; matches nothing for no scopes."""
    tenants, clusters = set(), set()
    for scope in scopes:
        segments = _segments(scope)
        if len(segments) == TENANT_DEEP:
            tenants.add(segments[0])
        else:
            clusters.add(segments[1])
    own = "cluster_id__in" if prefix else "pk__in"
    return Q(**{f"{prefix}tenant_id__in": tenants}) | Q(**{own: clusters})


def own_project_ids(person: Person) -> set[int]:
    """Projects on which the person has a role of their own, not one from above."""
    return {
        int(segments[3])
        for scope in scopes_with(person, Permission.VIEW_PROJECTS)
        if len(segments := _segments(scope)) == PROJECT_DEEP
    }


# --- quotas ------------------------------------------------------------------------------------------------------------------------


def quotas_of(cluster: Cluster) -> QuerySet[PoolResources]:
    """Every quota of a cluster, for its scheduler: departments' and projects', each with its pool."""
    return PoolResources.objects.filter(pool__cluster=cluster).select_related("pool", "department", "project")


def quotas_by_unit(rows: Iterable[PoolResources]) -> dict[tuple[str, int], dict[int, PoolResources]]:
    """("department" | "project", its id) -> pool id -> row."""
    found: dict[tuple[str, int], dict[int, PoolResources]] = defaultdict(dict)
    for row in rows:
        unit = ("project", row.project_id) if row.project_id else ("department", row.department_id or 0)
        found[unit][row.pool_id] = row
    return found


def resources() -> Prefetch[str]:
    """For `prefetch_related` on departments and projects: their quotas with the pools, in the order of the pools' names."""
    return Prefetch("resources", PoolResources.objects.select_related("pool").order_by("pool__name"))


# --- capacity ----------------------------------------------------------------------------------------------------------------------


def with_capacity(pools: QuerySet[NodePool]) -> QuerySet[NodePool]:
    """Adds node_count, ready_nodes, gpu_total (of ready nodes) and what CPU and memory they offer."""
    ready = Q(nodes__ready=True)
    return pools.annotate(
        node_count=Count("nodes"),
        ready_nodes=Count("nodes", filter=ready),
        gpu_total=Sum("nodes__gpu_count", filter=ready, default=0),
        cpu_total=Sum("nodes__cpu_milli", filter=ready, default=0),
        memory_total=Sum("nodes__memory_bytes", filter=ready, default=0),
    )


def ready_gpus(pool: NodePool) -> int:
    """Devices that the ready nodes of the pool offer."""
    found = pool.nodes.filter(ready=True).aggregate(total=Sum("gpu_count"))["total"]
    return int(found or 0)


def with_quota_sums(departments: QuerySet[Department]) -> QuerySet[Department]:
    """Adds project_count, gpu_quota_milli (over all pools) and gpu_given_milli (what its projects have of it)."""
    own = PoolResources.objects.filter(department=OuterRef("pk")).values("department")
    given = PoolResources.objects.filter(project__department=OuterRef("pk")).values("project__department")
    gpus = Sum("gpu_deserved_milli")
    return departments.annotate(
        project_count=Count("projects"),
        gpu_quota_milli=Coalesce(Subquery(own.annotate(total=gpus).values("total")), 0),
        gpu_given_milli=Coalesce(Subquery(given.annotate(total=gpus).values("total")), 0),
    )


def nodes_in_trouble(nodes: QuerySet[Node]) -> QuerySet[Node]:
    """Not ready, unknown or cordoned."""
    return nodes.exclude(ready=True, cordoned=False)


# --- for reconcilers ---------------------------------------------------------------------------------------------------------------


def projects_with_namespace(cluster: Cluster) -> QuerySet[Project]:
    """Projects whose namespace is kept: all but those that are on their way out."""
    return (
        Project.objects.filter(cluster=cluster)
        .exclude(phase=ProjectPhase.DELETING)
        .select_related("department", "cluster")
    )
