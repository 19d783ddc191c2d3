"""Pages of departments."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access.checks import may, require, require_anywhere
from access.errors import InvalidInput
from access.forms import accepted, posted
from access.permissions import Permission
from organization import queries
from organization.forms import DepartmentForm
from organization.models import Department
from organization.services import departments
from organization.services.clusters import set_department_rule
from organization.tables import DepartmentTable
from organization.views.quotas import editor_of, quota_rows
from organization.views.requests import INVALID, cluster_of, person_of
from ui.list_pages import ListPage


@login_required
@require_GET
def department_list(request: HttpRequest) -> HttpResponseBase:
    person = person_of(request)
    page = ListPage(
        request,
        key="departments",
        table=DepartmentTable,
        rows=queries.with_quota_sums(queries.visible_departments(person)),
        noun="department",
        search=("name", "description"),
    )
    tenants = queries.covered_tenants(person, Permission.EDIT_CLUSTERS)
    clusters = queries.covered_clusters(person, Permission.CREATE_DEPARTMENTS)
    return page.response(
        "organization/departments.html", {"may_create": clusters.exists(), "tenants": tenants}
    )


@login_required
@require_GET
def department_detail(request: HttpRequest, department_id: int) -> HttpResponse:
    person = person_of(request)
    department = _visible(request, department_id)
    context = {
        "department": department,
        "department_key": str(department.pk),
        "cells": quota_rows(department),
        "projects": queries.visible_projects(person).filter(department=department).order_by("name"),
        "may_edit": may(person, Permission.EDIT_DEPARTMENTS, on=department.scope),
        "may_delete": may(person, Permission.DELETE_DEPARTMENTS, on=department.scope),
        "may_give": may(person, Permission.EDIT_DEPARTMENTS, on=department.cluster.scope),
        "editor": editor_of(request, person),
        "here": request.path,
    }
    return render(request, "organization/department.html", context)


def _visible(request: HttpRequest, department_id: int) -> Department:
    return get_object_or_404(queries.visible_departments(request.user), pk=department_id)


@login_required
@require_http_methods(["GET", "POST"])
def create_department(request: HttpRequest) -> HttpResponse:
    require_anywhere(request.user, Permission.CREATE_DEPARTMENTS)
    cluster, _ = cluster_of(request)
    form = DepartmentForm(posted(request))
    made: list[Department] = []

    def create(data: dict[str, Any]) -> None:
        if cluster is None:
            raise InvalidInput({"": ["There is no cluster yet: register one first."]})
        made.append(departments.create_department(actor=person_of(request), cluster=cluster, **data))

    if request.method == "POST" and accepted(form, create):
        messages.success(request, f"The department {made[0].name} is made; its quota is zero in every pool.")
        return redirect("organization:department", made[0].pk)
    context = {"form": form, "cluster": cluster}
    return render(
        request, "organization/department_form.html", context, status=INVALID if form.errors else 200
    )


@login_required
@require_http_methods(["GET", "POST"])
def edit_department(request: HttpRequest, department_id: int) -> HttpResponse:
    department = _visible(request, department_id)
    require(request.user, Permission.EDIT_DEPARTMENTS, on=department.scope, place=f"on {department.name}")
    initial = {"name": department.name, "description": department.description}
    form = DepartmentForm(posted(request), initial=initial)

    def save(data: dict[str, Any]) -> None:
        departments.edit_department(actor=person_of(request), department=department, **data)

    if request.method == "POST" and accepted(form, save):
        messages.success(request, f"The department {department.name} is saved.")
        return redirect("organization:department", department.pk)
    context = {"form": form, "department": department}
    return render(
        request, "organization/department_form.html", context, status=INVALID if form.errors else 200
    )


@login_required
@require_POST
def delete_department(request: HttpRequest, department_id: int) -> HttpResponse:
    department = _visible(request, department_id)
    try:
        departments.delete_department(actor=person_of(request), department=department)
    except InvalidInput as refusal:
        context = {"name": department.name, "refusal": str(refusal), "back": "organization:departments"}
        return render(request, "organization/kept.html", context, status=INVALID)
    messages.success(request, f"The department {department.name} is deleted.")
    return redirect("organization:departments")


@login_required
@require_POST
def department_rule(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """Whether project quotas may together exceed their department's."""
    tenant = get_object_or_404(queries.visible_tenants(request.user), pk=tenant_id)
    is_kept = request.POST.get("keep") == "yes"
    set_department_rule(actor=person_of(request), tenant=tenant, projects_within_department=is_kept)
    messages.success(
        request,
        "Project quotas stay within their department's."
        if is_kept
        else "Project quotas may exceed their department's.",
    )
    return redirect("organization:departments")
