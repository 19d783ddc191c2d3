"""Pages and figures of monitoring: the overview, its charts as JSON and CSV, one workload's figures, one node's, the health of collecting."""

import uuid
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from access.checks import may, may_anywhere
from access.errors import InvalidInput
from access.permissions import Permission
from cluster import clock
from monitoring import figures, gpu_grid, health, nodes, queries
from monitoring.charts import rows
from monitoring.overview import context_line, overview
from monitoring.queries import Sight
from monitoring.ranges import LABELS, RangeWrong, TimeRange, read_range
from monitoring.tiles import stale_after
from organization.queries import visible_nodes
from ui.csv_files import csv_response
from workloads.queries import all_visible


def person_of(request: HttpRequest) -> User:
    return cast(User, request.user)  # login_required has seen to it


def range_of(request: HttpRequest) -> TimeRange:
    try:
        return read_range(request.GET.dict(), clock.now())
    except RangeWrong as error:
        raise InvalidInput({error.field: [str(error)]}) from error


def sight_of(request: HttpRequest, sights: list[Sight] | None = None) -> Sight | None:
    """The cluster named in the address, else the first one the person sees; None when they see none."""
    sights = queries.sights_of(person_of(request)) if sights is None else sights
    wanted = request.GET.get("cluster")
    if wanted:
        found = next((sight for sight in sights if str(sight.cluster.pk) == wanted), None)
        if found is None:
            raise Http404
        return found
    return sights[0] if sights else None


@login_required
@require_GET
def overview_page(request: HttpRequest) -> HttpResponse:
    sights = queries.sights_of(person_of(request))
    sight = sight_of(request, sights)
    if sight is None:
        return render(request, "monitoring/nothing.html", {"title": "Overview"})
    person, now, range_ = person_of(request), clock.now(), range_of(request)
    sees_nodes = may(person, Permission.VIEW_NODES, on=sight.cluster.scope)
    context = {
        "title": "Overview",
        "overview": overview(person, sight, now=now, sees_nodes=sees_nodes),
        "grid": grid_of(request, sight),
        "sight": sight,
        "context": context_line(sight, range_),
        "ranges": range_choices(request, range_),
        "clusters": cluster_choices(sights, sight),
        "charts": chart_addresses(sight, range_),
        "hint": f"GPUs, {queries.Window.of(range_, now).step_words()}",
        "legend": gpu_grid.LEGEND,
        "grid_url": f"{reverse('monitoring:grid')}?cluster={sight.cluster.pk}",
        "may_submit": may_anywhere(person, Permission.SUBMIT_WORKLOADS),
    }
    return render(request, "monitoring/overview.html", context)


def range_choices(request: HttpRequest, range_: TimeRange) -> list[dict[str, Any]]:
    kept = f"&cluster={request.GET['cluster']}" if request.GET.get("cluster") else ""
    choices = [
        {"label": label, "url": f"?range={key}{kept}", "current": range_.preset == key}
        for key, label in LABELS.items()
    ]
    if not range_.preset:
        choices.append({"label": range_.label(), "url": f"?{range_.query()}{kept}", "current": True})
    return choices


def cluster_choices(sights: list[Sight], sight: Sight) -> list[dict[str, Any]]:
    """Nothing to choose with one cluster."""
    if len(sights) < 2:
        return []
    return [
        {
            "label": one.cluster.name,
            "url": f"?cluster={one.cluster.pk}",
            "current": one.cluster.pk == sight.cluster.pk,
        }
        for one in sights
    ]


def chart_addresses(sight: Sight, range_: TimeRange) -> dict[str, dict[str, str]]:
    query = f"{range_.query()}&cluster={sight.cluster.pk}"
    return {
        name.replace("-", "_"): {
            "json": f"{reverse('monitoring:chart', args=[name])}?{query}",
            "csv": f"{reverse('monitoring:chart-csv', args=[name])}?{query}",
        }
        for name in figures.OVERVIEW
    }


def grid_of(request: HttpRequest, sight: Sight) -> Any:
    person = person_of(request)
    return gpu_grid.grid(
        sight,
        person_id=person.pk,
        now=clock.now(),
        stale_after=stale_after(),
        shows_nodes=may(person, Permission.VIEW_NODES, on=sight.cluster.scope),
    )


