"""The status a kubelet writes for a pod, and the way back from it to the state. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from cluster.documents import Condition, Document, format_time, parse_time, with_condition
from cluster.simulator.stages import STAGES, Ended, Life, PodState, begin

_FINISHED = ("Succeeded", "Failed")


def phase_of(state: PodState) -> str:
    """The phase that belongs to a stage."""
    if state.stage == "rejected":
        return "Failed"
    if state.stage in ("done", "stopped"):
        if state.ended is None:
            return "Failed"
        return "Succeeded" if state.ended.exit_code == 0 else "Failed"
    return "Pending" if state.started_at is None else "Running"


def is_ready(state: PodState) -> bool:
    return STAGES[state.stage].ready


def status_of(
    pod: Mapping[str, Any],
    state: PodState,
    *,
    host_ip: str,
    pod_ip: str,
    rejection: tuple[str, str] | None = None,
    debuggers: Mapping[str, datetime] | None = None,
) -> Document:
    """The whole status of a pod; conditions of other writers are kept.

    `rejection` is (reason, message); `debuggers` are the ephemeral containers that have begun, and when.
    """
    before = pod.get("status") or {}
    status: Document = {
        "phase": phase_of(state),
        "startTime": format_time(state.began_at),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "conditions": _conditions(pod, state),
    }
    if rejection is not None:
        status["reason"], status["message"] = rejection
        return status
    if state.started_at is not None or STAGES[state.stage].reason != "ContainerCreating":
        status["podIP"] = pod_ip
        status["podIPs"] = [{"ip": pod_ip}]
    status["containerStatuses"] = [
        _container(pod, container, state) for container in pod["spec"]["containers"]
    ]
    if pod["spec"].get("initContainers"):
        status["initContainerStatuses"] = [
            _init_container(pod, container, state) for container in pod["spec"]["initContainers"]
        ]
    if pod["spec"].get("ephemeralContainers"):
        status["ephemeralContainerStatuses"] = [
            _debugger(pod, container, state, (debuggers or {}).get(container["name"]))
            for container in pod["spec"]["ephemeralContainers"]
        ]
    if before.get("qosClass"):
        status["qosClass"] = before["qosClass"]
    return status


def state_from(pod: Mapping[str, Any], life: Life, now: datetime) -> PodState:
    """Where a pod is in its life by the status written before; a pod without one begins `now`."""
    status = pod.get("status") or {}
    if not status.get("startTime"):
        return begin(now)
    began = parse_time(status["startTime"])
    containers = status.get("containerStatuses") or []
    if status.get("phase") in _FINISHED:
        return _finished(began, containers)
    if not containers:
        return PodState("mounting", since=began, began_at=began)
    return _unfinished(began, containers[0], now)


def _finished(began: datetime, containers: list[Any]) -> PodState:
    if not containers:
        return PodState("rejected", since=began, began_at=began)
    terminated = (containers[0].get("state") or {}).get("terminated")
    ended = _ended(terminated) if terminated else None
    return PodState(
        "done",
        since=ended.finished_at if ended else began,
        began_at=began,
        restarts=int(containers[0].get("restartCount") or 0),
        started_at=ended.started_at if ended else None,
        ended=ended,
        previous=_last(containers[0]),
    )


def _unfinished(began: datetime, container: Mapping[str, Any], now: datetime) -> PodState:
    shown = container.get("state") or {}
    previous = _last(container)
    state = PodState(
        "mounting",
        since=began,
        began_at=began,
        restarts=int(container.get("restartCount") or 0),
        previous=previous,
    )
    if running := shown.get("running"):
        started = parse_time(running["startedAt"])
        return replace(state, stage="started", since=started, started_at=started)
    if terminated := shown.get("terminated"):
        ended = _ended(terminated)
        return replace(
            state, stage="exited", since=ended.finished_at, started_at=ended.started_at, ended=ended
        )
    reason = (shown.get("waiting") or {}).get("reason")
    if reason == "CrashLoopBackOff" and previous is not None:
        return replace(state, stage="backing-off", since=previous.finished_at, started_at=previous.started_at)
    if reason in ("ErrImagePull", "ImagePullBackOff"):
        return replace(state, stage="pull-backing-off", since=now)
    return state


def _last(container: Mapping[str, Any]) -> Ended | None:
    terminated = (container.get("lastState") or {}).get("terminated")
    return _ended(terminated) if terminated else None


def _ended(terminated: Mapping[str, Any]) -> Ended:
    return Ended(
        started_at=parse_time(terminated["startedAt"]),
        finished_at=parse_time(terminated["finishedAt"]),
        exit_code=int(terminated["exitCode"]),
        reason=str(terminated.get("reason") or ""),
    )


def _conditions(pod: Mapping[str, Any], state: PodState) -> list[Condition]:
    conditions: list[Condition] = list((pod.get("status") or {}).get("conditions") or [])
    over = state.stage in ("done", "stopped", "rejected")
    finished_reason = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase_of(state), "")
    wanted = {
        "PodReadyToStartContainers": (state.started_at is not None and not over, ""),
        "Initialized": (True, ""),
        "Ready": (is_ready(state), finished_reason if over else "ContainersNotReady"),
        "ContainersReady": (is_ready(state), finished_reason if over else "ContainersNotReady"),
        "PodScheduled": (True, ""),
    }
    for kind, (holds, reason) in wanted.items():
        condition: Condition = {
            "type": kind,
            "status": "True" if holds else "False",
            "lastTransitionTime": format_time(
                state.began_at if kind in ("Initialized", "PodScheduled") else state.since
            ),
        }
        if not holds and reason:
            condition["reason"] = reason
            if reason == "ContainersNotReady":
                names = " ".join(str(container["name"]) for container in pod["spec"]["containers"])
                condition["message"] = f"containers with unready status: [{names}]"
        conditions = with_condition(conditions, condition)
    # the status is sent as a patch: what an older condition said must be taken away by name
    return [{"reason": None, "message": None, **condition} for condition in conditions]  # type: ignore[typeddict-item]


def _container(pod: Mapping[str, Any], container: Mapping[str, Any], state: PodState) -> Document:
    stage = STAGES[state.stage]
    started = stage.shows == "running"
    identity = _container_id(pod, container["name"], state.restarts)
    status: Document = {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": ""
        if state.started_at is None
        else f"{container.get('image', '')}@sha256:{_digest(str(container.get('image')))}",
        "ready": stage.ready,
        "started": started,
        "restartCount": state.restarts,
        "state": _shown(container, state, identity),
        "lastState": {},
    }
    if state.started_at is not None:
        status["containerID"] = identity
    if state.previous is not None:
        before = state.restarts if stage.shows == "waiting" else state.restarts - 1
        status["lastState"] = {
            "terminated": _terminated(state.previous, _container_id(pod, container["name"], before))
        }
    return status


def _shown(container: Mapping[str, Any], state: PodState, identity: str) -> Document:
    stage = STAGES[state.stage]
    if stage.shows == "running" and state.started_at is not None:
        return {"running": {"startedAt": format_time(state.started_at)}}
    if stage.shows == "terminated" and state.ended is not None:
        return {"terminated": _terminated(state.ended, identity)}
    if state.stage == "unconfigured":
        return {"waiting": _unconfigured(container, state) or {"reason": "ContainerCreating"}}
    waiting: Document = {"reason": stage.reason or "ContainerCreating"}
    message = describe(state.detail or stage.message, container, state.detail)
    if message:
        waiting["message"] = message
    return {"waiting": waiting}


def _unconfigured(container: Mapping[str, Any], state: PodState) -> Document | None:
    """How a container waits that cannot be made; None for one that lacks nothing itself."""
    message = dict(state.lacking).get(str(container["name"]))
    return {"reason": STAGES["unconfigured"].reason, "message": message} if message else None


def describe(text: str, container: Mapping[str, Any], detail: str) -> str:
    """Fills the names into a stage's message or note."""
    # plain replacement: an image name may itself hold braces
    return (
        text.replace("{detail}", detail)
        .replace("{container}", str(container["name"]))
        .replace("{image}", str(container.get("image", "")))
    )


