"""What a person may see of measurements: their projects' figures; the cluster's own only with a right on the cluster."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from access.checks import Person, scopes_with
from access.permissions import Permission
from access.scopes import covers
from monitoring.lines import Line, Point, with_gaps
from monitoring.models import Collection, Device, Metric, NodeUse, Series
from monitoring.ranges import TimeRange
from monitoring.rollups import HOURS, LEVELS, Level, level_for
from organization.models import Cluster, Project
from organization.queries import visible_clusters, visible_projects

CATEGORIES = 6
"""Colours for projects and pools; a project keeps its own everywhere."""


@dataclass(frozen=True)
class Sight:
    """What of one cluster a person may see. `whole` is a right on the cluster or above it; else only `projects`."""

    cluster: Cluster
    whole: bool
    projects: dict[int, Project]

    @property
    def of_series(self) -> Q:
        """Series that count GPUs held and used; what no project holds belongs to the whole."""
        if self.whole:
            return Q(series__cluster=self.cluster)
        return Q(series__cluster=self.cluster, series__project__in=list(self.projects))

    @property
    def of_devices(self) -> Q:
        own = Q(cluster=self.cluster)
        return own if self.whole else own & Q(project__in=list(self.projects))


def sights_of(person: Person) -> list[Sight]:
    """One for each cluster the person sees anything of, by name."""
    scopes = scopes_with(person, Permission.VIEW_DASHBOARDS)
    projects: dict[uuid.UUID, dict[int, Project]] = {}
    for project in visible_projects(person, Permission.VIEW_DASHBOARDS):
        projects.setdefault(project.cluster_id, {})[project.pk] = project
    clusters = visible_clusters(person, Permission.VIEW_DASHBOARDS).order_by("name")
    return [
        Sight(
            cluster,
            whole=any(covers(scope, cluster.scope) for scope in scopes),
            projects=projects.get(cluster.pk, {}),
        )
        for cluster in clusters
    ]


def collection_of(cluster: Cluster) -> Collection | None:
    return Collection.objects.filter(cluster=cluster).first()


def devices_seen(sight: Sight) -> QuerySet[Device]:
    return Device.objects.filter(sight.of_devices).select_related("project")


def node_uses(sight: Sight) -> QuerySet[NodeUse]:
    """What is held on the cluster's nodes: sums without names, so that everyone can choose a pool."""
    return NodeUse.objects.filter(cluster=sight.cluster)


# --- lines over time --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """A time range at the level of roll-up that serves it."""

    range: TimeRange
    level: Level

    @classmethod
    def of(cls, range_: TimeRange, now: datetime) -> "Window":
        """The finest level that has the range; a young installation has less than that, and fine steps of it."""
        age = (now - range_.start).total_seconds()
        covered = range_.seconds
        oldest = HOURS.table.objects.aggregate(oldest=Min("time"))["oldest"]  # type: ignore[attr-defined]  # abstract parent
        if oldest is not None:
            covered = min(covered, max(0.0, range_.end.timestamp() - oldest))
        return cls(range_, level_for(covered, min(age, now.timestamp() - oldest) if oldest else age))

    def step_words(self) -> str:
        """'5-minute steps'."""
        minutes = self.level.step // 60
        return "1-hour steps" if minutes == 60 else f"{minutes}-minute steps"

    @property
    def samples(self) -> QuerySet[Any]:
        begin, end = int(self.range.start.timestamp()), int(self.range.end.timestamp())
        rows: QuerySet[Any] = self.level.table.objects.filter(  # type: ignore[attr-defined]  # abstract parent
            time__gte=begin // self.level.step * self.level.step, time__lt=end
        )
        return rows


def allocated(sight: Sight, window: Window, *, pool: str = "") -> list[Point]:
    """GPUs held by what the person sees, in one pool if named."""
    rows = (
        _project_rows(sight, window, Metric.ALLOCATED_GPU, pool).values("time").annotate(total=Sum("value"))
    )
    return with_gaps(list(rows.order_by("time").values_list("time", "total")), window.level.step)


def measured(sight: Sight, window: Window, metric: Metric, *, pool: str = "") -> list[Point]:
    """UTILIZED_GPU or IDLE_ALLOCATED_GPU over what the person sees; unknown while any part of it is not measured."""
    grouped = (
        _project_rows(sight, window, metric, pool)
        .values("time")
        .annotate(parts=Count("pk"), total=Sum("value"))
    )
    known = {time: (parts, total) for time, parts, total in grouped.values_list("time", "parts", "total")}
    held = (
        _project_rows(sight, window, Metric.ALLOCATED_GPU, pool)
        .values("time")
        .annotate(parts=Count("pk"))
        .order_by("time")
        .values_list("time", "parts")
    )
    points: list[Point] = []
    for time, parts in held:
        measured_parts, total = known.get(time, (0, None))
        points.append((time, total if measured_parts >= parts else None))
    return with_gaps(points, window.level.step)


def capacity(sight: Sight, window: Window) -> list[Point]:
    """GPUs of ready nodes; nothing for those who see only projects."""
    if not sight.whole:
        return []
    return summed(window, Q(series__cluster=sight.cluster, series__metric=Metric.READY_GPU))