@login_required
@require_GET
def grid(request: HttpRequest) -> HttpResponse:
    """The GPU grid alone, fetched again while it is looked at."""
    sight = sight_of(request)
    if sight is None:
        raise Http404
    context = {
        "grid": grid_of(request, sight),
        "legend": gpu_grid.LEGEND,
        "sight": sight,
        "grid_url": f"{reverse('monitoring:grid')}?cluster={sight.cluster.pk}",
    }
    return render(request, "monitoring/_grid.html", context)


@login_required
@require_GET
def chart(request: HttpRequest, name: str) -> JsonResponse:
    """A chart of the overview as a figure."""
    drawn = overview_chart(request, name)
    return JsonResponse(drawn.figure())


@login_required
@require_GET
def chart_csv(request: HttpRequest, name: str) -> HttpResponseBase:
    drawn = overview_chart(request, name)
    headings, body = rows(drawn.lines)
    return csv_response(name, [headings, *body])


def overview_chart(request: HttpRequest, name: str) -> figures.Drawn:
    sight, draw = sight_of(request), figures.OVERVIEW.get(name)
    if sight is None or draw is None:
        raise Http404
    return draw(sight, queries.Window.of(range_of(request), clock.now()))


@login_required
@require_GET
def workload_figures(request: HttpRequest, workload_id: uuid.UUID) -> HttpResponseBase:
    """`?series=` gpu-utilisation, gpu-memory, gpu-power, cpu or memory; `?format=csv` gives the same numbers as a table."""
    workload = get_object_or_404(all_visible(person_of(request)), pk=workload_id)
    draw = figures.WORKLOAD.get(request.GET.get("series", "gpu-utilisation"))
    if draw is None:
        raise Http404
    now = clock.now()
    if any(request.GET.get(name) for name in ("from", "to", "range")):
        range_ = range_of(request)
    else:
        range_ = figures.life_of(workload, now)
    return answer(request, draw(workload.pk, queries.Window.of(range_, now)), f"{workload.name}-metrics")


@login_required
@require_GET
def node_page(request: HttpRequest, cluster_id: uuid.UUID, node: str) -> HttpResponse:
    """One node: its GPUs as they were read last, who holds them, and its charts."""
    person = person_of(request)
    row = get_object_or_404(visible_nodes(person), cluster=cluster_id, name=node)
    sight = next(one for one in queries.sights_of(person) if one.cluster.pk == cluster_id)
    range_ = range_of(request)
    address = reverse("monitoring:node-figures", args=[cluster_id, node])
    context = {
        "title": row.name,
        "node": row,
        "shown": nodes.node_now(sight, row, person_id=person.pk, now=clock.now()),
        "ranges": range_choices(request, range_),
        "charts": [
            {"title": kind.what, "unit": kind.axis.unit, "url": f"{address}?series={name}&{range_.query()}"}
            for name, kind in figures.NODE_KINDS.items()
        ],
        "steps": queries.Window.of(range_, clock.now()).step_words(),
    }
    return render(request, "monitoring/node.html", context)


@login_required
@require_GET
def node_figures(request: HttpRequest, cluster_id: uuid.UUID, node: str) -> HttpResponseBase:
    """`?series=` gpu-utilisation, gpu-memory, gpu-temperature, gpu-power, cpu or memory."""
    row = get_object_or_404(visible_nodes(person_of(request)), cluster=cluster_id, name=node)
    draw = figures.NODE.get(request.GET.get("series", "gpu-utilisation"))
    if draw is None:
        raise Http404
    window = queries.Window.of(range_of(request), clock.now())
    return answer(request, draw(row.cluster, row.name, window), f"{row.name}-metrics")


def answer(request: HttpRequest, drawn: figures.Drawn, name: str) -> HttpResponseBase:
    if request.GET.get("format") == "csv":
        headings, body = rows(drawn.lines)
        return csv_response(name, [headings, *body])
    return JsonResponse(drawn.figure())


@login_required
@require_GET
def health_page(request: HttpRequest) -> HttpResponse:
    """Of the clusters the person has a right on as a whole: what is measured, and what is not and why."""
    found = [
        health.health_of(sight, clock.now()) for sight in queries.sights_of(person_of(request)) if sight.whole
    ]
    if not found:
        raise Http404
    return render(request, "monitoring/health.html", {"title": "Metrics collection", "clusters": found})
