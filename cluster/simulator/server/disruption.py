"""PodDisruptionBudgets: may this pod be evicted now? Counted from the pods themselves, so that no controller need keep a status."""

import math
from typing import Any

from cluster.simulator.selectors import object_selector_test
from cluster.simulator.server.api import Api, Document
from cluster.simulator.store.objects import Stored

ENDED = ("Succeeded", "Failed")


def budget_refusal(api: Api, pod: Stored) -> str | None:
    """Why the pod may not go, or None. Pods that have ended or never ran are not protected."""
    document = pod.document
    if document.get("status", {}).get("phase") in (*ENDED, "Pending"):
        return None
    labels = document["metadata"].get("labels") or {}
    for stored in api.store.listed("poddisruptionbudgets.policy", pod.namespace):
        spec = stored.document.get("spec", {})
        selects = object_selector_test(spec.get("selector"))
        if not selects(labels):
            continue
        peers = [
            other.document
            for other in api.store.listed("pods", pod.namespace)
            if selects(other.document["metadata"].get("labels") or {})
            and other.document.get("status", {}).get("phase") not in ENDED
        ]
        healthy = sum(_is_healthy(peer) for peer in peers)
        needed = _needed(spec, len(peers))
        if _is_healthy(document) and healthy - 1 < needed:
            return (
                f"The disruption budget {stored.name} needs {needed} healthy pods and has {healthy} currently"
            )
    return None


def _is_healthy(document: Document) -> bool:
    if document["metadata"].get("deletionTimestamp"):
        return False
    conditions = document.get("status", {}).get("conditions") or []
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def _needed(spec: dict[str, Any], expected: int) -> int:
    if "minAvailable" in spec:
        return _share(spec["minAvailable"], expected)
    return expected - _share(spec.get("maxUnavailable", 1), expected)


def _share(amount: int | str, expected: int) -> int:
    """A number, or a percentage of the expected pods rounded up."""
    if isinstance(amount, int):
        return amount
    return math.ceil(int(amount.rstrip("%")) * expected / 100)