def pool_figure(sight: Sight, window: Window, metric: Metric, *, pool: str = "") -> list[Point]:
    """A figure that pools have themselves (nodes, GPUs there are), over the cluster or one pool; for those who see it whole."""
    if not sight.whole:
        return []
    within = Q(series__pool=pool) if pool else Q()
    return summed(window, Q(series__cluster=sight.cluster, series__metric=metric, series__node="") & within)


def counted(sight: Sight, window: Window, metric: Metric) -> list[Point]:
    """RUNNING_WORKLOADS or PENDING_WORKLOADS of the projects the person sees."""
    return summed(window, Q(series__metric=metric, series__project__in=list(sight.projects)))


def summed(window: Window, condition: Q) -> list[Point]:
    rows = window.samples.filter(condition).values("time").annotate(total=Sum("value"))
    return with_gaps(list(rows.order_by("time").values_list("time", "total")), window.level.step)


def allocated_by_pool(sight: Sight, window: Window) -> list[Line]:
    rows = _project_rows(sight, window, Metric.ALLOCATED_GPU)
    names = sorted(sight.cluster.node_pools.values_list("name", flat=True))
    roles = {name: f"cat-{place % CATEGORIES + 1}" for place, name in enumerate(names)}
    return [
        Line(name or "no pool", roles.get(name, "cat-other"), points, "step")
        for name, points in _grouped(rows, "series__pool", window)
    ]


def allocated_by_project(sight: Sight, window: Window) -> list[Line]:
    rows = _project_rows(sight, window, Metric.ALLOCATED_GPU)
    return [
        Line(
            sight.projects[key].name if key in sight.projects else "outside projects",
            role_of_project(key) if key in sight.projects else "cat-other",
            points,
            "step",
        )
        for key, points in _grouped(rows, "series__project", window)
    ]


def role_of_project(project: int) -> str:
    """A project keeps its colour on every chart."""
    return f"cat-{(project - 1) % CATEGORIES + 1}"


def _project_rows(sight: Sight, window: Window, metric: Metric, pool: str = "") -> QuerySet[Any]:
    """Samples of the sums by project and pool, not those of single workloads or devices."""
    within = Q(series__pool=pool) if pool else Q()
    return window.samples.filter(
        sight.of_series & within, series__metric=metric, series__workload__isnull=True, series__node=""
    )


def _grouped(rows: QuerySet[Any], by: str, window: Window) -> list[tuple[Any, list[Point]]]:
    found: dict[Any, list[Point]] = {}
    for key, time, total in (
        rows.values(by, "time").annotate(total=Sum("value")).order_by("time").values_list(by, "time", "total")
    ):
        found.setdefault(key, []).append((time, total))
    lines = [(key, with_gaps(points, window.level.step)) for key, points in found.items()]
    return sorted(lines, key=lambda pair: str(pair[0]))


# --- one workload, one node -------------------------------------------------------------------------------------------


def workload_lines(workload: uuid.UUID, metric: Metric, window: Window) -> list[Line]:
    """The workload's own line, and one for each of its GPUs if it has several."""
    series = Series.objects.filter(workload=workload, metric=metric)
    return _lines(series, window, whole="average" if metric == Metric.GPU_UTILIZATION else "in all")


def node_lines(cluster: Cluster, node: str, metric: Metric, window: Window) -> list[Line]:
    series = Series.objects.filter(cluster=cluster, node=node, metric=metric, workload__isnull=True)
    return _lines(series, window, whole="average" if metric == Metric.GPU_UTILIZATION else "in all")


def _lines(series: Iterable[Series], window: Window, *, whole: str) -> list[Line]:
    named = {one.pk: one for one in series}
    points: dict[int, list[Point]] = {}
    rows = window.samples.filter(series__in=list(named)).order_by("time")
    for key, time, value in rows.values_list("series", "time", "value"):
        points.setdefault(key, []).append((time, value))
    several = len({one.node for one in named.values() if one.gpu}) > 1
    lines = []
    ordered = sorted(named.values(), key=lambda one: (one.gpu != "", one.node, int(one.gpu or 0)))
    for place, one in enumerate(ordered):
        if one.pk not in points:
            continue
        name = f"{one.node} GPU {one.gpu}" if several else f"GPU {one.gpu}"
        role = f"cat-{(place - 1) % CATEGORIES + 1}" if one.gpu else "util"
        lines.append(Line(name if one.gpu else whole, role, with_gaps(points[one.pk], window.level.step)))
    return lines


def newest(sight: Sight, metric: Metric) -> float | None:
    """The newest reading of a sum over what the person sees; None when it is not known."""
    table = LEVELS[0].table
    rows = table.objects.filter(sight.of_series, series__metric=metric, series__workload__isnull=True)  # type: ignore[attr-defined]  # abstract parent
    last = rows.aggregate(last=Max("time"))["last"]
    if last is None:
        return None
    total: float | None = rows.filter(time=last).aggregate(total=Sum("value"))["total"]
    return total
