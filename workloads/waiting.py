"""Why a workload waits and why it lost its place, as its page tells it; from what the scheduler wrote on the pods."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse

from access.checks import Person, may
from access.permissions import Permission
from organization.models import Department, NodePool, Project
from ui.wording import duration, gibibytes, gpus, number
from workloads.models import Workload
from workloads.phases import WAITING, Phase

Json = Mapping[str, Any]
Figure = dict[str, str]

COUNTS = {
    "asked_devices": "GPUs asked for on one node",
    "free_devices": "GPUs free in the pool",
    "largest_hole": "most GPUs free on one node",
    "tasks": "pods that must start together",
    "placeable": "of its pods fit now",
    "present": "pods exist",
    "minimum": "pods needed at least",
    "seconds": "seconds until the next try",
}
AMOUNTS = {
    "asked": "asked for",
    "quota": "quota",
    "held_non_preemptible": "held by uninterruptible work",
    "limit": "limit",
    "allocated": "held",
    "deserved": "quota",
    "fair_share": "fair share",
}
"""In the resource that `unit` names: 0 thousandths of a GPU, 1 of a core, 2 bytes."""
PRIORITIES = {"priority": "its priority", "beneficiary_priority": "priority of the other"}
FIGURES_AT_MOST = 4
QUOTA_CHANGES = ("more-quota", "more-limit")


def why(workload: Workload, now: datetime) -> dict[str, Any] | None:
    """The waiting panel; None for a workload that does not wait."""
    if workload.phase not in (*WAITING, Phase.DEGRADED):
        return None
    refusal: Json = workload.refusal or {}
    waited = duration((now - workload.phase_since).total_seconds())
    ahead = refusal.get("ahead")
    place = f" · {ahead} ahead in its queue" if isinstance(ahead, int) and ahead > 0 else ""
    verb = "Waiting" if workload.phase != Phase.DEGRADED else "Incomplete"
    return {
        "status": f"{verb} for {waited}{place}",
        "sentence": refusal.get("message") or workload.message or "The scheduler has not looked at it yet.",
        "more": more_of(workload, refusal),
        "figures": figures_of(refusal.get("numbers")),
        "change": change_of(refusal),
        "tally": tally_of(refusal.get("tally")),
        "pool": pool_of(workload, refusal),
        "code": refusal.get("code") or workload.reason,
        "lost": lost(workload),
    }


def pool_of(workload: Workload, refusal: Json) -> str:
    """Empty where the tally is about several pools: each of its lines names its own."""
    if len(workload.node_pools) > 1:
        return ""
    return str(refusal.get("pool") or (workload.node_pools[0] if workload.node_pools else ""))


def more_of(workload: Workload, refusal: Json) -> str:
    if workload.last_error:
        return f"{workload.last_error} The submission is kept and sent again."
    if workload.lost_place or refusal:
        return ""
    return "As soon as the scheduler has tried, it says here what is in the way."


def lost(workload: Workload) -> dict[str, Any] | None:
    """Why its place was taken back, with the numbers of the rule; None when it was not, or runs again."""
    said = workload.lost_place
    if said is None:
        return None
    sentence = str(said.get("message") or "The place of one of its pods was taken back.")
    return {
        "sentence": f"{sentence} It starts again by itself as soon as there is room.",
        "figures": figures_of(said.get("numbers")),
    }


def figures_of(numbers: object) -> list[Figure]:
    """At most four figures, in the units of people; numbers without words, or said twice, are left out."""
    if not isinstance(numbers, Mapping):
        return []
    names = [name for name in (*AMOUNTS, *COUNTS, *PRIORITIES) if name in numbers]
    if "asked" in names and numbers.get("unit") == 0 and "asked_devices" in names:
        names.remove("asked_devices")
    found = [_figure(name, numbers[name], numbers.get("unit")) for name in names]
    return [one for one in found if one is not None][:FIGURES_AT_MOST]


def _figure(name: str, value: object, unit: object) -> Figure | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if name in COUNTS:
        return {"value": number(value), "label": COUNTS[name]}
    if name in PRIORITIES:
        return {"value": number(value), "label": PRIORITIES[name]}
    if name in AMOUNTS and unit in (0, 1, 2):
        words = _amount(value, int(unit)) if value >= 0 else "unlimited"
        return {"value": words, "label": AMOUNTS[name]}
    return None


def _amount(value: float, unit: int) -> str:
    if unit == 2:
        return gibibytes(int(value))
    return gpus(value / 1000) if unit == 0 else f"{number(value / 1000)} cores"


def change_of(refusal: Json) -> dict[str, str] | None:
    """The smallest change that was seen to start it: its sentence, kind, and the queue or constraint it is about."""
    change = refusal.get("counterfactual")
    if not isinstance(change, Mapping) or not change.get("sentence"):
        return None
    return {name: str(change.get(name) or "") for name in ("sentence", "kind", "subject")}


def quota_link(person: Person, workload: Workload, change: Mapping[str, str] | None) -> str:
    """Where the person may give the quota that is missing; empty for who may not, and for changes of another kind."""
    if change is None or change["kind"] not in QUOTA_CHANGES:
        return ""
    project: Project = workload.project
    department: Department = project.department
    is_projects = change["subject"] == project.name
    unit = f"project-{project.pk}" if is_projects else f"department-{department.pk}"
    permission = Permission.EDIT_PROJECTS if is_projects else Permission.EDIT_DEPARTMENTS
    if not may(person, permission, on=department.scope if is_projects else workload.cluster.scope):
        return ""
    said = (workload.refusal or {}).get("pool")
    pool = (
        NodePool.objects.filter(cluster_id=workload.cluster_id, name=said)
        .values_list("pk", flat=True)
        .first()
    )
    page = reverse("organization:projects")
    return f"{page}?edit={unit}{f'&pool={pool}' if pool else ''}#edited"


def giver_words(change: Mapping[str, str] | None) -> str:
    """Who can do it, for a person who cannot."""
    if change is None or change["kind"] not in QUOTA_CHANGES:
        return ""
    return f"Who administers what is above {change['subject']} can give it."


def tally_of(tally: object) -> list[tuple[str, str]]:
    """Obstacle -> how many nodes, the most frequent first."""
    if not isinstance(tally, Mapping):
        return []
    counted = [(str(name), count) for name, count in tally.items() if isinstance(count, int)]
    counted.sort(key=lambda pair: (-pair[1], pair[0]))
    return [(words_of(name), f"{count} {'node' if count == 1 else 'nodes'}") for name, count in counted]


def words_of(code: str) -> str:
    text = code.replace("_", " ")
    if " " not in text:  # one word in capitals, as Kubernetes writes reasons
        text = "".join(f" {c.lower()}" if c.isupper() and i else c for i, c in enumerate(text))
    return text[:1].upper() + text[1:]
