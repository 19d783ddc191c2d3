"""Keeps a GPU exporter pod on each GPU node, bound directly as a DaemonSet's pods are, so that metrics are reached as usual."""

import logging

from cluster.client import ClusterClient
from cluster.documents import Document, labels_of, name_of, namespace_of, uid_of
from cluster.errors import AlreadyExists, NotFound
from cluster.kinds import PODS
from cluster.labels import DCGM_NAMESPACE, DCGM_PORT, DCGM_SELECTOR
from cluster.simulator.annotations import LOG_SCRIPT
from cluster.simulator.kubelet.heartbeats import ensure_namespace
from cluster.simulator.kubelet.roster import Roster
from cluster.simulator.work_queue import WorkQueue

logger = logging.getLogger(__name__)

_LABEL, _, _VALUE = DCGM_SELECTOR.partition("=")
_AGAIN_SECONDS = 0.5


class Exporters:
    """Listens to nodes and pods; a missing exporter is made anew."""

    def __init__(self, client: ClusterClient, roster: Roster) -> None:
        self._client = client
        self._roster = roster
        self._queue: WorkQueue[str] = WorkQueue("gpu-exporters", self._ensure, threads=1)

    def start(self) -> None:
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()

    def node_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if kind == "ADDED" and new is not None:
            self._queue.add(name_of(new))

    def pod_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if (
            new is None
            and old is not None
            and namespace_of(old) == DCGM_NAMESPACE
            and labels_of(old).get(_LABEL) == _VALUE
        ):
            self._queue.add_after(str(old["spec"].get("nodeName")), _AGAIN_SECONDS)

    def _ensure(self, node: str) -> None:
        with self._roster.lock:
            agent = self._roster.agents.get(node)
            if agent is None or not agent.shape.gpus:
                return
            owner = uid_of(agent.node)
        try:
            self._client.create(PODS, exporter_pod(node, owner))
        except AlreadyExists:
            logger.debug("node %s has its exporter", node)
        except NotFound:
            ensure_namespace(self._client, DCGM_NAMESPACE)
            self._queue.add_after(node, _AGAIN_SECONDS)


def exporter_pod(node: str, node_uid: str) -> Document:
    """The pod of one node; owned by the node, so that it goes with it."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"nvidia-dcgm-exporter-{node}",
            "namespace": DCGM_NAMESPACE,
            "labels": {_LABEL: _VALUE},
            "annotations": {LOG_SCRIPT: "quiet"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": node, "uid": node_uid}],
        },
        "spec": {
            "nodeName": node,
            "restartPolicy": "Always",
            "tolerations": [{"operator": "Exists"}],
            "containers": [
                {
                    "name": "nvidia-dcgm-exporter",
                    "image": "nvidia/dcgm-exporter:simulated",
                    "ports": [{"name": "metrics", "containerPort": DCGM_PORT, "protocol": "TCP"}],
                    "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
                }
            ],
        },
    }
