"""The node controller: a node whose lease runs out is marked, tainted, and after a while its pods are taken away."""

import logging
import threading
import time
from datetime import timedelta
from typing import Any

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import (
    Condition,
    Document,
    condition_of,
    format_time,
    is_deleting,
    name_of,
    namespace_of,
    parse_time,
    uid_of,
    with_condition,
)
from cluster.errors import ClusterError, Conflict, NotFound
from cluster.kinds import LEASES, NODES, PODS
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

UNREACHABLE = "node.kubernetes.io/unreachable"
NOT_READY = "node.kubernetes.io/not-ready"
_NODE_LEASES = "kube-node-lease"
_LOOK_SECONDS = 2.0
_TOLERATION_SECONDS = 300.0
"""Product seconds a pod stays on an unreachable node when it says nothing else."""


class NodeLifecycle:
    """Looks at all leases every two seconds; whether one has run out is judged by our own clock since it last changed."""

    def __init__(self, client: ClusterClient, nodes: WatchCache, index: PodIndex) -> None:
        self._client = client
        self._nodes = nodes
        self._index = index
        self._seen: dict[str, tuple[str, float]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="node-lifecycle", daemon=True)
        self.leases = WatchCache(client, LEASES)

    def start(self) -> None:
        self.leases.start()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)
        self.leases.stop()

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            if not (self.leases.healthy and self._nodes.healthy):
                # while we are blind, every node would look silent
                self._seen.clear()
                continue
            for node in self._nodes.items():
                try:
                    self._look(node)
                except (NotFound, Conflict):
                    logger.debug("node %s changed meanwhile", name_of(node))
                except ClusterError as error:
                    logger.info("node controller: %s", error.message)
                    break
            self._drop_pods_of_missing_nodes()

    def _look(self, node: Document) -> None:
        silent = self._is_silent(name_of(node))
        ready = condition_of(node, "Ready")
        if silent:
            if ready is None or ready["status"] != "Unknown":
                self._mark_unknown(node)
            self._evict(node)
        wanted = (
            None if ready is None else {"True": None, "Unknown": UNREACHABLE}.get(ready["status"], NOT_READY)
        )
        self._keep_taints(node, wanted)

    def _is_silent(self, name: str) -> bool:
        lease = self.leases.get(_NODE_LEASES, name)
        if lease is None:
            return False  # a node that has just been made; its kubelet has its own time to begin
        spec = lease.get("spec") or {}
        renewed = str(spec.get("renewTime"))
        now = time.monotonic()
        if self._seen.get(name, ("", 0.0))[0] != renewed:
            self._seen[name] = (renewed, now)
        return now - self._seen[name][1] > float(spec.get("leaseDurationSeconds") or 40)

    def _mark_unknown(self, node: Document) -> None:
        stamp = format_time(clock.now())
        conditions: list[Condition] = (node.get("status") or {}).get("conditions") or []
        for kind in ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure"):
            condition: Condition = {
                "type": kind,
                "status": "Unknown",
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
                "lastTransitionTime": stamp,
            }
            before = condition_of(node, kind)
            if before is not None and "lastHeartbeatTime" in before:
                condition["lastHeartbeatTime"] = before["lastHeartbeatTime"]
            conditions = with_condition(conditions, condition)
        self._client.strategic_patch(
            NODES, name_of(node), {"status": {"conditions": conditions}}, subresource="status"
        )
        logger.warning("node %s is silent: marked as unknown", name_of(node))
        for pod in self._index.on_node(name_of(node)):
            self._mark_pod_not_ready(pod)

    def _mark_pod_not_ready(self, pod: Document) -> None:
        ready = condition_of(pod, "Ready")
        if ready is None or ready["status"] != "True":
            return
        condition = {
            **ready,
            "status": "False",
            "reason": "NodeNotReady",
            "lastTransitionTime": format_time(clock.now()),
        }
        patch = {"metadata": {"uid": uid_of(pod)}, "status": {"conditions": [condition]}}
        try:
            self._client.strategic_patch(
                PODS, name_of(pod), patch, namespace=namespace_of(pod), subresource="status"
            )
        except (NotFound, Conflict):
            logger.debug("pod %s is gone", name_of(pod))

    def _keep_taints(self, node: Document, wanted: str | None) -> None:
        taints: list[dict[str, Any]] = node["spec"].get("taints") or []
        others = [taint for taint in taints if taint["key"] not in (UNREACHABLE, NOT_READY)]
        present = {taint["key"] for taint in taints} & {UNREACHABLE, NOT_READY}
        if present == ({wanted} if wanted else set()):
            return
        if wanted is not None:
            stamp = format_time(clock.now())
            others += [
                {"key": wanted, "effect": "NoSchedule"},
                {"key": wanted, "effect": "NoExecute", "timeAdded": stamp},
            ]
        patch = {
            "metadata": {"resourceVersion": node["metadata"]["resourceVersion"]},
            "spec": {"taints": others or None},
        }
        self._client.merge_patch(NODES, name_of(node), patch)

    def _evict(self, node: Document) -> None:
        """Delete the pods that have borne the taint long enough. They stay visible until their kubelet is back or the node is gone."""
        since = next(
            (
                taint["timeAdded"]
                for taint in node["spec"].get("taints") or []
                if taint["key"] == UNREACHABLE and "timeAdded" in taint
            ),
            None,
        )
        if since is None:
            return
        now = clock.now()
        for pod in self._index.on_node(name_of(node)):
            bears = _toleration_seconds(pod)
            if is_deleting(pod) or bears is None or now < parse_time(since) + timedelta(seconds=bears):
                continue
            self._client.delete(PODS, name_of(pod), namespace_of(pod), uid=uid_of(pod))
            logger.warning(
                "pod %s/%s is taken from the silent node %s", namespace_of(pod), name_of(pod), name_of(node)
            )

    def _drop_pods_of_missing_nodes(self) -> None:
        known = {name_of(node) for node in self._nodes.items()}
        for name in self._index.nodes():
            if name in known:
                continue
            for pod in self._index.on_node(name):
                self._drop(pod, name)

    def _drop(self, pod: Document, node: str) -> None:
        try:
            self._client.get(NODES, node)
        except NotFound:
            pass
        else:
            return  # made this moment; the watch has not shown it yet
        try:
            self._client.delete(PODS, name_of(pod), namespace_of(pod), uid=uid_of(pod), grace_seconds=0)
        except (NotFound, Conflict):
            logger.debug("pod %s is gone", name_of(pod))
        except ClusterError as error:
            logger.info("pod %s of the missing node %s stays for now: %s", name_of(pod), node, error.message)


def _toleration_seconds(pod: Document) -> float | None:
    """How long a pod bears an unreachable node, in product seconds; None for ever."""
    for toleration in pod["spec"].get("tolerations") or []:
        matches = toleration.get("key") in (None, "", UNREACHABLE) and toleration.get("effect") in (
            None,
            "",
            "NoExecute",
        )
        if matches and (toleration.get("operator") == "Exists" or toleration.get("key") == UNREACHABLE):
            seconds = toleration.get("tolerationSeconds")
            return None if seconds is None else float(seconds)
    return _TOLERATION_SECONDS
