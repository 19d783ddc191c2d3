"""Writes on node pools."""

import re
from dataclasses import asdict, dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from access import audit
from access.checks import require
from access.errors import InvalidInput
from access.permissions import Permission
from cluster.clock import now
from organization import snapshots
from organization.models import Cluster, CpuPlacement, NodePool, Placement, Project
from organization.pools import matches, pool_of, pools_matching
from organization.services.naming import check_name
from organization.services.quotas import give_rows
from organization.usage import Amounts, of_projects
from ui import live

LABEL_KEY = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
LABEL_VALUE = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LONGEST_KEY = 253 + 1 + 63
MIN_RUNTIME_AT_MOST = 7 * 24 * 3600
USAGE_WEIGHT_AT_MOST = 10.0
USAGE_HOURS_AT_MOST = 14 * 24
"""What the scheduler keeps of past use (scheduling/usage.py)."""


@dataclass(frozen=True)
class PoolSettings:
    """What can be chosen for a pool. Seconds and hours of product time."""

    label_key: str = ""
    label_value: str = ""
    gpu_placement: str = Placement.BIN_PACK.value
    cpu_placement: str = CpuPlacement.BIN_PACK.value
    min_runtime_seconds: int = 0
    time_based_fair_share: bool = False
    usage_weight: float = 1.0
    usage_window_hours: int = 7 * 24
    usage_window_start: datetime | None = None
    usage_half_life_hours: int = 0


@transaction.atomic
def create_node_pool(*, actor: User, cluster: Cluster, name: str, settings: PoolSettings) -> NodePool:
    """Every department and project of the cluster gets a row in it: GPU quota zero, CPU and memory unlimited, over quota allowed."""
    require(actor, Permission.EDIT_NODE_POOLS, on=cluster.scope)
    check_name(name, at_most=63, among=cluster.node_pools.all(), what="node pool")
    at = now()
    pool = NodePool(cluster=cluster, name=name, created_at=at, updated_at=at, **asdict(settings))
    _check(pool)
    pool.save()
    give_rows(cluster.departments.all(), [pool])
    give_rows(cluster.projects.all(), [pool])
    _share_nodes_out_anew(cluster)
    _record(actor, "Create", pool, after=snapshots.of_pool(pool))
    return pool


@transaction.atomic
def edit_node_pool(*, actor: User, pool: NodePool, settings: PoolSettings) -> NodePool:
    """The name stays; the label of `default` is always empty."""
    require(actor, Permission.EDIT_NODE_POOLS, on=pool.cluster.scope)
    before = snapshots.of_pool(pool)
    for field, value in asdict(settings).items():
        setattr(pool, field, value)
    pool.updated_at = now()
    _check(pool)
    pool.save()
    _share_nodes_out_anew(pool.cluster)
    _record(actor, "Update", pool, before=before, after=snapshots.of_pool(pool))
    return pool


@transaction.atomic
def delete_node_pool(*, actor: User, pool: NodePool) -> None:
    """Its nodes go to `default`. Refused for `default` and while work holds something in it."""
    require(actor, Permission.EDIT_NODE_POOLS, on=pool.cluster.scope)
    if pool.is_default:
        raise InvalidInput(
            {"": ["The pool default always exists: it holds the nodes that no other pool matches."]}
        )
    _refuse_while_held(pool)
    before, key, cluster = snapshots.of_pool(pool), pool.pk, pool.cluster
    for project in cluster.projects.all():
        if pool.name in project.default_node_pools:
            project.default_node_pools = [name for name in project.default_node_pools if name != pool.name]
            project.save(update_fields=["default_node_pools"])
    pool.delete()
    _share_nodes_out_anew(cluster)
    pool.pk = key
    _record(actor, "Delete", pool, before=before)


