"""Writes on projects. A worker keeps the namespace as the row says, once the row is safely committed."""

import uuid
from collections.abc import Sequence

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ProtectedError
from kombu.exceptions import OperationalError

from access import audit
from access.checks import require
from access.errors import InvalidInput
from access.models import AccessRule
from access.permissions import Permission
from cluster.clock import now
from organization import snapshots, usage
from organization.models import PROJECT_NAME_AT_MOST, Department, NodePool, Project, ProjectPhase
from organization.quotas import Quota
from organization.services.naming import check_description, check_name
from organization.services.quotas import give_rows, problems_of, quota_of, set_quotas
from organization.tasks import keep_namespace
from ui import live

log = structlog.get_logger(__name__)


@transaction.atomic
def create_project(
    *,
    actor: User,
    department: Department,
    name: str,
    description: str = "",
    default_node_pools: Sequence[str] = (),
) -> Project:
    """With a quota of zero in every node pool and the namespace `runai-<name>` (phase Creating until it is there)."""
    require(actor, Permission.CREATE_PROJECTS, on=department.scope)
    cluster = department.cluster
    check_name(name, at_most=PROJECT_NAME_AT_MOST, among=cluster.projects.all(), what="project")
    check_description(description)
    check_pools(department, default_node_pools)
    at = now()
    project = Project.objects.create(
        department=department,
        cluster=cluster,
        name=name,
        namespace=f"runai-{name}",
        description=description,
        default_node_pools=list(default_node_pools),
        scope=f"new-{uuid.uuid4()}",
        created_at=at,
        updated_at=at,
    )
    project.scope = f"{department.scope}{project.pk}/"
    project.save(update_fields=["scope"])
    give_rows([project], cluster.node_pools.all())
    _record(actor, "Create", project, after=snapshots.of_project(project))
    _keep_namespace(project)
    return project


def check_pools(department: Department, names: Sequence[str]) -> None:
    """Raises InvalidInput naming what is not a pool of the cluster, or stands there twice."""
    known = set(department.cluster.node_pools.values_list("name", flat=True))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidInput(
            {"defaultNodePools": [f"{department.cluster.name} has no node pool {', '.join(unknown)}."]}
        )
    if len(set(names)) != len(names):
        raise InvalidInput({"defaultNodePools": ["A node pool stands in the list twice."]})


@transaction.atomic
def edit_project(
    *, actor: User, project: Project, description: str, default_node_pools: Sequence[str]
) -> Project:
    """The name stays: it is the name of the namespace."""
    require(actor, Permission.EDIT_PROJECTS, on=project.scope)
    check_description(description)
    check_pools(project.department, default_node_pools)
    before = snapshots.of_project(project)
    project.description, project.default_node_pools = description, list(default_node_pools)
    project.updated_at = now()
    project.save(update_fields=["description", "default_node_pools", "updated_at"])
    _record(actor, "Update", project, before=before, after=snapshots.of_project(project))
    return project


@transaction.atomic
def move_project(*, actor: User, project: Project, department: Department) -> Project:
    """To another department of the same cluster, with its quotas and all rights given on it, in one transaction."""
    for place in (project.department, department):
        require(actor, Permission.EDIT_PROJECTS, on=place.scope, place=f"on the department {place.name}")
    if department.cluster_id != project.cluster_id:
        raise InvalidInput({"department": [f"{department.name} belongs to another cluster."]})
    if department.pk == project.department_id:
        return project
    before, old_scope = snapshots.of_project(project), project.scope
    project.department, project.scope = department, f"{department.scope}{project.pk}/"
    _check_quotas_after_move(project)
    project.updated_at = now()
    project.save(update_fields=["department", "scope", "updated_at"])
    for rule in AccessRule.objects.select_for_update().filter(scope__startswith=old_scope):
        rule.scope = project.scope + rule.scope.removeprefix(old_scope)
        rule.save(update_fields=["scope"])
    _record(actor, "Move", project, before=before, after=snapshots.of_project(project))
    _keep_namespace(project)
    return project


def _check_quotas_after_move(project: Project) -> None:
    """The project's quotas must fit into its new department, as if they were given there now."""
    problems: list[str] = []
    for row in project.resources.select_related("pool"):
        empty = type(row)(project=project, pool=row.pool)
        found = problems_of(project, row.pool, empty, quota_of(row))
        problems += [f"{row.pool.name}: {text}" for texts in found.values() for text in texts]
    if problems:
        raise InvalidInput({"department": problems})


@transaction.atomic
def replace_project(
    *,
    actor: User,
    project: Project,
    department: Department,
    description: str,
    default_node_pools: Sequence[str],
    quotas_by_pool: Sequence[tuple[NodePool, Quota]],
) -> Project:
    """Everything that can be changed of a project, all or nothing."""
    if department.pk != project.department_id:
        move_project(actor=actor, project=project, department=department)
    edit_project(actor=actor, project=project, description=description, default_node_pools=default_node_pools)
    set_quotas(actor=actor, unit=project, quotas_by_pool=quotas_by_pool)
    return project


@transaction.atomic
def delete_project(*, actor: User, project: Project) -> None:
    """Its namespace and what is in it stay in the cluster. Refused while it has workloads."""
    require(actor, Permission.DELETE_PROJECTS, on=project.scope)
    source = usage.source()
    count = source.count_workloads(project.pk) if source else 0
    if count:
        word = "workload" if count == 1 else "workloads"
        raise InvalidInput({"": [f"{project.name} still has {count} {word}: delete them first."]})
    before, key = snapshots.of_project(project), project.pk
    if source:
        source.forget(project.pk)
    AccessRule.objects.filter(scope__startswith=project.scope).delete()
    try:
        project.delete()
    except ProtectedError as error:
        raise InvalidInput({"": [f"{project.name} still has workloads: delete them first."]}) from error
    project.pk = key
    _record(actor, "Delete", project, before=before)


def _keep_namespace(project: Project) -> None:
    Project.objects.filter(pk=project.pk).exclude(phase=ProjectPhase.READY).update(
        phase=ProjectPhase.CREATING, phase_message=""
    )
    key = project.pk
    transaction.on_commit(lambda: _ask_a_worker(key))


def _ask_a_worker(project_id: int) -> None:
    """The row is committed: without a broker the periodic reconciler does it a little later."""
    try:
        keep_namespace.apply_async((project_id,), queue="cluster", retry=False)
    except OperationalError as error:
        log.warning("no worker could be asked for a namespace", project=project_id, error=str(error))


def _record(
    actor: User,
    action: str,
    project: Project,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        actor,
        action,
        entity_type="project",
        entity_id=project.pk,
        entity_name=project.name,
        scope=project.scope,
        before=before,
        after=after,
    )
    live.publish("projects", project.pk)
