"""Writes on clusters and on the tenant above them."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ProtectedError

from access import audit
from access.checks import require
from access.errors import InvalidInput
from access.models import AccessRule
from access.permissions import Permission
from access.roles import SYSTEM_ADMINISTRATOR
from cluster.clock import now
from organization import snapshots
from organization.models import Cluster, NodePool, Project, Tenant
from organization.pools import DEFAULT
from organization.services.naming import check_name


@transaction.atomic
def found_tenant(*, name: str, administrator: User) -> Tenant:
    """The first act of an installation: the tenant and the one who may do everything in it. Done once; needs no right."""
    if Tenant.objects.filter(name=name).exists():
        raise InvalidInput({"name": [f"There is a tenant {name} already."]})
    tenant = Tenant.objects.create(name=name)
    AccessRule.objects.create(user=administrator, role=SYSTEM_ADMINISTRATOR.key, scope=tenant.scope)
    audit.record(
        administrator,
        "Create",
        entity_type="tenant",
        entity_id=tenant.pk,
        entity_name=name,
        scope=tenant.scope,
        after={"name": name, "administrator": administrator.get_username()},
    )
    return tenant


@transaction.atomic
def set_department_rule(*, actor: User, tenant: Tenant, projects_within_department: bool) -> Tenant:
    """Whether project quotas may together exceed their department's quota."""
    require(actor, Permission.EDIT_CLUSTERS, on=tenant.scope)
    before = tenant.projects_within_department
    tenant.projects_within_department = projects_within_department
    tenant.save(update_fields=["projects_within_department"])
    audit.record(
        actor,
        "Update",
        entity_type="tenant",
        entity_id=tenant.pk,
        entity_name=tenant.name,
        scope=tenant.scope,
        before={"projects_within_department": before},
        after={"projects_within_department": projects_within_department},
    )
    return tenant


@transaction.atomic
def register_cluster(*, actor: User, tenant: Tenant, name: str, kubeconfig: str = "") -> Cluster:
    """A cluster with its pool `default`; its state is known once a worker has reached it.

    `kubeconfig` is a path on the workers' machine; empty means the installation's own (KUBECONFIG or in-cluster).
    """
    require(actor, Permission.EDIT_CLUSTERS, on=tenant.scope)
    check_name(name, at_most=63, among=tenant.clusters.all(), what="cluster")
    if len(kubeconfig) > 500:
        raise InvalidInput({"kubeconfig": ["At most 500 characters."]})
    at = now()
    cluster = Cluster.objects.create(tenant=tenant, name=name, kubeconfig=kubeconfig, created_at=at)
    NodePool.objects.create(cluster=cluster, name=DEFAULT, created_at=at, updated_at=at)
    audit.record(
        actor,
        "Create",
        entity_type="cluster",
        entity_id=cluster.pk,
        entity_name=name,
        scope=cluster.scope,
        after=snapshots.of_cluster(cluster),
    )
    return cluster


@transaction.atomic
def rename_cluster(*, actor: User, cluster: Cluster, name: str) -> Cluster:
    require(actor, Permission.EDIT_CLUSTERS, on=cluster.scope)
    check_name(name, at_most=63, among=cluster.tenant.clusters.exclude(pk=cluster.pk), what="cluster")
    before = snapshots.of_cluster(cluster)
    cluster.name = name
    cluster.save(update_fields=["name"])
    audit.record(
        actor,
        "Update",
        entity_type="cluster",
        entity_id=cluster.pk,
        entity_name=name,
        scope=cluster.scope,
        before=before,
        after=snapshots.of_cluster(cluster),
    )
    return cluster


@transaction.atomic
def delete_cluster(*, actor: User, cluster: Cluster) -> None:
    """Only what is empty goes: departments first. What runs in Kubernetes is not touched."""
    require(actor, Permission.EDIT_CLUSTERS, on=cluster.scope)
    departments, projects = cluster.departments.count(), Project.objects.filter(cluster=cluster).count()
    if departments:
        raise InvalidInput(
            {"": [f"{cluster.name} still has {departments} departments with {projects} projects."]}
        )
    before, scope, key = snapshots.of_cluster(cluster), cluster.scope, cluster.pk
    try:
        cluster.delete()
    except ProtectedError as error:
        raise InvalidInput(
            {"": [f"{cluster.name} still has workloads in its history; they are kept for 14 days."]}
        ) from error
    AccessRule.objects.filter(scope__startswith=scope).delete()
    audit.record(
        actor,
        "Delete",
        entity_type="cluster",
        entity_id=key,
        entity_name=before["name"],
        scope=scope,
        before=before,
    )
