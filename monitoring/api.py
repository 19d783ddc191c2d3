"""REST of measurements: metrics over time of clusters, node pools, nodes, workloads and projects, and telemetry of this moment."""

import uuid
from collections.abc import Callable
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.checks import may
from access.errors import InvalidInput
from access.permissions import Permission
from access.rest import ANYTHING, person_of
from cluster import clock
from monitoring import queries, telemetry
from monitoring.lines import Line
from monitoring.measurements import DEFAULT_SAMPLES, SAMPLES_AT_MOST, measurement
from monitoring.models import Metric
from monitoring.queries import Sight, Window
from monitoring.ranges import RangeWrong, TimeRange, chosen, moment
from organization.models import NodePool
from organization.queries import visible_nodes, visible_projects
from workloads.queries import all_visible

Draw = Callable[[Sight, Window, str], Line]


def _sum(points: Any) -> Line:
    return Line("", "", points)


OF_CLUSTERS: dict[str, Draw] = {
    "ALLOCATED_GPU": lambda sight, window, pool: _sum(queries.allocated(sight, window, pool=pool)),
    "UTILIZED_GPU": lambda sight, window, pool: _sum(
        queries.measured(sight, window, Metric.UTILIZED_GPU, pool=pool)
    ),
    "IDLE_ALLOCATED_GPU": lambda sight, window, pool: _sum(
        queries.measured(sight, window, Metric.IDLE_ALLOCATED_GPU, pool=pool)
    ),
    "TOTAL_GPU": lambda sight, window, pool: _sum(
        queries.pool_figure(sight, window, Metric.TOTAL_GPU, pool=pool)
    ),
    "READY_GPU": lambda sight, window, pool: _sum(
        queries.pool_figure(sight, window, Metric.READY_GPU, pool=pool)
    ),
    "TOTAL_GPU_NODES": lambda sight, window, pool: _sum(
        queries.pool_figure(sight, window, Metric.TOTAL_NODES, pool=pool)
    ),
}
OF_WORKLOADS = {
    "GPU_ALLOCATION": Metric.ALLOCATED_GPU,
    "GPU_UTILIZATION": Metric.GPU_UTILIZATION,
    "GPU_MEMORY_USAGE_BYTES": Metric.GPU_MEMORY_USAGE_BYTES,
    "CPU_USAGE_CORES": Metric.CPU_USAGE_CORES,
    "CPU_MEMORY_USAGE_BYTES": Metric.CPU_MEMORY_USAGE_BYTES,
}
OF_NODES = {
    "GPU_UTILIZATION": Metric.GPU_UTILIZATION,
    "GPU_UTILIZATION_PER_GPU": Metric.GPU_UTILIZATION,
    "GPU_MEMORY_USAGE_BYTES_PER_GPU": Metric.GPU_MEMORY_USAGE_BYTES,
    "CPU_USAGE_CORES": Metric.CPU_USAGE_CORES,
    "CPU_MEMORY_USAGE_BYTES": Metric.CPU_MEMORY_USAGE_BYTES,
}
PARAMETERS = [
    OpenApiParameter("start", str, required=True, description="RFC 3339"),
    OpenApiParameter("end", str, required=True, description="RFC 3339"),
    OpenApiParameter("metricType", {"type": "array", "items": {"type": "string"}}, required=True),
    OpenApiParameter("numberOfSamples", int, description="0 to 1000, 20 by default"),
    OpenApiParameter("nodepoolName", str),
]


class Asked:
    """What a metrics request asks for; raises InvalidInput with every mistake."""

    def __init__(self, request: Request, known: tuple[str, ...]) -> None:
        errors: dict[str, list[str]] = {}
        self.range = self._range(request, errors)
        types = [*request.query_params.getlist("metricType"), *request.query_params.getlist("metricType[]")]
        self.types = [one for text in types for one in text.split(",") if one]
        wrong = [one for one in self.types if one not in known]
        if not self.types:
            errors["metricType"] = [f"Name at least one of {', '.join(known)}."]
        elif wrong:
            errors["metricType"] = [f"There is no {wrong[0][:40]!r} here; choose among {', '.join(known)}."]
        self.count = self._count(request, errors)
        self.pool = request.query_params.get("nodepoolName", "")
        if errors:
            raise InvalidInput(errors)

    def _range(self, request: Request, errors: dict[str, list[str]]) -> TimeRange:
        now = clock.now()
        found = TimeRange(now, now)
        for name in ("start", "end"):
            if not request.query_params.get(name):
                errors[name] = ["Required: an RFC 3339 time."]
        if errors:
            return found
        try:
            found = chosen(
                moment(request.query_params["start"], "start"), moment(request.query_params["end"], "end")
            )
        except RangeWrong as error:
            errors[{"from": "start", "to": "end"}.get(error.field, error.field)] = [
                str(error).replace("from", "start").replace(" to ", " end ")
            ]
        return found

    def _count(self, request: Request, errors: dict[str, list[str]]) -> int:
        text = request.query_params.get("numberOfSamples", str(DEFAULT_SAMPLES))
        if not (text.isascii() and text.isdecimal()) or len(text) > 6 or int(text) > SAMPLES_AT_MOST:
            errors["numberOfSamples"] = [f"A whole number between 0 and {SAMPLES_AT_MOST}."]
            return 0
        return int(text)

    @property
    def window(self) -> Window:
        return Window.of(self.range, clock.now())

    def answer(self, lines: list[tuple[str, Line, dict[str, str]]]) -> Response:
        begin, end = int(self.range.start.timestamp()), int(self.range.end.timestamp())
        return Response(
            {
                "measurements": [
                    measurement(kind, line, labels, begin=begin, end=end, count=self.count)
                    for kind, line, labels in lines
                ]
            }
        )


