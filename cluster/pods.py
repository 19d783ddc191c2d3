"""What the product does with pods, as small verbs over the client, and what it reads from one."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from cluster.client import ClusterClient, ListResult
from cluster.documents import Condition, Document, condition_of, format_time, name_of, namespace_of, uid_of
from cluster.errors import ClusterError, Conflict, NotFound
from cluster.kinds import PODS
from cluster.labels import EVICTION, REFUSAL

REFUSAL_LIMIT_BYTES = 4096
_FINISHED = ("Succeeded", "Failed")


def list_pods(client: ClusterClient, namespace: str | None = None, *, label_selector: str = "") -> ListResult:
    return client.list(PODS, namespace, label_selector=label_selector)


def phase_of(pod: Mapping[str, Any]) -> str:
    """Pending, Running, Succeeded, Failed or Unknown; a pod without a status has not begun."""
    return str((pod.get("status") or {}).get("phase") or "Pending")


def is_finished(pod: Mapping[str, Any]) -> bool:
    return phase_of(pod) in _FINISHED


def node_of(pod: Mapping[str, Any]) -> str | None:
    """The node the pod is bound to."""
    return pod["spec"].get("nodeName") or None


def is_ready(pod: Mapping[str, Any]) -> bool:
    condition = condition_of(pod, "Ready")
    return condition is not None and condition["status"] == "True"


def bind_pod(client: ClusterClient, pod: Mapping[str, Any], node: str) -> None:
    """Give this very pod (by uid) its node."""
    client.bind(namespace_of(pod), name_of(pod), uid=uid_of(pod), node=node)


def binding_request(client: ClusterClient, pod: Mapping[str, Any], node: str) -> bytes:
    """What `bind_pod` sends, for a volley."""
    return client.binding_request(namespace_of(pod), name_of(pod), uid=uid_of(pod), node=node)


def evict_pod(
    client: ClusterClient,
    pod: Mapping[str, Any],
    reason: Mapping[str, Any],
    *,
    grace_seconds: int | None = None,
) -> None:
    """Take back the place of this very pod: the reason is written on it first, then it is evicted with grace.

    The cluster marks it DisruptionTarget: the program is not to blame, a Job does not count the pod as a failed try.
    NotFound and Conflict mean that it is gone or another one by now. When a disruption budget keeps it, or the cluster
    does not answer, the reason is taken off again.
    """
    name, namespace = name_of(pod), namespace_of(pod)
    _note_eviction(client, pod, json.dumps(reason, separators=(",", ":")))
    try:
        client.evict(namespace, name, uid=uid_of(pod), grace_seconds=grace_seconds)
    except (NotFound, Conflict):
        raise
    except ClusterError:
        with suppress(ClusterError):
            _note_eviction(client, pod, None)
        raise


def _note_eviction(client: ClusterClient, pod: Mapping[str, Any], text: str | None) -> None:
    note = {"metadata": {"uid": uid_of(pod), "annotations": {EVICTION: text}}}
    client.merge_patch(PODS, name_of(pod), note, namespace=namespace_of(pod))


def explain_waiting(
    client: ClusterClient,
    pod: Mapping[str, Any],
    *,
    reason: str,
    message: str,
    refusal: Mapping[str, Any] | None,
    now: datetime,
) -> Document | None:
    """Write on a pod why it waits: the condition PodScheduled=False and, if given, the refusal as JSON.

    Writes nothing (None) where the pod says so already, so that a waiting queue does not keep the server busy.
    Raises ValueError when the refusal is longer than 4 KiB.
    """
    changed: Document | None = None
    before = condition_of(pod, "PodScheduled")
    if before is None or (before.get("status"), before.get("reason"), before.get("message")) != (
        "False",
        reason,
        message,
    ):
        condition: Condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": reason,
            "message": message,
        }
        if before is None or before.get("status") != "False":
            condition["lastTransitionTime"] = format_time(now)
        changed = client.strategic_patch(
            PODS,
            name_of(pod),
            {"metadata": {"uid": uid_of(pod)}, "status": {"conditions": [condition]}},
            namespace=namespace_of(pod),
            subresource="status",
        )
    if refusal is not None:
        changed = _write_refusal(client, pod, refusal) or changed
    return changed


def _write_refusal(
    client: ClusterClient, pod: Mapping[str, Any], refusal: Mapping[str, Any]
) -> Document | None:
    text = json.dumps(refusal, separators=(",", ":"), sort_keys=True)
    if len(text.encode()) > REFUSAL_LIMIT_BYTES:
        raise ValueError(f"{REFUSAL}: {len(text.encode())} bytes, at most {REFUSAL_LIMIT_BYTES} are allowed")
    if (pod["metadata"].get("annotations") or {}).get(REFUSAL) == text:
        return None
    patch = {"metadata": {"uid": uid_of(pod), "annotations": {REFUSAL: text}}}
    return client.merge_patch(PODS, name_of(pod), patch, namespace=namespace_of(pod))
