"""Pages of projects: the table of quotas, one project with its members, and what can be done with it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access import queries as access_queries
from access import scope_names
from access.checks import may, require, require_anywhere
from access.errors import InvalidInput
from access.forms import accepted, add_errors, posted
from access.permissions import Permission
from access.roles import ROLES
from access.scopes import ancestors
from organization import queries, quota_table
from organization.forms import MemberForm, MoveForm, ProjectEditForm, ProjectForm
from organization.models import Project
from organization.services import members, projects
from organization.views.quotas import editor_of, quota_rows
from organization.views.requests import INVALID, choices, cluster_of, person_of
from ui.csv_files import csv_response


@login_required
@require_GET
def project_list(request: HttpRequest) -> HttpResponseBase:
    person = person_of(request)
    cluster, clusters = cluster_of(request)
    if cluster is None:
        return render(request, "organization/no_project.html")
    search = request.GET.get("q", "").strip()
    dimension = request.GET.get("unit", "gpu")
    table = quota_table.build(person, cluster, dimension=dimension, search=search)
    if request.GET.get("format") == "csv":
        return csv_response("projects", iter(quota_table.csv_rows(table)))
    context = {
        "table": table,
        "summary": table.words(cluster.name),
        "cluster": cluster,
        "clusters": choices(request, clusters, cluster),
        "units": _units(request, table),
        "search": search,
        "csv_link": _link(request, format="csv"),
        "here": _link(request, edit=None, pool=None),
        "may_create": queries.visible_departments(person, Permission.CREATE_PROJECTS).exists(),
        "editor": editor_of(request, person),
        "sees_departments": queries.visible_departments(person).exists(),
    }
    return render(request, "organization/projects.html", context)


def _link(request: HttpRequest, **changes: str | None) -> str:
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _units(request: HttpRequest, table: quota_table.QuotaTable) -> list[dict[str, Any]]:
    words = (("gpu", "GPU"), ("cpu", "CPU"), ("memory", "Memory"))
    return [
        {
            "label": label,
            "url": _link(request, unit=key, edit=None, pool=None),
            "current": table.dimension.field == key,
        }
        for key, label in words
    ]


@login_required
@require_GET
def project_detail(request: HttpRequest, project_id: int) -> HttpResponse:
    return _detail(request, _visible(request, project_id), MemberForm())


def _visible(request: HttpRequest, project_id: int) -> Project:
    return get_object_or_404(queries.visible_projects(request.user), pk=project_id)


def _detail(request: HttpRequest, project: Project, form: MemberForm) -> HttpResponse:
    person = person_of(request)
    may_see_access = may(person, Permission.VIEW_ACCESS, on=project.scope)
    rules = list(access_queries.rules_on(ancestors(project.scope))) if may_see_access else []
    names = scope_names.names_of({rule.scope for rule in rules})
    may_give = may(person, Permission.EDIT_PROJECTS, on=project.department.scope)
    context = {
        "project": project,
        "project_key": str(project.pk),
        "cells": quota_rows(project),
        "members": [
            (rule, ROLES[rule.role].label, names[rule.scope], rule.scope == project.scope) for rule in rules
        ],
        "may_see_members": may_see_access,
        "may_edit_members": may(person, Permission.EDIT_ACCESS, on=project.scope),
        "may_edit": may(person, Permission.EDIT_PROJECTS, on=project.scope),
        "may_delete": may(person, Permission.DELETE_PROJECTS, on=project.scope),
        "may_give": may_give,
        "may_move": may_give,
        "form": form,
        "editor": editor_of(request, person),
        "here": request.path,
    }
    return render(request, "organization/project.html", context, status=INVALID if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def create_project(request: HttpRequest) -> HttpResponse:
    require_anywhere(request.user, Permission.CREATE_PROJECTS)
    departments = queries.visible_departments(request.user, Permission.CREATE_PROJECTS).order_by("name")
    form = ProjectForm(posted(request), departments=departments, initial=request.GET.dict())
    made: list[Project] = []

    def create(data: dict[str, Any]) -> None:
        made.append(projects.create_project(actor=person_of(request), **data))

    if request.method == "POST" and accepted(form, create):
        messages.success(request, f"The project {made[0].name} is made; its quota is zero in every pool.")
        return redirect("organization:project", made[0].pk)
    context = {"form": form, "has_departments": departments.exists()}
    return render(request, "organization/project_new.html", context, status=INVALID if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def edit_project(request: HttpRequest, project_id: int) -> HttpResponse:
    project = _visible(request, project_id)
    require(request.user, Permission.EDIT_PROJECTS, on=project.scope, place=f"on the project {project.name}")
    initial = {"description": project.description, "default_node_pools": project.default_node_pools}
    form = ProjectEditForm(posted(request), project=project, initial=initial)

    def save(data: dict[str, Any]) -> None:
        projects.edit_project(actor=person_of(request), project=project, **data)

    if request.method == "POST" and accepted(form, save):
        messages.success(request, f"The project {project.name} is saved.")
        return redirect("organization:project", project.pk)
    context = {"form": form, "project": project}
    return render(request, "organization/project_edit.html", context, status=INVALID if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def move_project(request: HttpRequest, project_id: int) -> HttpResponse:
    project = _visible(request, project_id)
    department = project.department
    require(
        request.user,
        Permission.EDIT_PROJECTS,
        on=department.scope,
        place=f"on the department {department.name}",
    )
    others = queries.visible_departments(request.user, Permission.EDIT_PROJECTS).filter(
        cluster=project.cluster
    )
    form = MoveForm(posted(request), departments=others.exclude(pk=department.pk).order_by("name"))

    def move(data: dict[str, Any]) -> None:
        projects.move_project(actor=person_of(request), project=project, department=data["department"])

    if request.method == "POST" and accepted(form, move):
        messages.success(request, f"{project.name} now belongs to {project.department.name}.")
        return redirect("organization:project", project.pk)
    project.department = department  # a refused move has changed the object, not the row
    context = {"form": form, "project": project}
    return render(request, "organization/project_move.html", context, status=INVALID if form.errors else 200)


@login_required
@require_POST
def delete_project(request: HttpRequest, project_id: int) -> HttpResponse:
    """The form carries the project's name, typed by the person: it is the one thing that cannot be undone."""
    project = _visible(request, project_id)
    require(
        request.user, Permission.DELETE_PROJECTS, on=project.scope, place=f"on the project {project.name}"
    )
    name = project.name
    try:
        if request.POST.get("name", "").strip() != name:
            raise InvalidInput({"": [f"Type {name} to delete it; nothing was deleted."]})
        projects.delete_project(actor=person_of(request), project=project)
    except InvalidInput as refusal:
        context = {
            "project": project,
            "sentences": [text for texts in refusal.errors.values() for text in texts],
        }
        return render(request, "organization/project_kept.html", context, status=INVALID)
    messages.success(request, f"The project {name} is deleted; its namespace stays in the cluster.")
    return redirect("organization:projects")


