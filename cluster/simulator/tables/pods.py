"""The row of a pod: what is ready, and one word for its state. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cluster.simulator.tables.ages import age

NONE = "<none>"
NODE_LOST = "NodeLost"
Document = dict[str, Any]


def pod_cells(pod: Document, now: datetime) -> list[Any]:
    """Name, Ready, Status, Restarts, Age, IP, Node, Nominated Node, Readiness Gates."""
    spec, status, metadata = pod.get("spec", {}), pod.get("status", {}), pod["metadata"]
    statuses = status.get("containerStatuses") or []
    sidecars = _sidecars(pod)
    ready = sum(bool(entry.get("ready")) for entry in statuses)
    ready += sum(
        entry.get("name") in sidecars and bool(entry.get("started")) and bool(entry.get("ready"))
        for entry in status.get("initContainerStatuses") or []
    )
    addresses = status.get("podIPs") or []
    ip = addresses[0].get("ip") if addresses else status.get("podIP")
    return [
        metadata["name"],
        f"{ready}/{len(spec.get('containers', [])) + len(sidecars)}",
        pod_reason(pod),
        _restarts(pod, now),
        age(metadata.get("creationTimestamp"), now),
        ip or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(spec, status),
    ]


def _sidecars(pod: Document) -> set[str]:
    """Names of the init containers that go on running beside the containers."""
    initials = pod.get("spec", {}).get("initContainers") or []
    return {entry["name"] for entry in initials if entry.get("restartPolicy") == "Always"}


def pod_reason(pod: Document) -> str:
    """The word kubectl shows as a pod's status."""
    status, metadata = pod.get("status", {}), pod["metadata"]
    reason = str(status.get("reason") or status.get("phase") or "Unknown")
    if any(
        c.get("type") == "PodScheduled" and c.get("reason") == "SchedulingGated"
        for c in status.get("conditions") or []
    ):
        reason = "SchedulingGated"
    reason = _starting_reason(pod) or _running_reason(pod, reason)
    if metadata.get("deletionTimestamp"):
        if status.get("reason") == NODE_LOST:
            return "Unknown"
        if status.get("phase") not in ("Succeeded", "Failed"):
            return "Terminating"
    return reason


def _starting_reason(pod: Document) -> str:
    """What the init containers are doing, empty once they are through."""
    initials = pod.get("spec", {}).get("initContainers", [])
    lasting = _sidecars(pod)
    for index, entry in enumerate(pod.get("status", {}).get("initContainerStatuses") or []):
        state = entry.get("state", {})
        ended, waiting = state.get("terminated"), state.get("waiting")
        if (ended and ended.get("exitCode", 0) == 0) or (
            entry.get("name") in lasting and entry.get("started")
        ):
            continue
        if ended:
            return f"Init:{_end_word(ended)}"
        if waiting and waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{len(initials)}"
    return ""


def _running_reason(pod: Document, reason: str) -> str:
    running_and_ready = False
    for entry in reversed(pod.get("status", {}).get("containerStatuses") or []):
        state = entry.get("state", {})
        waiting, ended = state.get("waiting"), state.get("terminated")
        if waiting and waiting.get("reason"):
            reason = waiting["reason"]
        elif ended:
            reason = _end_word(ended)
        elif entry.get("ready") and state.get("running"):
            running_and_ready = True
    if reason == "Completed" and running_and_ready:
        conditions = pod["status"].get("conditions") or []
        is_ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
        return "Running" if is_ready else "NotReady"
    return reason


def _end_word(ended: Document) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _restarts(pod: Document, now: datetime) -> str:
    """The number of restarts, and how long ago the last one was."""
    entries = list(_statuses(pod))
    total = sum(entry.get("restartCount", 0) for entry in entries)
    ends = [entry.get("lastState", {}).get("terminated", {}).get("finishedAt") for entry in entries]
    latest = max((end for end in ends if end), default=None)
    return f"{total} ({age(latest, now)} ago)" if total and latest else str(total)


def _statuses(pod: Document) -> Iterator[Document]:
    status = pod.get("status", {})
    lasting = _sidecars(pod)
    starting = bool(_starting_reason(pod))
    for entry in status.get("initContainerStatuses") or []:
        if starting or entry.get("name") in lasting:
            yield entry
    if not starting:
        yield from status.get("containerStatuses") or []


def _gates(spec: Document, status: Document) -> str:
    gates = spec.get("readinessGates") or []
    if not gates:
        return NONE
    true = {c["type"] for c in status.get("conditions") or [] if c.get("status") == "True"}
    return f"{sum(gate['conditionType'] in true for gate in gates)}/{len(gates)}"
