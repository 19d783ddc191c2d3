"""REST of departments and their quotas."""

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
from access.rest import LISTING, Listing, iso, person_of
from organization import queries, usage
from organization.api import resources, schema
from organization.api.units import UNIT_FIELDS, cluster_of, set_resources
from organization.models import Department, Project
from organization.services import departments, quotas


def departments_of(rows: Sequence[Department]) -> list[dict[str, Any]]:
    projects_of: dict[int, list[int]] = {row.pk: [] for row in rows}
    for project, department in Project.objects.filter(department__in=rows).values_list("pk", "department_id"):
        projects_of[department].append(project)
    used = usage.of_projects([one for ids in projects_of.values() for one in ids])
    return [_department(row, projects_of[row.pk], used) for row in rows]


def _department(row: Department, ids: Sequence[int], used: usage.PoolUsage | None) -> dict[str, Any]:
    found = list(row.resources.all())
    return {
        "id": str(row.pk),
        "name": row.name,
        "description": row.description,
        "clusterId": str(row.cluster_id),
        "resources": [resources.entry_of(one) for one in found],
        "totalResources": resources.totals_of(found),
        "status": resources.status_of(used, ids, [one.pool.name for one in found]),
        "projectCount": len(ids),
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
    }


DEPARTMENTS = Listing("departments", UNIT_FIELDS, departments_of, ("name", "description"), ("name",))


def visible_departments(request: Request) -> Any:
    return queries.visible_departments(request.user).prefetch_related(queries.resources())


@extend_schema(
    methods=["GET"],
    parameters=LISTING,
    responses=schema.Departments,
    tags=["org-unit"],
    operation_id="list_departments",
)
@extend_schema(
    methods=["POST"],
    request=schema.DepartmentRequest,
    responses={201: schema.Department},
    tags=["org-unit"],
    operation_id="create_department",
)
@api_view(["GET", "POST"])
def department_list(request: Request) -> Response:
    if request.method == "GET":
        return DEPARTMENTS.answer(request, visible_departments(request))
    body = read(schema.DepartmentRequest, request)
    cluster, actor = cluster_of(request, body["clusterId"]), person_of(request)
    given = resources.quotas_from(body.get("resources", []), cluster, None, whole=True)
    try:
        with transaction.atomic():
            made = departments.create_department(
                actor=actor, cluster=cluster, name=body["name"], description=body["description"]
            )
            quotas.set_quotas(actor=actor, unit=made, quotas_by_pool=given)
    except InvalidInput as refusal:
        raise resources.in_words_of_the_api(refusal) from refusal
    return Response(departments_of([visible_departments(request).get(pk=made.pk)])[0], status=201)


@extend_schema(parameters=LISTING, responses=RowCount, tags=["org-unit"], operation_id="count_departments")
@api_view(["GET"])
def department_count(request: Request) -> Response:
    return DEPARTMENTS.count(request, queries.visible_departments(request.user))


@extend_schema(methods=["GET"], responses=schema.Department, tags=["org-unit"], operation_id="get_department")
@extend_schema(
    methods=["PUT"],
    request=schema.DepartmentReplacement,
    responses=schema.Department,
    tags=["org-unit"],
    operation_id="replace_department",
)
@extend_schema(methods=["DELETE"], responses={204: None}, tags=["org-unit"], operation_id="delete_department")
@api_view(["GET", "PUT", "DELETE"])
def department_detail(request: Request, department_id: int) -> Response:
    department = get_object_or_404(visible_departments(request), pk=department_id)
    if request.method == "DELETE":
        departments.delete_department(actor=person_of(request), department=department)
        return Response(status=204)
    if request.method == "PUT":
        _replace_department(request, department)
        department = visible_departments(request).get(pk=department_id)
    return Response(departments_of([department])[0])


def _replace_department(request: Request, department: Department) -> None:
    body, actor = read(schema.DepartmentReplacement, request), person_of(request)
    given = resources.quotas_from(body["resources"], department.cluster, department, whole=True)
    try:
        with transaction.atomic():
            departments.edit_department(
                actor=actor, department=department, name=body["name"], description=body["description"]
            )
            quotas.set_quotas(actor=actor, unit=department, quotas_by_pool=given)
    except InvalidInput as refusal:
        raise resources.in_words_of_the_api(refusal) from refusal


@extend_schema(
    methods=["PUT", "PATCH"], request=schema.ResourcesList, responses=schema.ResourcesList, tags=["org-unit"]
)
@api_view(["PUT", "PATCH"])
def department_resources(request: Request, department_id: int) -> Response:
    """PUT replaces every quota (pools left out get zero), PATCH those named."""
    unit = get_object_or_404(queries.visible_departments(request.user), pk=department_id)
    set_resources(request, unit)
    fresh = visible_departments(request).get(pk=unit.pk)
    return Response({"resources": [resources.entry_of(row) for row in fresh.resources.all()]})