def _terminated(ended: Ended, identity: str) -> Document:
    return {
        "exitCode": ended.exit_code,
        "reason": ended.reason,
        "startedAt": format_time(ended.started_at),
        "finishedAt": format_time(ended.finished_at),
        "containerID": identity,
    }


def _init_container(pod: Mapping[str, Any], container: Mapping[str, Any], state: PodState) -> Document:
    """Init containers are taken to have done their part while the pod was pulling; sidecars run as long as the others."""
    if container.get("restartPolicy") == "Always":
        return _sidecar(pod, container, state)
    status = _initial(container, ready=state.started_at is not None)
    if waiting := _unconfigured(container, state):
        status["state"] = {"waiting": waiting}
    elif state.started_at is not None:
        done = Ended(state.began_at, state.started_at, 0, "Completed")
        status["state"] = {"terminated": _terminated(done, _container_id(pod, container["name"], 0))}
    return status


def _sidecar(pod: Mapping[str, Any], container: Mapping[str, Any], state: PodState) -> Document:
    """Begins before the pod's containers, is not restarted with them, and ends, well, after the last of them."""
    over = state.stage in ("done", "stopped")
    # as it was written before: a restart of the pod's other containers does not touch it
    before = (pod.get("status") or {}).get("initContainerStatuses")
    first = starts_in(before).get(container["name"]) or state.started_at
    status = _initial(container, ready=first is not None and not over)
    status["started"] = first is not None and not over
    if first is not None:
        return status | _lasting(pod, container, state, first)
    if waiting := _unconfigured(container, state):
        status["state"] = {"waiting": waiting}
    return status


