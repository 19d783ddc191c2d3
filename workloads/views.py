"""Pages of workloads: the list, one workload with its tabs, and what can be done with them."""

import uuid
from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_POST

from access.checks import may_anywhere
from access.errors import InvalidInput, NotAllowed
from access.permissions import Permission
from cluster import clock
from ui.list_pages import ListPage, View
from workloads import details, live_reads, queries, waiting
from workloads.errors import NotPossibleNow
from workloads.models import Workload
from workloads.services import delete_workload, run_workload, stop_workload
from workloads.tables import WorkloadFilters, WorkloadTable

TABS = ("overview", "events", "pods", "logs", "metrics", "yaml")
TIMELINE_EVENTS = 8
EVENTS_A_PAGE = 200
BULK_AT_MOST = 500


def person_of(request: HttpRequest) -> User:
    return cast(User, request.user)  # login_required has seen to it


@login_required
@require_GET
def workload_list(request: HttpRequest) -> HttpResponseBase:
    page = list_page(request)
    may_submit = may_anywhere(request.user, Permission.SUBMIT_WORKLOADS)
    return page.response("workloads/list.html", {"may_submit": may_submit})


def list_page(request: HttpRequest) -> ListPage:
    person = person_of(request)
    visible = queries.all_visible(person)
    current = [
        View("all", "All", lambda rows: rows.filter(deleted_at__isnull=True)),
        View("mine", "Mine", lambda rows: rows.filter(deleted_at__isnull=True, submitter=person)),
        View("active", "Active", lambda rows: queries.active(rows.filter(deleted_at__isnull=True))),
        View("waiting", "Waiting", lambda rows: queries.waiting(rows.filter(deleted_at__isnull=True))),
        View("finished", "Finished", lambda rows: queries.finished(rows.filter(deleted_at__isnull=True))),
        View("deleted", "Deleted", lambda rows: rows.filter(deleted_at__isnull=False), counted=False),
    ]
    return ListPage(
        request,
        key="workloads",
        table=WorkloadTable,
        rows=visible,
        noun="workload",
        filters=WorkloadFilters,
        search=("name", "image", "submitted_by", "project__name"),
        views=current,
        placeholder="Search name, image, person",
    )


@login_required
@require_GET
def workload_row(request: HttpRequest, workload_id: uuid.UUID) -> HttpResponseBase:
    """One row of the list as it is now, for pages that follow the event stream themselves."""
    get_object_or_404(queries.all_visible(person_of(request)), pk=workload_id)
    return list_page(request).row(str(workload_id))


@login_required
@require_GET
def workload_detail(request: HttpRequest, workload_id: uuid.UUID, tab: str = "overview") -> HttpResponse:
    workload = get_object_or_404(queries.all_visible(person_of(request)), pk=workload_id)
    context = head_of(request, workload, tab)
    target = request.headers.get("HX-Target", "")
    if target == "workload-head":
        return render(request, "workloads/_head.html", context)
    context |= PARTS[tab](request, workload)
    template = "workloads/_body.html" if target == "workload-body" else "workloads/detail.html"
    return render(request, template, context)


def head_of(request: HttpRequest, workload: Workload, tab: str) -> dict[str, Any]:
    now = clock.now()
    waits = waiting.why(workload, now) is not None
    labels = {"overview": "Why waiting" if waits else "Overview", "yaml": "YAML"}
    counts = {"events": queries.history_of(workload).count(), "pods": queries.pods_of(workload).count()}
    tabs = [
        {
            "label": labels.get(name, name.capitalize()),
            "url": address(workload, name),
            "current": name == tab,
            "count": counts.get(name),
        }
        for name in TABS
    ]
    return {
        "workload": workload,
        "tab": tab,
        "tabs": tabs,
        "tab_template": f"workloads/_{tab}.html",
        "actions": queries.actions_of(request.user, workload),
        "context_line": details.context_line(workload, now),
        "is_mine": workload.submitter_id == request.user.pk,
        "refresh_url": request.path,
        "body_url": request.get_full_path(),
    }


def address(workload: Workload, tab: str = "overview") -> str:
    if tab == "overview":
        return reverse("workloads:detail", args=[workload.pk])
    return reverse("workloads:tab", args=[workload.pk, tab])


def overview_part(request: HttpRequest, workload: Workload) -> dict[str, Any]:
    now = clock.now()
    why = waiting.why(workload, now)
    change = why["change"] if why else None
    return {
        "why": why,
        "quota_link": waiting.quota_link(person_of(request), workload, change),
        "quota_giver": waiting.giver_words(change),
        "facts": details.facts(workload, now),
        "request_lines": details.request_lines(workload),
        "timeline": details.timeline(queries.history_of(workload)[:TIMELINE_EVENTS]),
        "spans": details.spans_lines(queries.spans_of(workload), now),
        "figures_url": figures_url(workload),
    }


