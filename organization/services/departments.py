"""Writes on departments."""

import uuid

from django.contrib.auth.models import User
from django.db import transaction

from access import audit
from access.checks import require
from access.errors import InvalidInput
from access.models import AccessRule
from access.permissions import Permission
from cluster.clock import now
from organization import snapshots
from organization.models import Cluster, Department
from organization.services.naming import check_description, check_name
from organization.services.quotas import give_rows
from ui import live


@transaction.atomic
def create_department(*, actor: User, cluster: Cluster, name: str, description: str = "") -> Department:
    """With a quota of zero in every node pool of the cluster."""
    require(actor, Permission.CREATE_DEPARTMENTS, on=cluster.scope)
    check_name(name, at_most=63, among=cluster.departments.all(), what="department")
    check_description(description)
    at = now()
    department = Department.objects.create(
        cluster=cluster,
        name=name,
        description=description,
        scope=f"new-{uuid.uuid4()}",
        created_at=at,
        updated_at=at,
    )
    department.scope = f"{cluster.scope}{department.pk}/"
    department.save(update_fields=["scope"])
    give_rows([department], cluster.node_pools.all())
    _record(actor, "Create", department, after=snapshots.of_department(department))
    return department


@transaction.atomic
def edit_department(*, actor: User, department: Department, name: str, description: str) -> Department:
    require(actor, Permission.EDIT_DEPARTMENTS, on=department.scope)
    others = department.cluster.departments.exclude(pk=department.pk)
    check_name(name, at_most=63, among=others, what="department")
    check_description(description)
    before = snapshots.of_department(department)
    department.name, department.description, department.updated_at = name, description, now()
    department.save(update_fields=["name", "description", "updated_at"])
    _record(actor, "Update", department, before=before, after=snapshots.of_department(department))
    return department


@transaction.atomic
def delete_department(*, actor: User, department: Department) -> None:
    """Only an empty one: its projects are deleted or moved first. Rights given on it go with it."""
    require(actor, Permission.DELETE_DEPARTMENTS, on=department.scope)
    count = department.projects.count()
    if count:
        word = "project" if count == 1 else "projects"
        raise InvalidInput({"": [f"{department.name} still has {count} {word}: move or delete them first."]})
    before, key = snapshots.of_department(department), department.pk
    AccessRule.objects.filter(scope__startswith=department.scope).delete()
    department.delete()
    department.pk = key
    _record(actor, "Delete", department, before=before)


def _record(
    actor: User,
    action: str,
    department: Department,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        actor,
        action,
        entity_type="department",
        entity_id=department.pk,
        entity_name=department.name,
        scope=department.scope,
        before=before,
        after=after,
    )
    live.publish("departments", department.pk)