def sight_or_404(request: Request, cluster_id: uuid.UUID) -> Sight:
    sights = queries.sights_of(person_of(request))
    found = next((sight for sight in sights if sight.cluster.pk == cluster_id), None)
    if found is None:
        raise Http404
    return found


@extend_schema(parameters=PARAMETERS, responses=ANYTHING, operation_id="cluster_metrics", tags=["metrics"])
@api_view(["GET"])
def cluster_metrics(request: Request, cluster_id: uuid.UUID) -> Response:
    """Over what you may see: the whole cluster with a right on it, else your projects' part."""
    sight, asked = sight_or_404(request, cluster_id), Asked(request, tuple(OF_CLUSTERS))
    return asked.answer(
        [(kind, OF_CLUSTERS[kind](sight, asked.window, asked.pool), {}) for kind in asked.types]
    )


@extend_schema(parameters=PARAMETERS, responses=ANYTHING, operation_id="node_pool_metrics", tags=["metrics"])
@api_view(["GET"])
def node_pool_metrics(request: Request, cluster_id: uuid.UUID, pool: str) -> Response:
    sight, asked = sight_or_404(request, cluster_id), Asked(request, tuple(OF_CLUSTERS))
    get_object_or_404(NodePool, cluster=cluster_id, name=pool)
    lines = [(kind, OF_CLUSTERS[kind](sight, asked.window, pool), {"nodepool": pool}) for kind in asked.types]
    return asked.answer(lines)


@extend_schema(parameters=PARAMETERS, responses=ANYTHING, operation_id="workload_metrics", tags=["metrics"])
@api_view(["GET"])
def workload_metrics(request: Request, workload_id: uuid.UUID) -> Response:
    row = get_object_or_404(all_visible(person_of(request)), pk=workload_id)
    asked = Asked(request, tuple(OF_WORKLOADS))
    lines = [
        (kind, line, {"workload": row.name})
        for kind in asked.types
        for line in queries.workload_lines(row.pk, OF_WORKLOADS[kind], asked.window)[:1]
    ]
    return asked.answer(lines)


@extend_schema(parameters=PARAMETERS, responses=ANYTHING, operation_id="node_metrics", tags=["metrics"])
@api_view(["GET"])
def node_metrics(request: Request, node_id: int) -> Response:
    row = get_object_or_404(visible_nodes(person_of(request)), pk=node_id)
    asked = Asked(request, tuple(OF_NODES))
    lines = []
    for kind in asked.types:
        for line in queries.node_lines(row.cluster, row.name, OF_NODES[kind], asked.window):
            is_device = line.name.startswith("GPU ")
            if is_device == kind.endswith("_PER_GPU"):
                lines.append((kind, line, {"gpu": line.name.removeprefix("GPU ")} if is_device else {}))
    return asked.answer(lines)


@extend_schema(parameters=PARAMETERS, responses=ANYTHING, operation_id="project_metrics", tags=["metrics"])
@api_view(["GET"])
def project_metrics(request: Request, project_id: int) -> Response:
    row = get_object_or_404(visible_projects(person_of(request)), pk=project_id)
    asked = Asked(request, ("GPU_ALLOCATION", "UTILIZED_GPU"))
    sight = Sight(row.cluster, whole=False, projects={row.pk: row})
    drawn = {
        "GPU_ALLOCATION": lambda: queries.allocated(sight, asked.window, pool=asked.pool),
        "UTILIZED_GPU": lambda: queries.measured(sight, asked.window, Metric.UTILIZED_GPU, pool=asked.pool),
    }
    return asked.answer([(kind, _sum(drawn[kind]()), {"project": row.name}) for kind in asked.types])


@extend_schema(
    parameters=[
        OpenApiParameter("telemetryType", str, required=True, enum=list(telemetry.TYPES)),
        OpenApiParameter("groupBy", {"type": "array", "items": {"type": "string"}}),
        OpenApiParameter("clusterId", str),
    ],
    responses=ANYTHING,
    operation_id="node_telemetry",
    tags=["metrics"],
)
@api_view(["GET"])
def node_telemetry(request: Request) -> Response:
    """Values of this moment over the clusters whose nodes you may see; null is unknown."""
    wanted, groups = request.query_params.get("telemetryType", ""), request.query_params.getlist("groupBy")
    errors = {}
    if wanted not in telemetry.TYPES:
        errors["telemetryType"] = [f"Choose one of {', '.join(telemetry.TYPES)}."]
    if not set(groups) <= set(telemetry.GROUPS) or len(groups) > telemetry.GROUPS_AT_MOST:
        errors["groupBy"] = [f"Choose at most {telemetry.GROUPS_AT_MOST} of {', '.join(telemetry.GROUPS)}."]
    if errors:
        raise InvalidInput(errors)
    cluster = request.query_params.get("clusterId")
    sights = [
        sight
        for sight in queries.sights_of(person_of(request))
        if cluster in (None, str(sight.cluster.pk))
        and may(person_of(request), Permission.VIEW_NODES, on=sight.cluster.scope)
    ]
    values = telemetry.node_telemetry(sights, wanted, list(dict.fromkeys(groups)))
    stamp = clock.now().isoformat().replace("+00:00", "Z")
    return Response({"type": wanted, "timestamp": stamp, "values": values})
