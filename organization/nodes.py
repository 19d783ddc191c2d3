"""Copies what a cluster says of itself and its nodes into the tables, writing only what changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from cluster import labels
from cluster.clock import now
from cluster.documents import condition_of, labels_of, name_of, parse_time
from cluster.errors import ClusterError
from cluster.nodes import allocatable, is_ready
from cluster.quantities import milli, whole
from organization.models import Cluster, ClusterState, Node, NodePool
from organization.pools import pool_of
from ui import live

if TYPE_CHECKING:
    from cluster.client import ClusterClient

SEEN_EVERY = timedelta(seconds=5)
SILENT_AFTER = timedelta(seconds=15)
"""Real time. A cluster that has not answered for so long is Disconnected."""
FIELDS = (
    "pool_id",
    "ready",
    "cordoned",
    "status_message",
    "status_since",
    "gpu_product",
    "gpu_count",
    "gpu_memory_mib",
    "cpu_milli",
    "memory_bytes",
    "labels",
)


def facts_of(document: Mapping[str, Any], pools: list[NodePool]) -> dict[str, Any]:
    """The columns of Node as one Kubernetes node says them. Pure. GPU memory is unknown where the node does not label it."""
    condition = condition_of(document, "Ready") or {}
    found = labels_of(document)
    offers = allocatable(document)
    pool = pool_of(found, pools)
    memory = found.get(labels.GPU_MEMORY_OF_NODE, "")
    return {
        "pool_id": pool.pk if pool else None,
        "ready": is_ready(document) if condition else None,
        "cordoned": bool(document["spec"].get("unschedulable", False)),
        "status_message": "" if is_ready(document) else _why_not_ready(condition),
        "status_since": _moment(condition.get("lastTransitionTime")),
        "gpu_product": found.get(labels.GPU_PRODUCT, "")[:100],
        "gpu_count": whole(offers.get(labels.GPU_RESOURCE, "0")),
        "gpu_memory_mib": int(memory) if memory.isdecimal() else None,
        "cpu_milli": milli(offers.get("cpu", "0")),
        "memory_bytes": whole(offers.get("memory", "0")),
        "labels": dict(found),
    }


def _why_not_ready(condition: Mapping[str, Any]) -> str:
    return " – ".join(text for text in (condition.get("reason"), condition.get("message")) if text)[:500]


def _moment(text: str | None) -> datetime | None:
    return parse_time(text) if text else None


def sync(cluster: Cluster, documents: list[dict[str, Any]]) -> int:
    """Makes the Node rows of a cluster say what `documents` (all its nodes) say; returns how many rows changed."""
    pools = list(cluster.node_pools.order_by("pk"))
    known = {node.name: node for node in cluster.nodes.all()}
    at, fresh, changed = now(), [], []
    for document in documents:
        name, facts = name_of(document), facts_of(document, pools)
        node = known.pop(name, None)
        if node is None:
            created = _moment(document["metadata"].get("creationTimestamp")) or at
            fresh.append(Node(cluster=cluster, name=name, created_at=created, seen_at=at, **facts))
        elif any(getattr(node, field) != facts[field] for field in FIELDS):
            for field in FIELDS:
                setattr(node, field, facts[field])
            node.seen_at = at
            changed.append(node)
    Node.objects.bulk_create(fresh, ignore_conflicts=True)
    if changed:
        Node.objects.bulk_update(changed, [*FIELDS, "seen_at"], batch_size=200)
    if known:
        Node.objects.filter(pk__in=[node.pk for node in known.values()]).delete()
    count = len(fresh) + len(changed) + len(known)
    if count:
        live.publish("nodes", cluster.pk)
    return count


def hear(client: ClusterClient, cluster: Cluster) -> bool:
    """Asks the cluster for its version and notes the answer: state, message, version, last seen. True when it answered."""
    try:
        version = client.version()
    except ClusterError as error:
        note_silence(cluster, error)
        return False
    note_answer(cluster, version)
    return True


def note_answer(cluster: Cluster, version: str) -> None:
    at = timezone.now()
    facts = {"state": ClusterState.CONNECTED, "state_message": "", "kubernetes_version": version[:40]}
    is_new = any(getattr(cluster, field) != value for field, value in facts.items())
    if is_new or cluster.last_seen_at is None or at - cluster.last_seen_at >= SEEN_EVERY:
        _write(cluster, {**facts, "last_seen_at": at}, is_news=is_new)


def note_silence(cluster: Cluster, error: ClusterError) -> None:
    """One lost answer is not yet a lost cluster; a cluster that never answered stays Waiting, with the reason."""
    at = timezone.now()
    state = cluster.state
    if cluster.last_seen_at is not None and at - cluster.last_seen_at > SILENT_AFTER:
        state = ClusterState.DISCONNECTED
    facts = {"state": state, "state_message": error.message[:500]}
    if any(getattr(cluster, field) != value for field, value in facts.items()):
        _write(cluster, facts, is_news=state != cluster.state)


def note_silent() -> None:
    """Clusters that should have answered long ago are Disconnected, also while a call to them still hangs."""
    long_ago = timezone.now() - SILENT_AFTER
    for cluster in Cluster.objects.filter(state=ClusterState.CONNECTED, last_seen_at__lt=long_ago):
        facts = {
            "state": ClusterState.DISCONNECTED,
            "state_message": f"No answer for {int(SILENT_AFTER.total_seconds())} s.",
        }
        _write(cluster, facts, is_news=True)


def _write(cluster: Cluster, facts: dict[str, Any], *, is_news: bool) -> None:
    for field, value in facts.items():
        setattr(cluster, field, value)
    Cluster.objects.filter(pk=cluster.pk).update(**facts)
    if is_news:
        live.publish("clusters", cluster.pk)
