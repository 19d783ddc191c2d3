"""Which client reaches which cluster: one per cluster and process, made anew when its kubeconfig file changes.

For workers only: the web process never talks to a cluster.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from django.conf import settings

if TYPE_CHECKING:
    from cluster.client import ClusterClient
    from organization.models import Cluster

COLLECTORS = "collectors"
"""Metrics are read under this context of the kubeconfig when it has one, so that they need no rights of the controller."""
Key = tuple[str, int]
"""Path of the kubeconfig ("" = in-cluster) and the moment it was written."""
_clients: dict[object, tuple[Key, ClusterClient]] = {}
"""By cluster and wanted context."""
_lock = threading.Lock()


def client_of(cluster: Cluster) -> ClusterClient:
    """Raises cluster.connection.ConfigurationUnusable when the kubeconfig does not say how to reach it."""
    return _client(cluster, "")


def collectors_client_of(cluster: Cluster) -> ClusterClient:
    """For reading metrics: under a context of its own where the kubeconfig has one, else as `client_of`."""
    return _client(cluster, COLLECTORS)


def _client(cluster: Cluster, wanted: str) -> ClusterClient:
    from cluster.client import ClusterClient  # the web process imports this module, but never the client

    path = cluster.kubeconfig or settings.KUBECONFIG
    key = (path, _written_at(path))
    with _lock:
        known = _clients.get((cluster.pk, wanted))
        if known and known[0] == key:
            return known[1]
        context = wanted if wanted in _contexts(path) else None
        client = ClusterClient.connect(Path(path) if path else None, context=context)
        _clients[cluster.pk, wanted] = (key, client)
        return client


def _contexts(path: str) -> set[str]:
    """Names of the kubeconfig's contexts; none of a file that cannot be read: connecting says why."""
    try:
        document = yaml.safe_load(Path(path).read_text()) if path else None
        return {str(one["name"]) for one in (document or {}).get("contexts") or []}
    except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return set()


def _written_at(path: str) -> int:
    """Nanoseconds; 0 for a file that does not exist (yet) and for in-cluster credentials."""
    try:
        return Path(path).stat().st_mtime_ns if path else 0
    except OSError:
        return 0