def events_part(request: HttpRequest, workload: Workload) -> dict[str, Any]:
    rows = queries.history_of(workload)
    kind, words = request.GET.get("kind", ""), request.GET.get("q", "").strip()
    if kind in ("Normal", "Warning"):
        rows = rows.filter(kind=kind)
    if words:
        rows = rows.filter(message__icontains=words) | rows.filter(reason__icontains=words)
    return {"events": details.timeline(rows[:EVENTS_A_PAGE]), "kind": kind, "words": words}


def pods_part(request: HttpRequest, workload: Workload) -> dict[str, Any]:
    return {"pods": queries.pods_of(workload)}


def logs_part(request: HttpRequest, workload: Workload) -> dict[str, Any]:
    pods = list(queries.pods_of(workload)[:20])
    wanted = request.GET.get("pod", "")
    chosen = next((pod for pod in pods if pod.name == wanted), pods[0] if pods else None)
    choices = [
        {"label": pod.name, "url": f"{address(workload, 'logs')}?pod={pod.name}", "current": pod == chosen}
        for pod in pods
    ]
    return {"pods": choices if len(choices) > 1 else [], "pod": chosen}


def metrics_part(request: HttpRequest, workload: Workload) -> dict[str, Any]:
    return {
        "figures_url": figures_url(workload),
        "series": ("gpu-utilisation", "gpu-memory", "cpu", "memory"),
    }


def yaml_part(request: HttpRequest, workload: Workload) -> dict[str, Any]:
    return {"read": live_reads.objects_of(workload)}


PARTS: dict[str, Callable[[HttpRequest, Workload], dict[str, Any]]] = {
    "overview": overview_part,
    "events": events_part,
    "pods": pods_part,
    "logs": logs_part,
    "metrics": metrics_part,
    "yaml": yaml_part,
}


def figures_url(workload: Workload) -> str:
    """Where monitoring draws this workload's charts; empty while nobody offers them."""
    try:
        return reverse("monitoring:workload-figures", args=[workload.pk])
    except NoReverseMatch:
        return ""


@login_required
@require_GET
def log_lines(request: HttpRequest, workload_id: uuid.UUID, pod_id: int) -> HttpResponse:
    """The tail of one pod's log: a fragment of lines, or the text itself for ?format=text."""
    workload = get_object_or_404(queries.all_visible(person_of(request)), pk=workload_id)
    pod = get_object_or_404(queries.pods_of(workload), pk=pod_id)
    read = live_reads.log_of(pod, previous=request.GET.get("previous") == "1")
    if request.GET.get("format") == "text":
        response = HttpResponse(read.text, content_type="text/plain; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{workload.name}_{pod.name}.log"'
        return response
    context = {"lines": read.lines, "state": read.state}
    response = render(request, "ui/_log_lines.html", context)
    response["X-Log-State"] = read.state.encode("ascii", "replace").decode()
    return response


@login_required
@require_GET
def delete_dialog(request: HttpRequest, workload_id: uuid.UUID) -> HttpResponse:
    """The dialog that names what is lost, for the menu of a row."""
    workload = get_object_or_404(queries.visible_workloads(person_of(request)), pk=workload_id)
    return render(request, "workloads/_delete_dialog.html", {"workload": workload})


# --- what can be done ---------------------------------------------------------------------------------------------------------------

VERBS: dict[str, tuple[Callable[..., Workload], str]] = {
    "stop": (stop_workload, "is being stopped"),
    "run": (run_workload, "runs again"),
    "delete": (delete_workload, "is being deleted"),
}


@login_required
@require_POST
def act(request: HttpRequest, workload_id: uuid.UUID, verb: str) -> HttpResponse:
    """One verb on one workload; what is not possible now is said on its page."""
    workload = get_object_or_404(queries.visible_workloads(person_of(request)), pk=workload_id)
    service, words = VERBS[verb]
    try:
        service(person=person_of(request), workload=workload)
    except NotPossibleNow as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{workload.name} {words}.")
    target = reverse("workloads:list") if request.POST.get("back") == "list" else address(workload)
    return HttpResponseRedirect(target)


@login_required
@require_POST
def act_on_many(request: HttpRequest) -> HttpResponse:
    """One verb on the chosen rows; the message counts what was done and says why the others were not."""
    verb = request.POST.get("verb", "")
    if verb not in VERBS:
        raise InvalidInput({"verb": [f"Choose one of {', '.join(VERBS)}."]})
    ids = ids_of(request.POST.getlist("ids"))
    service, words = VERBS[verb]
    done, refused = 0, []
    for workload in queries.visible_workloads(person_of(request)).filter(pk__in=ids):
        try:
            service(person=person_of(request), workload=workload)
            done += 1
        except (NotPossibleNow, NotAllowed) as error:
            refused.append(f"{workload.name}: {error}")
    if done:
        messages.success(request, f"1 workload {words}." if done == 1 else f"{done} workloads: each {words}.")
    for sentence in refused[:5]:
        messages.error(request, sentence)
    return redirect("workloads:list")


def ids_of(texts: list[str]) -> list[uuid.UUID]:
    if len(texts) > BULK_AT_MOST:
        raise InvalidInput({"ids": [f"At most {BULK_AT_MOST} at once; these are {len(texts)}."]})
    found = []
    for text in texts:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue  # no row has such an id
    return found