@login_required
@require_POST
def add_member(request: HttpRequest, project_id: int) -> HttpResponse:
    project = _visible(request, project_id)
    form = MemberForm(request.POST)

    def add(data: dict[str, Any]) -> None:
        members.add_member(actor=person_of(request), project=project, **data)

    if accepted(form, add):
        messages.success(request, f"{form.cleaned_data['email']} is now a member of {project.name}.")
        return redirect("organization:project", project.pk)
    require(request.user, Permission.EDIT_ACCESS, on=project.scope, place=f"on the project {project.name}")
    return _detail(request, project, form)


@login_required
@require_POST
def remove_member(request: HttpRequest, project_id: int, rule_id: int) -> HttpResponse:
    project = _visible(request, project_id)
    rule = get_object_or_404(access_queries.visible_rules(request.user), pk=rule_id, scope=project.scope)
    form = MemberForm()
    try:
        members.remove_member(actor=person_of(request), project=project, rule=rule)
    except InvalidInput as refusal:
        form = MemberForm({"email": rule.user.email, "role": rule.role})
        form.is_valid()
        add_errors(form, refusal)
        return _detail(request, project, form)
    messages.success(request, f"{rule.user.email} is no longer {ROLES[rule.role].label} of {project.name}.")
    return redirect("organization:project", project.pk)
