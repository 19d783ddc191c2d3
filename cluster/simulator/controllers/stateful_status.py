"""What the status of a StatefulSet says of its pods."""

from cluster import clock
from cluster.documents import Document, condition_of, parse_time
from cluster.pods import is_ready
from cluster.simulator.controllers.stateful_pods import revision_of


def ready_for(pod: Document) -> float:
    """Product seconds since the pod became ready."""
    condition = condition_of(pod, "Ready")
    if condition is None or "lastTransitionTime" not in condition:
        return 0.0
    return (clock.now() - parse_time(condition["lastTransitionTime"])).total_seconds()


def is_available(stateful_set: Document, pod: Document) -> bool:
    """Ready for as long as `minReadySeconds` asks."""
    wait = int(stateful_set["spec"].get("minReadySeconds") or 0)
    return is_ready(pod) and (wait == 0 or ready_for(pod) >= wait)


def ready_seconds_left(stateful_set: Document, pods: list[Document]) -> float | None:
    """Product seconds until the next ready pod becomes available, or None when none waits."""
    wait = int(stateful_set["spec"].get("minReadySeconds") or 0)
    left = [wait - ready_for(pod) for pod in pods if is_ready(pod) and not is_available(stateful_set, pod)]
    return min(left, default=None)


def status_of(stateful_set: Document, pods: list[Document], newest: str) -> Document:
    """`pods` are those that stay. The newest revision becomes the current one when all pods have it and are ready."""
    before = stateful_set.get("status") or {}
    wanted = int(stateful_set["spec"].get("replicas", 1))
    ready = [pod for pod in pods if is_ready(pod)]
    updated = [pod for pod in pods if revision_of(pod) == newest]
    current = before.get("currentRevision") or newest
    if len(updated) == wanted == len(pods) == len(ready):
        current = newest
    status = {
        **before,
        "observedGeneration": stateful_set["metadata"].get("generation", 0),
        "replicas": len(pods),
        "readyReplicas": len(ready),
        "availableReplicas": sum(is_available(stateful_set, pod) for pod in pods),
        "currentReplicas": sum(revision_of(pod) == current for pod in pods),
        "updatedReplicas": len(updated),
        "currentRevision": current,
        "updateRevision": newest,
        "collisionCount": before.get("collisionCount", 0),
    }
    unsaid_when_zero = ("readyReplicas", "currentReplicas", "updatedReplicas")
    return {key: value for key, value in status.items() if value or key not in unsaid_when_zero}
