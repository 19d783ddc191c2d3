"""What the page of one workload says: lines for its panels, made of rows. No queries beyond what it is given."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ui.wording import clock_time, duration, gibibytes, gpus, number
from workloads.kinds import KINDS
from workloads.models import EventKind, PhaseSpan, Workload, WorkloadEvent
from workloads.phases import WAITING, Phase
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


FIGURES = {
    "asked_devices": "GPUs asked for on one node",
    "free_devices": "GPUs free in the pool",
    "largest_hole": "most GPUs free on one node",
    "placeable": "of its pods fit now",
}
"""Numbers of the scheduler in the words of people."""


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


def why(workload: Workload, now: datetime) -> dict[str, Any] | None:
    """The waiting panel, from what the scheduler wrote on the pod; None for a workload that does not wait."""
    if workload.phase not in (*WAITING, Phase.DEGRADED):
        return None
    refusal: Mapping[str, Any] = workload.refusal or {}
    waited = duration((now - workload.phase_since).total_seconds())
    ahead = refusal.get("ahead")
    place = f" · {ahead} ahead in its queue" if isinstance(ahead, int) and ahead > 0 else ""
    return {
        "status": f"Waiting for {waited}{place}",
        "sentence": refusal.get("message") or workload.message or "The scheduler has not looked at it yet.",
        "more": more_of(workload, refusal),
        "figures": figures_of(refusal.get("numbers") or {}),
        "change": change_of(refusal),
        "tally": tally_of(refusal.get("tally") or {}),
        "pool": refusal.get("pool") or (workload.node_pools[0] if workload.node_pools else ""),
        "code": refusal.get("code") or workload.reason,
    }


def more_of(workload: Workload, refusal: Mapping[str, Any]) -> str:
    if workload.last_error:
        return f"{workload.last_error} The submission is kept and sent again."
    interruption = workload.interruption or {}
    if interruption:
        return str(
            interruption.get("message")
            or "It ran before, and its place was taken back. It starts again by itself."
        )
    return "" if refusal else "As soon as the scheduler has tried, it says here what is in the way."


def figures_of(numbers: Mapping[str, Any]) -> list[dict[str, str]]:
    """At most four figures with words for their names; thousandths become units."""
    found = []
    for name, value in list(numbers.items())[:4]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        milli = name.endswith("_milli")
        words = FIGURES.get(name, name.removesuffix("_milli").replace("_", " "))
        found.append({"value": number(value / 1000 if milli else value), "label": words})
    return found


def change_of(refusal: Mapping[str, Any]) -> str:
    change = refusal.get("counterfactual")
    return str(change.get("sentence") or "") if isinstance(change, Mapping) else ""


def tally_of(tally: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Obstacle -> how many nodes, the most frequent first."""
    counted = [(str(name), count) for name, count in tally.items() if isinstance(count, int)]
    counted.sort(key=lambda pair: (-pair[1], pair[0]))
    return [(words_of(name), f"{count} {'node' if count == 1 else 'nodes'}") for name, count in counted]


def words_of(code: str) -> str:
    text = code.replace("_", " ")
    if " " not in text:  # one word in capitals, as Kubernetes writes reasons
        text = "".join(f" {c.lower()}" if c.isupper() and i else c for i, c in enumerate(text))
    return text[:1].upper() + text[1:]


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
