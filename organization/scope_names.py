"""Tells `access` what scopes are called: it is below and does not know departments or projects."""

from collections.abc import Collection, Iterable

from access.checks import Person
from access.permissions import Permission
from access.scope_names import ScopeName
from organization import queries
from organization.models import Cluster, Department, Project, Tenant

KINDS = {1: "tenant", 2: "cluster", 3: "department", 4: "project"}
Named = Tenant | Cluster | Department | Project


class OrganizationNames:
    def of(self, scopes: Collection[str]) -> dict[str, ScopeName]:
        by_depth: dict[int, set[str]] = {depth: set() for depth in KINDS}
        for scope in scopes:
            segments = scope.strip("/").split("/")
            by_depth.get(len(segments), set()).add(segments[-1])
        found = [
            *_named("tenant", Tenant.objects.filter(pk__in=by_depth[1]) if by_depth[1] else ()),
            *_named(
                "cluster",
                Cluster.objects.filter(pk__in=by_depth[2]).select_related("tenant") if by_depth[2] else (),
            ),
            *_named("department", Department.objects.filter(pk__in=by_depth[3]) if by_depth[3] else ()),
            *_named("project", Project.objects.filter(pk__in=by_depth[4]) if by_depth[4] else ()),
        ]
        return {one.scope: one for one in found}

    def where(self, person: Person, permission: Permission) -> list[ScopeName]:
        covered = queries.covered_clusters(person, permission)
        return [
            *_named("tenant", queries.covered_tenants(person, permission)),
            *_named("cluster", covered),
            *_named("department", queries.visible_departments(person, permission)),
            *_named("project", queries.visible_projects(person, permission)),
        ]

    def find(self, kind: str, key: str) -> ScopeName | None:
        models: dict[str, type[Tenant] | type[Cluster] | type[Department] | type[Project]] = {
            "tenant": Tenant,
            "cluster": Cluster,
            "department": Department,
            "project": Project,
        }
        model = models.get(kind)
        if model is None or not queries.plausible(model, key):
            return None
        return next(iter(_named(kind, model.objects.filter(pk=key))), None)


def _named(kind: str, rows: Iterable[Named]) -> list[ScopeName]:
    return [ScopeName(row.scope, kind, str(row.pk), row.name) for row in rows]