def _refuse_while_held(pool: NodePool) -> None:
    projects = dict(Project.objects.filter(cluster=pool.cluster).values_list("pk", "name"))
    held = of_projects(list(projects)) or {}
    busy = sorted(
        projects[project]
        for (project, name), one in held.items()
        if name == pool.name and one.held != Amounts()
    )
    if busy:
        raise InvalidInput({"": [f"Work of {', '.join(busy)} still runs in {pool.name}: stop it first."]})


def _check(pool: NodePool) -> None:
    problems = _label_problems(pool)
    for field, choices in (("gpu_placement", Placement), ("cpu_placement", CpuPlacement)):
        if getattr(pool, field) not in choices.values:
            problems[field] = [f"One of {', '.join(choices.values)}."]
    if not 0 <= pool.min_runtime_seconds <= MIN_RUNTIME_AT_MOST:
        problems["min_runtime_seconds"] = [f"From 0 to {MIN_RUNTIME_AT_MOST} seconds (7 days)."]
    problems |= _usage_problems(pool)
    if problems:
        raise InvalidInput(problems)
    if not pool.is_default:
        _refuse_overlap(pool)


def _usage_problems(pool: NodePool) -> dict[str, list[str]]:
    problems = {}
    if not 0 <= pool.usage_weight <= USAGE_WEIGHT_AT_MOST:
        problems["usage_weight"] = [f"From 0 to {USAGE_WEIGHT_AT_MOST:g}."]
    if not 1 <= pool.usage_window_hours <= USAGE_HOURS_AT_MOST:
        problems["usage_window_hours"] = [f"From 1 to {USAGE_HOURS_AT_MOST} hours (14 days)."]
    if not 0 <= pool.usage_half_life_hours <= USAGE_HOURS_AT_MOST:
        problems["usage_half_life_hours"] = [f"From 0 to {USAGE_HOURS_AT_MOST} hours (14 days)."]
    return problems


def _label_problems(pool: NodePool) -> dict[str, list[str]]:
    if pool.is_default:
        fixed = pool.label_key or pool.label_value
        return (
            {"label_key": ["The pool default has no label: it holds what no other pool matches."]}
            if fixed
            else {}
        )
    problems = {}
    if len(pool.label_key) > LONGEST_KEY or not LABEL_KEY.fullmatch(pool.label_key):
        problems["label_key"] = [
            "A label key such as example.com/pool: letters, digits, -, _ and . (63 after the /)."
        ]
    if not LABEL_VALUE.fullmatch(pool.label_value):
        problems["label_value"] = ["A label value: letters, digits, -, _ and ., at most 63 characters."]
    return problems


def _refuse_overlap(pool: NodePool) -> None:
    """One pool per label, and no known node in two pools: two schedulers would share it out twice."""
    others = pool.cluster.node_pools.exclude(pk=pool.pk)
    same = others.filter(label_key=pool.label_key, label_value=pool.label_value).first()
    if same:
        raise InvalidInput(
            {
                "label_value": [
                    f"The pool {same.name} has the label {pool.label_key}={pool.label_value} already."
                ]
            }
        )
    for node in pool.cluster.nodes.all():
        if matches(node.labels, pool):
            other = next(iter(pools_matching(node.labels, others)), None)
            if other:
                raise InvalidInput(
                    {
                        "label_value": [
                            f"The node {node.name} would be in {other.name} too: change one of the labels."
                        ]
                    }
                )


def _share_nodes_out_anew(cluster: Cluster) -> None:
    pools = list(cluster.node_pools.order_by("pk"))
    for node in cluster.nodes.all():
        pool = pool_of(node.labels, pools)
        if pool and node.pool_id != pool.pk:
            node.pool = pool
            node.save(update_fields=["pool"])


def _record(
    actor: User,
    action: str,
    pool: NodePool,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        actor,
        action,
        entity_type="node-pool",
        entity_id=pool.pk,
        entity_name=pool.name,
        scope=pool.cluster.scope,
        before=before,
        after=after,
    )
    live.publish("node-pools", pool.pk)
