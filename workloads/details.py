"""What the page of one workload says: lines for its panels, made of rows. No queries beyond what it is given."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ui.wording import clock_time, duration, gibibytes, gpus, number
from workloads.kinds import KINDS
from workloads.models import EventKind, PhaseSpan, Workload, WorkloadEvent
from workloads.phases import Phase
from workloads.priorities import Preemptibility, label_of

ICON_OF_EVENT = {
    "Submitted": ("plus", "ink"),
    "Waiting": ("clock", "wait"),
    "Placed": ("server", "busy"),
    "Running": ("player-play", "run"),
    "Completed": ("circle-check", "off"),
    "Failed": ("circle-x", "bad"),
    "Stopped": ("player-stop", "off"),
    "Suspending": ("player-stop", "off"),
    "Resuming": ("rotate", "busy"),
    "Deleting": ("trash", "off"),
    "Deleted": ("trash", "off"),
    "Interrupted": ("arrow-back-up", "evict"),
    "Degraded": ("alert-triangle", "wait"),
}


def request_lines(workload: Workload) -> list[dict[str, Any]]:
    """The panel "Request"."""
    spec, pods = workload.spec, workload.requested_pods
    compute = spec.get("compute", {})
    each = gpus(compute.get("gpuDevicesRequest", 0))
    cpu, memory = compute.get("cpuCoreRequest"), workload.requested_memory_bytes // max(1, pods)
    may = "may be interrupted" if workload.preemptibility == Preemptibility.PREEMPTIBLE else "not interrupted"
    lines: list[dict[str, Any]] = [
        {"name": "GPUs", "value": f"{each}, whole devices" if pods == 1 else f"{pods} pods of {each}"},
        {"name": "CPU, memory", "value": f"{number(cpu)} cores, {gibibytes(memory)} a pod"},
        {"name": "Pools", "value": ", then ".join(workload.node_pools)},
        {"name": "Priority", "value": f"{label_of(workload.priority_class)}, {may}"},
        {"name": "Image", "value": workload.image, "mono": True},
    ]
    command = " ".join(part for part in (spec.get("command"), spec.get("args")) if part)
    if command:
        lines.append({"name": "Command", "value": command, "mono": True})
    if spec.get("workingDir"):
        lines.append({"name": "Directory", "value": spec["workingDir"], "mono": True})
    if spec.get("environmentVariables"):
        names = ", ".join(one["name"] for one in spec["environmentVariables"])
        lines.append({"name": "Variables", "value": names, "mono": True})
    return lines


def facts(workload: Workload, now: datetime) -> list[dict[str, Any]]:
    """The panel "State"."""
    open_for = (now - workload.phase_since).total_seconds()
    waited = workload.pending_seconds + (open_for if workload.phase == Phase.PENDING else 0)
    ran = workload.running_seconds + (open_for if workload.phase in (Phase.RUNNING, Phase.DEGRADED) else 0)
    asked, held = workload.requested_gpu_milli / 1000, workload.allocated_gpu_milli / 1000
    return [
        {"name": "GPUs", "value": f"{number(held)} of {number(asked)} held"},
        {"name": "Pods", "value": f"{workload.running_pods} of {workload.requested_pods} run"},
        {"name": "Pool", "value": workload.current_pool or "–"},
        {"name": "Waited", "value": duration(waited)},
        {"name": "Ran", "value": duration(ran)},
        {
            "name": "Submitted",
            "value": f"{clock_time(workload.created_at, now)} with {workload.get_source_display()}",
        },
        {"name": "By", "value": workload.submitted_by},
        {"name": "Id", "value": str(workload.pk), "mono": True},
    ]


def timeline(events: Iterable[WorkloadEvent]) -> list[dict[str, Any]]:
    """Newest first, as {% timeline %} takes it."""
    lines = []
    for event in events:
        icon, family = ICON_OF_EVENT.get(event.reason, ("point", "off"))
        if event.kind == EventKind.WARNING and family == "off":
            icon, family = "alert-triangle", "wait"
        times = f" ({event.count} times)" if event.count > 1 else ""
        lines.append(
            {
                "at": event.last_at,
                "title": title_of(event),
                "text": f"{event.message}{times}",
                "icon": icon,
                "family": family,
            }
        )
    return lines


def title_of(event: WorkloadEvent) -> str:
    """`PodScheduled` as words, and whom it is about."""
    words = "".join(f" {c.lower()}" if c.isupper() and i else c for i, c in enumerate(event.reason))
    return f"{words} · {event.about.partition('/')[2]}" if event.about else words


def spans_lines(spans: Iterable[PhaseSpan], now: datetime) -> list[tuple[str, str, str]]:
    """Phase, when it was entered, how long it lasted."""
    return [
        (span.phase, clock_time(span.started_at, now), duration((span.ended_at or now) - span.started_at))
        for span in spans
    ]


def context_line(workload: Workload, now: datetime) -> str:
    """Below the name: what, where, since when."""
    kind = KINDS[workload.kind].label if workload.kind in KINDS else workload.kind
    age = duration(now - workload.created_at)
    pools = ", then ".join(workload.node_pools)
    return f"{kind} in {workload.project.name} · {pools} · submitted {clock_time(workload.created_at, now)}, {age} ago"
