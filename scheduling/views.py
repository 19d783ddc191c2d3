"""The page on the scheduler for administrators: whether it lives, its last cycles, each decision with its reason."""

from datetime import timedelta
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_GET

from scheduling import queries
from scheduling.models import PoolScheduler, Verdict
from scheduling.tables import DecisionFilters, DecisionTable
from ui.list_pages import ListPage, View
from ui.wording import duration, number

SILENT_AFTER = timedelta(seconds=60)
"""Real time: a scheduler that lives says so every ten seconds."""
CYCLES_SHOWN = 12


@login_required
@require_GET
def scheduler(request: HttpRequest) -> HttpResponseBase:
    person = cast(User, request.user)  # login_required has seen to it
    if not queries.administered_clusters(person):
        raise Http404
    page = ListPage(
        request,
        key="decisions",
        table=DecisionTable,
        rows=queries.visible_decisions(person),
        noun="decision",
        filters=DecisionFilters,
        search=("gang", "pod", "message", "queue", "node"),
        views=[
            View("all", "All", counted=False),
            View("placed", "Placed", lambda rows: rows.filter(verdict=Verdict.BIND), counted=False),
            View("evicted", "Taken back", lambda rows: rows.filter(verdict=Verdict.EVICT), counted=False),
            View("waiting", "Waits", lambda rows: rows.filter(verdict=Verdict.WAIT), counted=False),
        ],
        placeholder="Search workload, pod, reason",
    )
    return page.response(
        "scheduling/scheduler.html",
        {
            "title": "Scheduler",
            "schedulers": [standing(row) for row in queries.visible_schedulers(person)],
            "cycles": list(queries.visible_cycles(person)[:CYCLES_SHOWN]),
        },
    )


def standing(row: PoolScheduler) -> dict[str, Any]:
    """What the page says of one pool's scheduler; real time, since it is about a process."""
    age = timezone.now() - row.last_cycle_at if row.last_cycle_at else None
    silent = age is None or age > SILENT_AFTER
    return {
        "row": row,
        "state": "Not ready" if silent else "Degraded" if row.error else "Ready",
        "last": "never" if age is None else f"{duration(age)} ago",
        "duration": f"{number(row.last_duration_ms, 0)} ms" if row.last_duration_ms else "–",
        "trouble": row.error
        or ("It has not run a cycle for a while; is its worker alive?" if silent else ""),
    }
