"""The page that submits a workload, and its preview."""

import json
import secrets
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from access.errors import InvalidInput, NotAllowed
from cluster import clock, labels
from organization.models import Project
from workloads import queries
from workloads.custom_resources import Identity, to_custom_resource
from workloads.effects import effect_of
from workloads.form_values import fresh_initial, initial_of
from workloads.forms import SubmitForm
from workloads.kinds import KINDS
from workloads.live_reads import as_yaml
from workloads.services import copied_spec, free_name, submit_workload
from workloads.spec import WorkloadSpec
from workloads.views import person_of


@login_required
@require_http_methods(["GET", "POST"])
def submit(request: HttpRequest) -> HttpResponse:
    """An empty form, one filled from another workload (?copy=id), or what was filled in with what is wrong with it."""
    person = person_of(request)
    if not queries.projects_to_submit_to(person).exists():
        raise NotAllowed(
            "You may not submit workloads in any project. A project's administrator can add you."
        )
    if request.method == "GET":
        form = SubmitForm(person=person, initial=starting_values(request))
        return render(request, "workloads/submit.html", {"form": form, "preview": preview_of(request, form)})
    form = SubmitForm(request.POST, person=person)
    spec = form.checked()
    if spec is not None:
        try:
            workload = submit_workload(submitter=person, project=form.cleaned_data["project"], spec=spec)
        except InvalidInput as error:
            form.show(error)
        else:
            return redirect("workloads:detail", workload_id=workload.pk)
    unchecked = SubmitForm(request.POST, person=person)  # what has an error is no longer in the cleaned data
    context = {"form": form, "preview": preview_of(request, unchecked)}
    return render(request, "workloads/submit.html", context, status=422)


@login_required
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The right column for what is filled in so far."""
    form = SubmitForm(request.POST, person=person_of(request))
    return render(request, "workloads/_preview.html", {"preview": preview_of(request, form)})


def starting_values(request: HttpRequest) -> dict[str, Any]:
    person = person_of(request)
    projects = queries.projects_to_submit_to(person)
    if "copy" in request.GET:
        try:
            source = get_object_or_404(queries.all_visible(person), pk=request.GET["copy"])
        except ValidationError as error:  # no id at all
            raise Http404 from error
        copied = copied_spec(source)
        return initial_of(copied["name"], copied["spec"], source.project_id)
    wanted = request.GET.get("project", "")
    project = projects.filter(name=wanted).first() or projects.first()
    return fresh_initial(suggested_name(person.first_name or "train", project), project)


def suggested_name(word: str, project: Project | None) -> str:
    """`ada-train-4f2`: short, valid, free."""
    letters = "".join(c for c in word.lower() if c.isascii() and c.isalpha())[:20]
    name = f"{letters or 'my'}-train-{secrets.token_hex(2)[:3]}"
    return free_name(project, name) if project else name


def preview_of(request: HttpRequest, form: SubmitForm) -> dict[str, Any]:
    """{"effect", "yaml", "api", "problems"}; problems count what is to be corrected, in words."""
    if not form.is_bound:
        filled = SubmitForm(form.initial, person=person_of(request))
        return preview_of(request, filled)
    form.is_valid()
    project = form.cleaned_data.get("project")
    try:
        spec = form.to_spec()
    except InvalidInput as error:
        sentences = [text for texts in error.errors.values() for text in texts]
        return {"problems": sentences, "effect": None, "yaml": "", "api": ""}
    if project is None:
        return {"problems": ["Choose a project."], "effect": None, "yaml": "", "api": ""}
    kind = KINDS[spec.kind]
    document = to_custom_resource(spec, preview_identity(project, spec, request), kind)
    del document["metadata"]["annotations"][labels.CREATED]
    del document["metadata"]["labels"]["runai.io/workload-id"]  # comes with the submission
    body = {
        "name": spec.name,
        "projectId": str(project.pk),
        "clusterId": str(project.cluster_id),
        "spec": spec.to_json(),
    }
    return {
        "problems": [],
        "project": project.name,
        "effect": effect_of(project, spec),
        "yaml": as_yaml(document),
        "api": f"POST /api/v1/workloads/{kind.plural}\n{json.dumps(body, indent=2)}",
    }


def preview_identity(project: Project, spec: WorkloadSpec, request: HttpRequest) -> Identity:
    return Identity(
        workload_id="",
        name=spec.name,
        namespace=project.namespace,
        project=project.name,
        project_id=str(project.pk),
        department_id=str(project.department_id),
        tenant_id=str(project.cluster.tenant_id),
        cluster_id=str(project.cluster_id),
        submitted_by=person_of(request).get_username(),
        created=clock.now(),
    )
