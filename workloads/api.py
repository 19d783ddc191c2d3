"""REST for workloads: the same queries and services as the pages."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet, Sum
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.errors import InvalidInput
from access.list_grammar import ListQuery
from cluster import clock
from organization.models import Project
from organization.queries import visible_projects
from workloads import api_schema as schema
from workloads import queries
from workloads.api_lists import FIELDS, narrowed, page_of, query_of
from workloads.api_rows import event_row, list_row, moment, pod_row, submission_row
from workloads.kinds import KINDS
from workloads.models import Source, Workload
from workloads.services import delete_workload, run_workload, stop_workload, submit_workload
from workloads.spec import WorkloadSpec

KEY_AT_MOST = 100
TELEMETRY = ("WORKLOADS_COUNT", "GPU_ALLOCATION")
GROUPS = {
    "ClusterId": "cluster_id",
    "ProjectId": "project_id",
    "DepartmentId": "project__department_id",
    "Phase": "phase",
    "NodepoolName": "current_pool",
    "WorkloadType": "kind",
}
_ENVELOPE = frozenset({"name", "useGivenNameAsPrefix", "projectId", "clusterId", "spec"})


def person_of(request: Request) -> User:
    return cast(User, request.user)  # the default permission lets only signed-in people in


def rows_of(request: Request) -> QuerySet[Workload]:
    deleted = request.query_params.get("deleted", "false").lower()
    if deleted not in ("true", "false"):
        raise InvalidInput({"deleted": ["Choose true or false."]})
    return queries.all_visible(person_of(request)).filter(deleted_at__isnull=deleted == "false")


def found(request: Request, workload_id: uuid.UUID, kind: str = "") -> Workload:
    rows = queries.all_visible(person_of(request))
    return get_object_or_404(rows.filter(kind=kind) if kind else rows, pk=workload_id)


# --- reading -----------------------------------------------------------------------------------------------------------------------


@extend_schema(
    parameters=schema.LISTING, responses=schema.Rows, operation_id="list_workloads", tags=["workloads"]
)
@api_view(["GET"])
def workload_list(request: Request) -> Response:
    query = query_of(request)
    actions = queries.actions_for(person_of(request))
    rows = narrowed(rows_of(request), query)
    return Response(page_of(rows, query, "workloads", lambda row: list_row(row, actions(row))))


@extend_schema(
    parameters=schema.LISTING, responses=schema.Count, operation_id="count_workloads", tags=["workloads"]
)
@api_view(["GET"])
def workload_count(request: Request) -> Response:
    return Response({"count": narrowed(rows_of(request), query_of(request)).count()})


@extend_schema(responses=schema.Telemetry, operation_id="workload_telemetry", tags=["workloads"])
@api_view(["GET"])
def workload_telemetry(request: Request) -> Response:
    """Values of this moment: ?telemetryType=WORKLOADS_COUNT|GPU_ALLOCATION & groupBy= (several)."""
    wanted = request.query_params.get("telemetryType", TELEMETRY[0])
    groups = request.query_params.getlist("groupBy")
    errors = {}
    if wanted not in TELEMETRY:
        errors["telemetryType"] = [f"Choose one of {', '.join(TELEMETRY)}."]
    if not set(groups) <= GROUPS.keys():
        errors["groupBy"] = [f"Choose among {', '.join(GROUPS)}."]
    if errors:
        raise InvalidInput(errors)
    rows = narrowed(rows_of(request), query_of(request)).order_by()
    values = telemetry_of(rows, wanted, list(dict.fromkeys(groups)))
    return Response({"type": wanted, "timestamp": moment(clock.now()), "values": values})


def telemetry_of(rows: QuerySet[Workload], wanted: str, groups: list[str]) -> list[dict[str, Any]]:
    if not groups:
        value = (
            rows.count()
            if wanted == TELEMETRY[0]
            else (rows.aggregate(s=Sum("allocated_gpu_milli"))["s"] or 0) / 1000
        )
        return [{"value": str(value), "groups": []}]
    sums = rows.values(*(GROUPS[group] for group in groups)).annotate(
        number=Count("pk"), held=Sum("allocated_gpu_milli")
    )
    return [
        {
            "value": str(row["number"] if wanted == TELEMETRY[0] else row["held"] / 1000),
            "groups": [{"key": group, "value": str(row[GROUPS[group]])} for group in groups],
        }
        for row in sums
    ]


@extend_schema(responses=schema.Row, operation_id="get_workload", tags=["workloads"])
@api_view(["GET"])
def workload_detail(request: Request, workload_id: uuid.UUID) -> Response:
    workload = found(request, workload_id)
    return Response(list_row(workload, queries.actions_for(person_of(request))(workload)))


@extend_schema(
    parameters=schema.PAGING, responses=schema.Pods, operation_id="list_workload_pods", tags=["workloads"]
)
@api_view(["GET"])
def workload_pods(request: Request, workload_id: uuid.UUID) -> Response:
    rows = queries.pods_of(found(request, workload_id))
    return Response(page_of(rows, paging_of(request), "pods", pod_row))


@extend_schema(parameters=schema.PAGING, responses=schema.Pods, operation_id="list_pods", tags=["workloads"])
@api_view(["GET"])
def all_pods(request: Request) -> Response:
    rows = queries.pods_in(rows_of(request))
    return Response(page_of(rows, paging_of(request), "pods", pod_row))


@extend_schema(
    parameters=schema.PAGING, responses=schema.Events, operation_id="list_workload_events", tags=["workloads"]
)
@api_view(["GET"])
def workload_events(request: Request, workload_id: uuid.UUID) -> Response:
    rows = queries.history_of(found(request, workload_id))
    return Response(page_of(rows, paging_of(request), "events", event_row))


def paging_of(request: Request) -> ListQuery:
    names = ("offset", "limit")
    parameters = {name: request.query_params.getlist(name) for name in names if name in request.query_params}
    return ListQuery.read(parameters, fields=list(FIELDS), sortable=())


# --- trainings ---------------------------------------------------------------------------------------------------------------------


class TrainingList(APIView):
    """Submit a training, or list them."""

    @extend_schema(
        parameters=schema.LISTING, responses=schema.Rows, operation_id="list_trainings", tags=["trainings"]
    )
    def get(self, request: Request) -> Response:
        query = query_of(request)
        actions = queries.actions_for(person_of(request))
        rows = narrowed(rows_of(request).filter(kind="training"), query)
        return Response(page_of(rows, query, "workloads", lambda row: list_row(row, actions(row))))

    @extend_schema(
        parameters=schema.SUBMITTING,
        request=schema.TrainingBody,
        responses={202: schema.Submission, 200: schema.Submission},
        operation_id="create_training",
        tags=["trainings"],
    )
    def post(self, request: Request) -> Response:
        return submit(request, "training")


class TrainingDetail(APIView):
    @extend_schema(responses=schema.Submission, operation_id="get_training", tags=["trainings"])
    def get(self, request: Request, workload_id: uuid.UUID) -> Response:
        return Response(submission_row(found(request, workload_id, "training")))

    @extend_schema(responses={202: schema.Submission}, operation_id="delete_training", tags=["trainings"])
    def delete(self, request: Request, workload_id: uuid.UUID) -> Response:
        workload = found(request, workload_id, "training")
        return Response(
            submission_row(delete_workload(person=person_of(request), workload=workload)), status=202
        )


@extend_schema(
    request=None, responses={202: schema.Submission}, operation_id="suspend_training", tags=["trainings"]
)
@api_view(["POST"])
def suspend_training(request: Request, workload_id: uuid.UUID) -> Response:
    workload = found(request, workload_id, "training")
    return Response(submission_row(stop_workload(person=person_of(request), workload=workload)), status=202)


@extend_schema(
    request=None, responses={202: schema.Submission}, operation_id="resume_training", tags=["trainings"]
)
@api_view(["POST"])
def resume_training(request: Request, workload_id: uuid.UUID) -> Response:
    workload = found(request, workload_id, "training")
    return Response(submission_row(run_workload(person=person_of(request), workload=workload)), status=202)


def submit(request: Request, kind: str) -> Response:
    """202 with the accepted workload; a dry run answers 200 and keeps nothing."""
    body = request.data
    if not isinstance(body, Mapping):
        raise InvalidInput({"": ["The body must be a JSON object."]})
    dry_run = str(request.query_params.get("dryRun", "false")).lower()
    key = request.headers.get("Idempotency-Key")
    project, spec = checked(request, body, kind, dry_run=dry_run, key=key)
    prefix = body.get("useGivenNameAsPrefix") is True
    with spec_paths():
        workload = submit_workload(
            submitter=person_of(request),
            project=project,
            spec=spec,
            source=Source.CLI
            if request.headers.get("User-Agent", "").startswith("runai-cli")
            else Source.API,
            name_is_prefix=prefix,
            idempotency_key=key,
            dry_run=dry_run == "true",
        )
    return Response(
        submission_row(workload, requested_name=spec.name), status=200 if dry_run == "true" else 202
    )


def checked(
    request: Request, body: Mapping[str, Any], kind: str, *, dry_run: str, key: str | None
) -> tuple[Project, WorkloadSpec]:
    """Every mistake of the envelope and of the spec at once."""
    errors: dict[str, list[str]] = {}
    for name in sorted(str(name) for name in body if name not in _ENVELOPE):
        errors[name] = ["This field is not known here."]
    if dry_run not in ("true", "false"):
        errors["dryRun"] = ["Choose true or false."]
    if key is not None and not 0 < len(key) <= KEY_AT_MOST:
        errors["Idempotency-Key"] = [f"Between 1 and {KEY_AT_MOST} characters."]
    if not isinstance(body.get("useGivenNameAsPrefix", False), bool):
        errors["useGivenNameAsPrefix"] = ["This must be true or false."]
    project = project_of(request, body, errors)
    wanted = body.get("name")
    spec = None
    try:
        with spec_paths():
            spec = WorkloadSpec.from_json(
                wanted if isinstance(wanted, str) else "", body.get("spec", {}), KINDS[kind]
            )
    except InvalidInput as error:
        errors = {**error.errors, **errors}
    if errors or project is None or spec is None:
        raise InvalidInput(errors)
    return project, spec


def project_of(request: Request, body: Mapping[str, Any], errors: dict[str, list[str]]) -> Project | None:
    text = str(body.get("projectId", ""))
    known = text.isascii() and text.isdecimal() and len(text) < 18
    project = visible_projects(person_of(request)).filter(pk=int(text)).first() if known else None
    if project is None:
        errors["projectId"] = ["There is no such project, or you may not see it."]
    elif body.get("clusterId") not in (None, str(project.cluster_id)):
        errors["clusterId"] = [f"The project {project.name} is on the cluster {project.cluster_id}."]
    return project


@contextmanager
def spec_paths() -> Iterator[None]:
    """Mistakes of the spec are told with their place in the body."""
    try:
        yield
    except InvalidInput as error:
        error.errors = {
            path if path in _ENVELOPE else f"spec.{path}" if path else "spec": sentences
            for path, sentences in error.errors.items()
        }
        raise
