"""Which client reaches which cluster: one per cluster and process, made anew when its kubeconfig file changes.

For workers only: the web process never talks to a cluster.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cluster.client import ClusterClient
    from organization.models import Cluster

Key = tuple[str, int]
"""Path of the kubeconfig ("" = in-cluster) and the moment it was written."""
_clients: dict[object, tuple[Key, ClusterClient]] = {}
_lock = threading.Lock()


def client_of(cluster: Cluster) -> ClusterClient:
    """Raises cluster.connection.ConfigurationUnusable when the kubeconfig does not say how to reach it."""
    from cluster.client import ClusterClient  # the web process imports this module, but never the client

    path = cluster.kubeconfig or settings.KUBECONFIG
    key = (path, _written_at(path))
    with _lock:
        known = _clients.get(cluster.pk)
        if known and known[0] == key:
            return known[1]
        client = ClusterClient.connect(Path(path) if path else None)
        _clients[cluster.pk] = (key, client)
        return client


def _written_at(path: str) -> int:
    """Nanoseconds; 0 for a file that does not exist (yet) and for in-cluster credentials."""
    try:
        return Path(path).stat().st_mtime_ns if path else 0
    except OSError:
        return 0
