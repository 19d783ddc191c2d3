"""metrics.k8s.io: what nodes and pods use now, as `kubectl top` asks for it and metrics-server answers. Read-only.

A pod is left out while it does not run, a node while it is silent. The sums agree with the nodes' /metrics/resource.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cluster.documents import Document, format_time, key_of, labels_of
from cluster.simulator.kubelet.lives import NodeAgent, PodLife
from cluster.simulator.kubelet.pages import SYSTEM_BYTES, SYSTEM_CORES, cores_used, memory_bytes
from cluster.simulator.kubelet.roster import Roster
from cluster.simulator.problems import not_found, unknown_path
from cluster.simulator.selectors import field_test, label_test

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
PREFIX = f"/apis/{GROUP}/{VERSION}"
WINDOW_SECONDS = 15.0
"""Product seconds over which CPU time is averaged, or since the start where that is later: metrics-server's interval."""


def usage_document(roster: Roster, path: str, query: Mapping[str, str], now: datetime) -> Document:
    """The answer to a path below the group's version. Raises Problem."""
    match path.removeprefix(PREFIX).strip("/").split("/"):
        case ["nodes"]:
            return _list("NodeMetricsList", _nodes(roster, now), query, "nodes")
        case ["nodes", name]:
            return _one(_nodes(roster, now), "nodes", "", name)
        case ["pods"]:
            return _list("PodMetricsList", _pods(roster, now), query, "pods")
        case ["namespaces", namespace, "pods"]:
            return _list("PodMetricsList", _pods(roster, now, namespace), query, "pods")
        case ["namespaces", namespace, "pods", name]:
            return _one(_pods(roster, now, namespace), "pods", namespace, name)
        case _:
            raise unknown_path()


Measured = tuple[Document, Document]
"""The object that was measured, and its metrics."""


def _list(kind: str, found: Iterable[Measured], query: Mapping[str, str], plural: str) -> Document:
    fits = label_test(query.get("labelSelector", ""))
    shows = field_test(query.get("fieldSelector", ""), plural, "v1")
    items = [metrics for measured, metrics in found if fits(labels_of(measured)) and shows(measured)]
    return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": items}


def _one(found: Iterable[Measured], plural: str, namespace: str, name: str) -> Document:
    for measured, metrics in found:
        if key_of(measured) == (namespace, name):
            return metrics
    raise not_found(plural, GROUP, name)


def _nodes(roster: Roster, now: datetime) -> list[Measured]:
    with roster.lock:
        return [
            (agent.node, _node_metrics(agent, now)) for agent in roster.agents.values() if not agent.silent
        ]


def _node_metrics(agent: NodeAgent, now: datetime) -> Document:
    running = [life for life in agent.pods.values() if life.runs]
    cores = SYSTEM_CORES + sum(cores_used(life, now, WINDOW_SECONDS) for life in running)
    memory = SYSTEM_BYTES + sum(memory_bytes(life, now) for life in running)
    return _metrics("NodeMetrics", agent.node, now) | {"usage": _amounts(cores, memory)}


def _pods(roster: Roster, now: datetime, namespace: str | None = None) -> list[Measured]:
    with roster.lock:
        return [
            (life.pod, _pod_metrics(life, now))
            for agent in roster.agents.values()
            if not agent.silent
            for life in agent.pods.values()
            if life.runs and namespace in (None, life.key[0])
        ]


def _pod_metrics(life: PodLife, now: datetime) -> Document:
    """The first container does all of its pod's work, as on /metrics/resource."""
    first, *others = (str(container["name"]) for container in life.pod["spec"]["containers"])
    used = _amounts(cores_used(life, now, WINDOW_SECONDS), memory_bytes(life, now))
    containers = [{"name": first, "usage": used}]
    containers += [{"name": name, "usage": _amounts(0, 0)} for name in others]
    return _metrics("PodMetrics", life.pod, now) | {"containers": containers}


def _metrics(kind: str, measured: Document, now: datetime) -> dict[str, Any]:
    metadata = {"name": measured["metadata"]["name"], "creationTimestamp": format_time(now)}
    if namespace := measured["metadata"].get("namespace"):
        metadata["namespace"] = namespace
    if labels := labels_of(measured):
        metadata["labels"] = labels
    return {
        "kind": kind,
        "apiVersion": f"{GROUP}/{VERSION}",
        "metadata": metadata,
        "timestamp": format_time(now),
        "window": f"{WINDOW_SECONDS:g}s",
    }


def _amounts(cores: float, memory: int) -> dict[str, str]:
    return {"cpu": f"{round(cores * 1e9)}n", "memory": f"{memory // 1024}Ki"}