def _debugger(
    pod: Mapping[str, Any], container: Mapping[str, Any], state: PodState, begun: datetime | None
) -> Document:
    """Never ready: nothing of the pod depends on it."""
    status = _initial(container, ready=False)
    del status["started"]
    if begun is not None:
        return status | _lasting(pod, container, state, begun)
    return status | {"state": {"waiting": {"reason": "ContainerCreating"}}}


def _lasting(
    pod: Mapping[str, Any], container: Mapping[str, Any], state: PodState, first: datetime
) -> Document:
    """What is shown of a container that runs from `first` until its pod ends."""
    identity = _container_id(pod, container["name"], 0)
    shown: Document = {"running": {"startedAt": format_time(first)}}
    if state.stage in ("done", "stopped"):
        end = state.ended.finished_at if state.ended else state.since
        shown = {"terminated": _terminated(Ended(first, end, 0, "Completed"), identity)}
    return {"containerID": identity, "state": shown}


def starts_in(statuses: Iterable[Mapping[str, Any]] | None) -> dict[str, datetime]:
    """Since when each container has run, or did, by statuses written before; those that never ran are left out."""
    found = {}
    for one in statuses or ():
        shown = one.get("state") or {}
        if told := (shown.get("running") or shown.get("terminated") or {}).get("startedAt"):
            found[str(one["name"])] = parse_time(told)
    return found


def _initial(container: Mapping[str, Any], *, ready: bool) -> Document:
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "ready": ready,
        "started": False,
        "restartCount": 0,
        "state": {"waiting": {"reason": "PodInitializing"}},
        "lastState": {},
    }


def _container_id(pod: Mapping[str, Any], container: str, restarts: int) -> str:
    uid = pod["metadata"]["uid"]
    return f"containerd://{_digest(f'{uid}/{container}/{restarts}')}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
