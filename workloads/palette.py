"""What the frame of every page tells of workloads: how many are active, and what the palette (Ctrl K) finds."""

from django.http import HttpRequest
from django.urls import reverse

from access.checks import Person
from workloads.kinds import KINDS
from workloads.queries import active, visible_workloads

AT_MOST = 8


def find(person: Person, text: str) -> list[dict[str, str]]:
    """Workloads whose name or whose project's name contains the text, the newest first."""
    named = visible_workloads(person).filter(name__icontains=text).order_by("-created_at", "pk")
    return [
        {
            "name": workload.name,
            "kind": f"{KINDS[workload.kind].label} in {workload.project.name}, {workload.phase}",
            "url": reverse("workloads:detail", args=[workload.pk]),
        }
        for workload in named[:AT_MOST]
    ]


def menu_counts(request: HttpRequest) -> dict[str, int]:
    """Beside "Workloads" in the rail: those that run or wait."""
    return {"workloads:list": active(visible_workloads(request.user)).count()}
