"""Stands in for the default scheduler where it has no choice: pods of DaemonSets go to the one node they name, when there is room.

Everything else with that scheduler's name waits here, as it would without one.
"""

import logging

from cluster.client import ClusterClient
from cluster.documents import Document, controller_of, is_deleting, key_of, name_of, namespace_of, uid_of
from cluster.errors import Conflict, NotFound
from cluster.kinds import DAEMON_SETS
from cluster.pods import is_finished
from cluster.simulator.controllers.daemon_pods import node_of
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.simulator.kubelet.requests import requests_of, too_much
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]
SCHEDULER = "default-scheduler"
_LOOK_AGAIN_SECONDS = 5.0


class DaemonBinder:
    def __init__(self, client: ClusterClient, pods: WatchCache, nodes: WatchCache, index: PodIndex) -> None:
        self._client, self._pods, self._nodes, self._index = client, pods, nodes, index
        self._queue: WorkQueue[Key] = WorkQueue("daemon-binder", self._bind, threads=1)
        pods.listen(self._pod_changed)

    def start(self) -> None:
        """Pods and nodes must have been listed."""
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()

    def _pod_changed(self, event: str, new: Document | None, old: Document | None) -> None:
        if new is not None and _waits(new):
            self._queue.add(key_of(new))

    def _bind(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or not _waits(pod):
            return
        node = self._nodes.get(None, node_of(pod))
        if node is None or self._is_full(node, pod):
            self._queue.add_after(key, _LOOK_AGAIN_SECONDS)
            return
        try:
            self._client.bind(namespace_of(pod), name_of(pod), uid=uid_of(pod), node=name_of(node))
        except (Conflict, NotFound):
            logger.debug("pod %s/%s is bound or gone", *key)

    def _is_full(self, node: Document, pod: Document) -> bool:
        allocatable = (node.get("status") or {}).get("allocatable") or {}
        others = [requests_of(one) for one in self._index.on_node(name_of(node)) if not is_finished(one)]
        return too_much(requests_of(pod), others, allocatable) is not None


def _waits(pod: Document) -> bool:
    spec, owner = pod["spec"], controller_of(pod)
    is_daemon = owner is not None and owner["kind"] == DAEMON_SETS.kind
    waits = not spec.get("nodeName") and not spec.get("schedulingGates") and not is_deleting(pod)
    return is_daemon and waits and spec.get("schedulerName") == SCHEDULER
