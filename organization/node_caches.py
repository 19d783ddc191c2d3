"""One list-then-watch cache of nodes per cluster, in the worker process that looks at it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from cluster.kinds import NODES
from organization.connections import client_of

if TYPE_CHECKING:
    from cluster.client import ClusterClient
    from cluster.watch import WatchCache
    from organization.models import Cluster

_caches: dict[object, tuple[ClusterClient, WatchCache]] = {}
_lock = threading.Lock()


def nodes_of(cluster: Cluster, *, wait_seconds: float = 10.0) -> list[dict[str, object]] | None:
    """All nodes as last heard of; None while the first list has not come in."""
    cache = _cache_of(cluster)
    return cache.items() if cache.synced(wait_seconds) else None


def _cache_of(cluster: Cluster) -> WatchCache:
    """A client made anew (other kubeconfig, other cluster) gets a cache made anew."""
    from cluster.watch import WatchCache

    client = client_of(cluster)
    with _lock:
        known = _caches.get(cluster.pk)
        if known and known[0] is client:
            return known[1]
        if known:
            known[1].stop(timeout=0)
        cache = WatchCache(client, NODES)
        cache.start()
        _caches[cluster.pk] = (client, cache)
        return cache


def stop() -> None:
    """Ends all threads; the next question begins anew."""
    with _lock:
        for _, cache in _caches.values():
            cache.stop()
        _caches.clear()
