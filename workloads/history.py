"""Writes what happened to a workload: its phase with the spans of the past, and the events people read. Call inside a transaction."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from cluster import clock
from ui import live
from workloads.models import EventKind, PhaseSpan, Workload, WorkloadEvent
from workloads.phases import Phase

Step = tuple[Phase, str, datetime]
"""Phase, reason, entered at (product time)."""
_EVENT_OF_PHASE = {
    Phase.PENDING: "Waiting",
    Phase.INITIALIZING: "Placed",
}
_WARNINGS = frozenset({Phase.FAILED, Phase.DEGRADED, Phase.UNKNOWN})


def begin(workload: Workload) -> None:
    """The first span of a new row."""
    PhaseSpan.objects.create(workload=workload, phase=workload.phase, started_at=workload.created_at)


def move(workload: Workload, steps: Sequence[Step], *, message: str = "") -> None:
    """Lead the row through `steps` (in order, none before the present span) and save it."""
    changed = {"phase", "reason", "message", "updated_at"}
    for phase, reason, at in steps:
        _end_span(workload, at)
        PhaseSpan.objects.create(workload=workload, phase=phase, reason=reason, started_at=at)
        workload.phase, workload.reason, workload.phase_since = phase, reason, at
        changed |= {"phase_since", "pending_seconds", "running_seconds"}
        if phase is Phase.RUNNING and workload.started_at is None:
            workload.started_at = at
            changed.add("started_at")
        tell(
            workload,
            _EVENT_OF_PHASE.get(phase, phase.value),
            message if (phase, at) == (steps[-1][0], steps[-1][2]) else "",
            at=at,
            kind=EventKind.WARNING if phase in _WARNINGS else EventKind.NORMAL,
        )
    workload.message = message[:1000]
    workload.updated_at = clock.now()
    workload.save(update_fields=sorted(changed))
    live.publish("workloads", workload.pk)


def tell(
    workload: Workload,
    reason: str,
    message: str = "",
    *,
    at: datetime | None = None,
    kind: str = EventKind.NORMAL,
    source: str = "portal",
    about: str = "",
    count: int = 1,
) -> None:
    """One line of history; the same line again moves its time and raises its count.

    `count` above 1 is the number of times another recorder has seen it so far.
    """
    moment = at or clock.now()
    message = message[:1024]
    mark = fingerprint(reason, message, source=source, about=about, kind=kind)
    row, created = WorkloadEvent.objects.get_or_create(
        workload=workload,
        fingerprint=mark,
        defaults={
            "kind": kind,
            "reason": reason[:128],
            "message": message,
            "source": source[:128],
            "about": about[:300],
            "first_at": moment,
            "last_at": moment,
            "count": count,
        },
    )
    if not created and moment > row.last_at:
        changes: dict[str, Any] = {"count": count if count > 1 else F("count") + 1, "last_at": moment}
        WorkloadEvent.objects.filter(pk=row.pk).update(**changes)


def fingerprint(reason: str, message: str, *, source: str, about: str, kind: str) -> str:
    """What makes two events the same line."""
    text = "\0".join((reason, message[:1024], source, about, kind))
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _end_span(workload: Workload, at: datetime) -> None:
    held = workload.allocated_gpu_milli
    if not held and workload.phase in (Phase.INITIALIZING, Phase.RUNNING):
        held = workload.requested_gpu_milli  # a phase that passed unseen: in these all its pods are placed
    PhaseSpan.objects.filter(workload=workload, ended_at__isnull=True).update(ended_at=at, gpu_milli=held)
    seconds = max(0.0, (at - workload.phase_since).total_seconds())
    if workload.phase == Phase.PENDING:
        workload.pending_seconds += seconds
    elif workload.phase in (Phase.RUNNING, Phase.DEGRADED):
        workload.running_seconds += seconds
