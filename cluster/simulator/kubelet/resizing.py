"""Pods that are to have more or less CPU and memory while they run. Used under the roster's lock.

As the kubelet's allocation manager does it (kubernetes/pkg/kubelet/allocation): what a node has room for is given at once,
anything else is put off and looked at again when others give something back. What a pod has stands in its status, so
that a restarted kubelet knows it.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cluster.documents import Document, condition_of, format_time, parse_time
from cluster.simulator.kubelet.lives import Allocation, Deferred, NodeAgent, PodLife, Telling
from cluster.simulator.kubelet.requests import amount_of, requests_of, too_much
from cluster.simulator.limits.pod_totals import containers_of
from cluster.simulator.shapes import capacity_of
from cluster.simulator.stages import SIGTERM_EXIT, Event, crash, is_over

PENDING = "PodResizePending"
_PUT_OFF: Event = ("Warning", "ResizeDeferred", "{detail}")
_BEGUN: Event = ("Normal", "ResizeStarted", "{detail}")
_CARRIED_OUT: Event = ("Normal", "ResizeCompleted", "{detail}")


def wanted_by(pod: Mapping[str, Any]) -> Allocation:
    return {str(one["name"]): one.get("resources") or {} for one in containers_of(pod["spec"])}


def allocation_of(pod: Mapping[str, Any]) -> Allocation:
    """What its status says it was given; what it asks for where that says nothing."""
    shown = {
        str(one["name"]): one["resources"]
        for key in ("containerStatuses", "initContainerStatuses")
        for one in (pod.get("status") or {}).get(key) or []
        if one.get("resources") is not None
    }
    return {**wanted_by(pod), **shown}


def deferred_of(pod: Mapping[str, Any]) -> Deferred | None:
    """The resize that is put off by what its status says."""
    told = condition_of(pod, PENDING)
    if told is None:
        return None
    generation = int(told.get("observedGeneration") or 0)  # type: ignore[call-overload]  # newer than our conditions
    return Deferred(told.get("message", ""), generation, parse_time(told["lastTransitionTime"]))


def with_allocation(pod: Mapping[str, Any], allocation: Allocation) -> Document:
    """The pod as if it asked for what it has."""
    spec = {
        key: [{**one, "resources": allocation.get(one["name"], {})} for one in pod["spec"].get(key) or []]
        for key in ("containers", "initContainers")
    }
    return {**pod, "spec": {**pod["spec"], **spec}}


def resize(agent: NodeAgent, record: PodLife, now: datetime) -> bool:
    """Give the pod what it asks for, or put that off; whether anything changed."""
    wanted = wanted_by(record.pod)
    if is_over(record.state):
        return False
    if wanted == record.allocation:
        had, record.deferred = record.deferred, None
        return had is not None
    refusal = _no_room(agent, record)
    if refusal is not None:
        return _put_off(record, *refusal, now)
    restarts = _needs_restart(record, wanted)
    record.allocation, record.deferred = wanted, None
    record.requests = requests_of(record.pod)
    record.untold += [
        Telling(_BEGUN, now, f"Pod resize started: {_summary(record.pod)}"),
        Telling(_CARRIED_OUT, now, f"Pod resize completed: {_summary(record.pod)}"),
    ]
    if restarts:
        record.state = crash(record.state, record.life, now, exit_code=SIGTERM_EXIT)
    return True


def resize_deferred(agent: NodeAgent, now: datetime) -> list[PodLife]:
    """Something on the node was given back: those whose resize is put off, the most important first. The ones that changed."""
    waiting = [life for life in agent.pods.values() if life.deferred is not None and not is_over(life.state)]
    waiting.sort(key=lambda life: -(life.pod["spec"].get("priority") or 0))
    return [life for life in waiting if resize(agent, life, now)]


def _no_room(agent: NodeAgent, record: PodLife) -> tuple[str, str] | None:
    """(reason, sentence) as the kubelet's own admission gives them."""
    _, allocatable = capacity_of(agent.shape, dead_devices=agent.devices.dead_count())
    others = [life.requests for life in agent.pods.values() if life is not record and not is_over(life.state)]
    short = too_much(requests_of(record.pod), others, allocatable)
    if short is None:
        return None
    resource, asked, free = short
    capacity = amount_of(resource, allocatable.get(resource, "0"))
    return f"OutOf{resource}", (
        f"Node didn't have enough resource: {resource}, requested: {asked},"
        f" used: {capacity - free}, capacity: {capacity}"
    )


def _put_off(record: PodLife, reason: str, sentence: str, now: datetime) -> bool:
    generation = int(record.pod["metadata"].get("generation") or 0)
    before = record.deferred
    since = now if before is None else before.since
    record.deferred = Deferred(sentence, generation, since)
    if before is None or before.generation != generation:
        summary = _summary(record.pod, error=sentence)
        record.untold.append(Telling(_PUT_OFF, now, f"Pod resize {reason}: {summary}"))
    return record.deferred != before


def _needs_restart(record: PodLife, wanted: Allocation) -> bool:
    """Whether one of the pod's containers is not to see its resources change while it runs; here they restart together."""
    for container in record.pod["spec"]["containers"]:
        name = str(container["name"])
        for policy in container.get("resizePolicy") or []:
            resource = policy.get("resourceName")
            before, after = (
                _amounts(record.allocation.get(name, {}), resource),
                _amounts(wanted[name], resource),
            )
            if policy.get("restartPolicy") == "RestartContainer" and before != after:
                return True
    return False


def _amounts(resources: Document, resource: str) -> list[str | None]:
    return [(resources.get(kind) or {}).get(resource) for kind in ("requests", "limits")]


def _summary(pod: Mapping[str, Any], error: str = "") -> str:
    """The JSON that the kubelet writes into events about resizes (pkg/kubelet/events/resize.go)."""
    told: Document = {
        key: [{"name": one["name"], "resources": _in_order(one.get("resources") or {})} for one in listed]
        for key in ("initContainers", "containers")
        if (listed := pod["spec"].get(key))
    }
    told["generation"] = int(pod["metadata"].get("generation") or 0)
    if error:
        told["error"] = error
    return json.dumps(told, separators=(",", ":"))


def _in_order(resources: Document) -> Document:
    return {key: resources[key] for key in ("limits", "requests", "claims") if resources.get(key)}


def show_resources(status: Document, record: PodLife) -> Document:
    """A pod's status with what its containers have, once they were started, and with the resize that is put off."""
    for key in ("containerStatuses", "initContainerStatuses"):
        for one in status.get(key) or []:
            if one.get("containerID"):
                resources = record.allocation.get(one["name"], {})
                one["resources"] = resources
                one["allocatedResources"] = resources.get("requests") or {}
    conditions = [one for one in status["conditions"] if one["type"] != PENDING]
    return {**status, "conditions": [*conditions, *_pending(record)]}


def _pending(record: PodLife) -> list[Document]:
    """The status is sent as a patch: a condition that holds no more is taken away by name."""
    deferred = record.deferred
    if deferred is None or is_over(record.state):
        return [{"type": PENDING, "$patch": "delete"}] if condition_of(record.pod, PENDING) else []
    return [
        {
            "type": PENDING,
            "status": "True",
            "reason": "Deferred",
            "message": deferred.message,
            "observedGeneration": deferred.generation,
            "lastTransitionTime": format_time(deferred.since),
        }
    ]
