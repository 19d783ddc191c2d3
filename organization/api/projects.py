"""REST of projects and their quotas."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.api.reading import read
from access.api.schema import RowCount
from access.errors import InvalidInput
from access.permissions import Permission
from access.rest import LISTING, Field, Listing, iso, person_of, whole
from organization import queries, usage
from organization.api import resources, schema
from organization.api.units import UNIT_FIELDS, cluster_of, set_resources
from organization.models import Cluster, Department, Project
from organization.services import projects, quotas


def projects_of(rows: Sequence[Project]) -> list[dict[str, Any]]:
    used = usage.of_projects([row.pk for row in rows])
    return [_project(row, used) for row in rows]


def _project(row: Project, used: usage.PoolUsage | None) -> dict[str, Any]:
    found = list(row.resources.all())
    status = resources.status_of(used, [row.pk], [one.pool.name for one in found])
    return {
        "id": str(row.pk),
        "name": row.name,
        "description": row.description,
        "clusterId": str(row.cluster_id),
        "parentId": str(row.department_id),
        "parent": {"id": str(row.department_id), "name": row.department.name, "type": "department"},
        "requestedNamespace": row.namespace,
        "defaultNodePools": row.default_node_pools,
        "resources": [resources.entry_of(one) for one in found],
        "totalResources": resources.totals_of(found),
        "status": {
            "namespace": row.namespace,
            "phase": row.phase,
            "phaseMessage": row.phase_message,
            **status,
        },
        "effective": {"defaultNodePools": row.default_node_pools},
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
    }


PROJECTS = Listing(
    "projects",
    {
        **UNIT_FIELDS,
        "parentId": whole("department_id"),
        "departmentName": Field("department__name"),
        "phase": Field("phase"),
    },
    projects_of,
    ("name", "description", "department__name"),
    ("name",),
)


def visible_projects(request: Request) -> Any:
    return queries.visible_projects(request.user).prefetch_related(queries.resources())


def department_for(request: Request, key: str, cluster: Cluster, permission: Permission) -> Department:
    """A department a project is put into: one that is visible by the right to do so, or by the right to see it."""
    number = int(key) if key.isdecimal() else 0
    found = (
        queries.visible_departments(request.user, permission) | queries.visible_departments(request.user)
    ).filter(pk=number, cluster=cluster)
    department = found.first()
    if department is None:
        raise InvalidInput({"parentId": [f"{cluster.name} has no such department, or you may not see it."]})
    return department


@extend_schema(
    methods=["GET"],
    parameters=LISTING,
    responses=schema.Projects,
    tags=["org-unit"],
    operation_id="list_projects",
)
@extend_schema(
    methods=["POST"],
    request=schema.ProjectRequest,
    responses={201: schema.Project},
    tags=["org-unit"],
    operation_id="create_project",
)
@api_view(["GET", "POST"])
def project_list(request: Request) -> Response:
    if request.method == "GET":
        return PROJECTS.answer(request, visible_projects(request))
    body = read(schema.ProjectRequest, request)
    cluster, actor = cluster_of(request, body["clusterId"]), person_of(request)
    if body.get("requestedNamespace", f"runai-{body['name']}") != f"runai-{body['name']}":
        raise InvalidInput({"requestedNamespace": [f"The namespace is runai-{body['name']}."]})
    department = department_for(request, body["parentId"], cluster, Permission.CREATE_PROJECTS)
    given = resources.quotas_from(body.get("resources", []), cluster, None, whole=True)
    try:
        with transaction.atomic():
            made = projects.create_project(
                actor=actor,
                department=department,
                name=body["name"],
                description=body["description"],
                default_node_pools=body.get("defaultNodePools") or [],
            )
            quotas.set_quotas(actor=actor, unit=made, quotas_by_pool=given)
    except InvalidInput as refusal:
        raise resources.in_words_of_the_api(refusal) from refusal
    return Response(projects_of([visible_projects(request).get(pk=made.pk)])[0], status=201)


@extend_schema(parameters=LISTING, responses=RowCount, tags=["org-unit"], operation_id="count_projects")
@api_view(["GET"])
def project_count(request: Request) -> Response:
    return PROJECTS.count(request, queries.visible_projects(request.user))


@extend_schema(methods=["GET"], responses=schema.Project, tags=["org-unit"], operation_id="get_project")
@extend_schema(
    methods=["PUT"],
    request=schema.ProjectReplacement,
    responses=schema.Project,
    tags=["org-unit"],
    operation_id="replace_project",
)
@extend_schema(methods=["DELETE"], responses={204: None}, tags=["org-unit"], operation_id="delete_project")
@api_view(["GET", "PUT", "DELETE"])
def project_detail(request: Request, project_id: int) -> Response:
    project = get_object_or_404(visible_projects(request), pk=project_id)
    if request.method == "DELETE":
        projects.delete_project(actor=person_of(request), project=project)
        return Response(status=204)
    if request.method == "PUT":
        _replace_project(request, project)
        project = visible_projects(request).get(pk=project_id)
    return Response(projects_of([project])[0])


def _replace_project(request: Request, project: Project) -> None:
    body = read(schema.ProjectReplacement, request)
    department = project.department
    if body.get("parentId", str(department.pk)) != str(department.pk):
        department = department_for(request, body["parentId"], project.cluster, Permission.EDIT_PROJECTS)
    pools = body.get("defaultNodePools")
    given = resources.quotas_from(body["resources"], project.cluster, project, whole=True)
    try:
        projects.replace_project(
            actor=person_of(request),
            project=project,
            department=department,
            description=body["description"],
            default_node_pools=pools or [],
            quotas_by_pool=given,
        )
    except InvalidInput as refusal:
        raise resources.in_words_of_the_api(refusal) from refusal


@extend_schema(
    methods=["PUT", "PATCH"], request=schema.ResourcesList, responses=schema.ResourcesList, tags=["org-unit"]
)
@api_view(["PUT", "PATCH"])
def project_resources(request: Request, project_id: int) -> Response:
    """PUT replaces every quota (pools left out get zero), PATCH those named."""
    unit = get_object_or_404(queries.visible_projects(request.user), pk=project_id)
    set_resources(request, unit)
    fresh = visible_projects(request).get(pk=unit.pk)
    return Response({"resources": [resources.entry_of(row) for row in fresh.resources.all()]})
