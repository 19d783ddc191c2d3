"""The controllers of all clusters, in the process of the worker on queue `cluster`."""

import threading

import structlog
from django.conf import settings
from django.db import close_old_connections, connection

from cluster.errors import ClusterError
from organization.connections import client_of
from organization.models import Cluster
from workloads.controller import WorkloadController
from workloads.definitions import ensure_crds

log = structlog.get_logger(__name__)
LOOK_AGAIN_SECONDS = 10.0
"""Real time after which a cluster that was added, changed or away is tried again."""


class _Watching:
    controllers: dict[str, tuple[str, WorkloadController]] = {}
    """Cluster id -> (the address it was made with, its controller)."""
    stopping = threading.Event()
    thread: threading.Thread | None = None


def start() -> None:
    """Begin; returns at once. Called once in the worker process."""
    if _Watching.thread is None:
        _Watching.stopping.clear()
        _Watching.thread = threading.Thread(target=_run, name="workload-clusters", daemon=True)
        _Watching.thread.start()


def stop() -> None:
    _Watching.stopping.set()
    if _Watching.thread is not None:
        _Watching.thread.join(10.0)
        _Watching.thread = None
    for _, controller in _Watching.controllers.values():
        controller.stop()
    _Watching.controllers.clear()


def _run() -> None:
    while True:
        try:
            close_old_connections()
            _follow_clusters()
        except Exception:
            log.exception("clusters could not be read")
        if _Watching.stopping.wait(LOOK_AGAIN_SECONDS):
            connection.close()
            return


def _follow_clusters() -> None:
    """A controller for each cluster row: begun when it comes, ended when it goes, begun anew when its address changes."""
    clusters = {str(cluster.pk): cluster for cluster in Cluster.objects.all()}
    for cluster_id, (address, controller) in list(_Watching.controllers.items()):
        if cluster_id not in clusters or clusters[cluster_id].kubeconfig != address:
            controller.stop()
            del _Watching.controllers[cluster_id]
    for cluster_id, cluster in clusters.items():
        if cluster_id in _Watching.controllers:
            continue
        try:
            client = client_of(cluster)
            if settings.INSTALL_DEFINITIONS:
                ensure_crds(client)
            controller = WorkloadController(cluster_id, client)
        except (ClusterError, OSError, ValueError) as error:
            log.warning("cluster cannot be watched", cluster=cluster.name, error=str(error))
            continue
        controller.start()
        _Watching.controllers[cluster_id] = (cluster.kubeconfig, controller)
