"""The rows of the organisation that a snapshot needs: pools, projects under departments, and their quotas."""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, Value

from organization.models import Cluster, Department, NodePool, PoolResources, Project
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import Bounds
from scheduling.queues import OrgUnit, Quota, queues_of


@dataclass(frozen=True)
class Company:
    """The rows a snapshot needs, read in four queries."""

    pools: list[NodePool]
    projects: list[Project]
    units: list[OrgUnit]
    quotas: dict[int, dict[tuple[str, bool], Quota]]
    """By pool id."""

    @classmethod
    def of(cls, cluster: Cluster) -> "Company":
        projects = list(Project.objects.filter(cluster=cluster).select_related("department"))
        departments = {unit.department.name: unit.department for unit in projects}
        units = [OrgUnit(name, "", one.created_at.timestamp()) for name, one in departments.items()]
        units += [OrgUnit(one.name, one.department.name, one.created_at.timestamp()) for one in projects]
        quotas: dict[int, dict[tuple[str, bool], Quota]] = {}
        rows = PoolResources.objects.filter(pool__cluster=cluster).select_related("department", "project")
        for row in rows:
            owner = row.department or row.project
            assert owner is not None  # noqa: S101  (a constraint of the table)
            quotas.setdefault(row.pool_id, {})[owner.name, row.department_id is not None] = _quota(row)
        return cls(
            list(NodePool.objects.filter(cluster=cluster).order_by("pk")),
            projects,
            units,
            quotas,
        )

    def queues(self, pool: NodePool) -> list[Queue]:
        return queues_of(self.units, self.quotas.get(pool.pk, {}))


Version = frozenset[tuple[object, ...]]


def version_of(cluster: Cluster) -> Version:
    """Changes whenever a quota, a project, a department or a pool does: each edit stamps its unit or pool. One query."""
    statement, parameters = _version_query(cluster.pk, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return frozenset(cursor.fetchall())


@lru_cache(maxsize=64)
def _version_query(cluster: UUID, _vendor: str) -> tuple[str, tuple[Any, ...]]:
    """Worked out once: it is asked many times a second, and building it costs ten times as much as its answer."""
    first, *others = (
        table.objects.filter(cluster=cluster)
        .order_by()
        .values("cluster")
        .annotate(table=Value(table.__name__), newest=Max("updated_at"), count=Count("pk"))
        .values_list("table", "newest", "count")
        for table in (Department, Project, NodePool)
    )
    statement, parameters = first.union(*others, all=True).query.sql_with_params()
    return statement, tuple(parameters)


KEPT_SECONDS = 10.0
"""Real time: an edit that left no stamp is seen after this."""


class Companies:
    """The newest of one cluster, read anew when a unit, a quota or a pool was edited."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._version: Version | None = None
        self._company: Company | None = None
        self._read_at = 0.0

    def forget(self) -> None:
        self._company = None

    def current(self) -> Company:
        version = version_of(
            self._cluster
        )  # before the rows: an edit between the two is found by the next look
        age = time.monotonic() - self._read_at
        if self._company is None or version != self._version or age > KEPT_SECONDS:
            self._version, self._company = version, Company.of(self._cluster)
            self._read_at = time.monotonic()
        return self._company


def _quota(row: PoolResources) -> Quota:
    return Quota(
        Bounds(row.gpu_deserved_milli, row.cpu_deserved_milli, row.memory_deserved_bytes),
        Bounds(row.gpu_limit_milli, row.cpu_limit_milli, row.memory_limit_bytes),
        row.gpu_weight,
        row.over_quota_allowed,
        row.rank,
    )
