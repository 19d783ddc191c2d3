"""Pure: what matters of a pod, read from its Kubernetes document."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cluster import labels
from cluster.documents import (
    annotations_of,
    condition_of,
    is_deleting,
    labels_of,
    name_of,
    parse_time,
    uid_of,
)
from cluster.quantities import milli, whole

IMAGE_PROBLEMS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_MESSAGE_AT_MOST = 1000


@dataclass(frozen=True)
class PodState:
    """One pod at one moment. GPUs and cores in thousandths; stamps are the cluster's."""

    uid: str
    name: str
    phase: str
    created: datetime | None = None
    node: str = ""
    pool: str = ""
    attempt: int = 1
    image: str = ""
    deleting: bool = False
    ready: bool = False
    gpu_milli: int = 0
    cpu_milli: int = 0
    memory_bytes: int = 0
    reason: str = ""
    message: str = ""
    scheduled: datetime | None = None
    started: datetime | None = None
    became_ready: datetime | None = None
    finished: datetime | None = None
    exit_code: int | None = None
    restarts: int = 0
    refusal: Mapping[str, Any] | None = None
    eviction: Mapping[str, Any] | None = None

    @property
    def is_finished(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    @property
    def holds(self) -> bool:
        """Whether its node's resources are taken by it."""
        return bool(self.node) and not self.is_finished

    @classmethod
    def read(cls, pod: Mapping[str, Any]) -> "PodState":
        spec, status = pod["spec"], pod.get("status") or {}
        containers = spec.get("containers") or []
        statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
        terminated = [state for one in statuses if (state := (one.get("state") or {}).get("terminated"))]
        ready = condition_of(pod, "Ready")
        reason, message = _reason(pod, status, statuses, terminated)
        attempt = labels_of(pod).get(labels.ATTEMPT, "1")
        return cls(
            uid=uid_of(pod),
            name=name_of(pod),
            phase=str(status.get("phase") or "Pending"),
            created=_moment(pod["metadata"].get("creationTimestamp")),
            node=str(spec.get("nodeName") or ""),
            pool=labels_of(pod).get(labels.NODE_POOL, ""),
            attempt=int(attempt) if attempt.isdecimal() else 1,
            image=str(containers[0].get("image") or "") if containers else "",
            deleting=is_deleting(pod),
            ready=ready is not None and ready.get("status") == "True",
            gpu_milli=sum(_asked(one, labels.GPU_RESOURCE, whole) * 1000 for one in containers),
            cpu_milli=sum(_asked(one, "cpu", milli) for one in containers),
            memory_bytes=sum(_asked(one, "memory", whole) for one in containers),
            reason=reason,
            message=message[:_MESSAGE_AT_MOST],
            scheduled=_condition_time(pod, "PodScheduled"),
            started=_earliest(_moment(status.get("startTime")), statuses),
            became_ready=_condition_time(pod, "Ready"),
            finished=max(
                (end for one in terminated if (end := _moment(one.get("finishedAt")))), default=None
            ),
            exit_code=next((int(one.get("exitCode", 0)) for one in reversed(terminated)), None),
            restarts=sum(int(one.get("restartCount") or 0) for one in statuses),
            refusal=_object(annotations_of(pod).get(labels.REFUSAL)),
            eviction=_object(annotations_of(pod).get(labels.EVICTION)),
        )


def _reason(
    pod: Mapping[str, Any], status: Mapping[str, Any], statuses: list[Any], terminated: list[Any]
) -> tuple[str, str]:
    """The one thing to say about it: why it is not placed, does not start, or has failed."""
    if status.get("reason"):  # Evicted, DeadlineExceeded, NodeLost
        return str(status["reason"]), str(status.get("message") or "")
    placed = condition_of(pod, "PodScheduled")
    if placed is not None and placed.get("status") == "False":
        return str(placed.get("reason") or ""), str(placed.get("message") or "")
    for one in statuses:
        waiting = (one.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason"):
            return str(waiting["reason"]), str(waiting.get("message") or "")
    for one in terminated:
        if int(one.get("exitCode") or 0) != 0:
            return str(one.get("reason") or "Error"), str(one.get("message") or "")
    return "", ""


def _asked(container: Mapping[str, Any], resource: str, read: Any) -> int:
    """A container's request; Kubernetes takes the limit where no request is given."""
    resources = container.get("resources") or {}
    for part in ("requests", "limits"):
        if resource in (resources.get(part) or {}):
            return int(read(resources[part][resource]))
    return 0


def _earliest(start: datetime | None, statuses: list[Any]) -> datetime | None:
    """When its first container began; `start` (the node took it) is only the last resort of a finished pod."""
    begun = []
    for one in statuses:
        for state in ((one.get("state") or {}), (one.get("lastState") or {})):
            moment = _moment((state.get("running") or state.get("terminated") or {}).get("startedAt"))
            if moment:
                begun.append(moment)
    if begun:
        return min(begun)
    return start if statuses and any((one.get("state") or {}).get("terminated") for one in statuses) else None


def _condition_time(pod: Mapping[str, Any], kind: str) -> datetime | None:
    condition = condition_of(pod, kind)
    if condition is None or condition.get("status") != "True":
        return None
    return _moment(condition.get("lastTransitionTime"))


def _moment(text: Any) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None


def _object(text: str | None) -> Mapping[str, Any] | None:
    """An annotation's JSON object; what others wrote there and is none is no answer."""
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
