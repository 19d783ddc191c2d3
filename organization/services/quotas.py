"""Writes of quotas: what a department or project deserves in a node pool, and the rows that follow from new units and pools."""

from collections.abc import Iterable, Sequence

from django.contrib.auth.models import User
from django.db import transaction

from access import audit
from access.checks import require
from access.errors import InvalidInput
from access.permissions import Permission
from cluster.clock import now
from organization import quotas, snapshots, usage
from organization.models import Department, NodePool, PoolResources, Project
from organization.quotas import Quota
from ui import live

Unit = Department | Project


def quota_of(row: PoolResources) -> Quota:
    return Quota(**{field: getattr(row, field) for field in snapshots.QUOTA_FIELDS})


@transaction.atomic
def set_quota(*, actor: User, unit: Unit, pool: NodePool, quota: Quota) -> PoolResources:
    """Quotas are given from above: a project's by who may edit its department's projects, a department's by who may edit the cluster's.

    Raises InvalidInput with fields `gpu.deserved`, `gpu.limit`, `gpu.weight`, `cpu.…`, `memory.…`, `rank`.
    """
    require_giver(actor, unit)
    if pool.cluster_id != unit.cluster_id:
        raise InvalidInput({"nodePool": [f"The pool {pool.name} belongs to another cluster."]})
    # the department's row is locked too: two projects may not take the same last GPUs at once
    department = unit if isinstance(unit, Department) else unit.department
    PoolResources.objects.select_for_update().filter(department=department, pool=pool).first()
    row = row_of(unit, pool)
    problems = problems_of(unit, pool, row, quota)
    if problems:
        raise InvalidInput(problems)
    before = snapshots.of_quota(row)
    for field in snapshots.QUOTA_FIELDS:
        setattr(row, field, getattr(quota, field))
    after = snapshots.of_quota(row)
    if after != before:
        row.save()
        _note(actor, unit, before, after)
    return row


@transaction.atomic
def set_quotas(*, actor: User, unit: Unit, quotas_by_pool: Sequence[tuple[NodePool, Quota]]) -> None:
    """Several at once, all or none. Raises InvalidInput with fields `resources.<n>.gpu.deserved`, n counting the quotas given."""
    problems: dict[str, list[str]] = {}
    for index, (pool, quota) in enumerate(quotas_by_pool):
        try:
            set_quota(actor=actor, unit=unit, pool=pool, quota=quota)
        except InvalidInput as refusal:
            problems |= {f"resources.{index}.{field}": texts for field, texts in refusal.errors.items()}
    if problems:
        raise InvalidInput(problems)


def require_giver(actor: User, unit: Unit) -> None:
    """Raises NotAllowed unless the person may give this unit its quota."""
    if isinstance(unit, Project):
        department = unit.department
        require(
            actor, Permission.EDIT_PROJECTS, on=department.scope, place=f"on the department {department.name}"
        )
    else:
        cluster = unit.cluster
        require(actor, Permission.EDIT_DEPARTMENTS, on=cluster.scope, place=f"on the cluster {cluster.name}")


def row_of(unit: Unit, pool: NodePool) -> PoolResources:
    """The unit's row in the pool; one that is missing (it should not be) begins with a quota of zero."""
    if isinstance(unit, Project):
        return PoolResources.objects.get_or_create(project=unit, pool=pool)[0]
    return PoolResources.objects.get_or_create(department=unit, pool=pool)[0]


def problems_of(unit: Unit, pool: NodePool, row: PoolResources, quota: Quota) -> quotas.Problems:
    """Everything that forbids the quota, by field; the first kind of reason that applies to a field is told."""
    found = [quotas.own_problems(quota), _against_usage(unit, pool, quota)]
    if unit.cluster.tenant.projects_within_department:
        found.append(_against_hierarchy(unit, pool, quota_of(row), quota))
    problems: quotas.Problems = {}
    for one in found:
        problems = {**one, **problems}
    return problems


def _against_usage(unit: Unit, pool: NodePool, quota: Quota) -> quotas.Problems:
    held = uninterruptible(unit, pool)
    return {} if held is None else quotas.below_uninterruptible(quota, held)


def uninterruptible(unit: Unit, pool: NodePool) -> usage.Amounts | None:
    """What work of the unit holds in the pool that may not be interrupted; None when nobody knows."""
    ids = [unit.pk] if isinstance(unit, Project) else list(unit.projects.values_list("pk", flat=True))
    known = usage.of_projects(ids)
    if known is None:
        return None
    return sum((known.get((one, pool.name), usage.NOTHING).uninterruptible for one in ids), usage.Amounts())


def _against_hierarchy(unit: Unit, pool: NodePool, before: Quota, quota: Quota) -> quotas.Problems:
    if isinstance(unit, Department):
        children = PoolResources.objects.filter(project__department=unit, pool=pool)
        return quotas.below_projects(quota, map(quota_of, children), pool.name)
    siblings = PoolResources.objects.filter(project__department=unit.department, pool=pool)
    problems = quotas.exceeding_department(
        quota,
        map(quota_of, siblings.exclude(project=unit)),
        quota_of(row_of(unit.department, pool)),
        unit.department.name,
        pool.name,
    )
    # giving some back is always allowed, also when the sum is still too large
    return {
        f"{one.field}.deserved": problems[f"{one.field}.deserved"]
        for one in quotas.DIMENSIONS
        if f"{one.field}.deserved" in problems
        and (getattr(quota, one.deserved) or 0) > (getattr(before, one.deserved) or 0)
    }


def _note(actor: User, unit: Unit, before: dict[str, object], after: dict[str, object]) -> None:
    kind = "project" if isinstance(unit, Project) else "department"
    type(unit).objects.filter(pk=unit.pk).update(updated_at=now())
    audit.record(
        actor,
        "Update",
        entity_type=f"{kind}-quota",
        entity_id=unit.pk,
        entity_name=f"{unit.name} in {after['pool']}",
        scope=unit.scope,
        before=before,
        after=after,
    )
    live.publish("projects" if kind == "project" else "departments", unit.pk)


def give_rows(units: Iterable[Unit], pools: Iterable[NodePool]) -> None:
    """Quota zero, over quota allowed, no limit, for every unit in every pool that lacks a row."""
    pool_list = list(pools)
    PoolResources.objects.bulk_create(
        [
            PoolResources(
                pool=pool,
                project=unit if isinstance(unit, Project) else None,
                department=unit if isinstance(unit, Department) else None,
            )
            for unit in units
            for pool in pool_list
        ],
        ignore_conflicts=True,
    )
