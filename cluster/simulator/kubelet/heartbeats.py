"""Heartbeats of the simulated nodes: a lease each in kube-node-lease, renewed in real time, so that a silent node can be told."""

import logging
import math
import threading
import time
from datetime import UTC, datetime

from cluster.client import ClusterClient
from cluster.documents import Document, condition_of, format_micro_time, uid_of
from cluster.errors import AlreadyExists, ClusterError, NotFound
from cluster.kinds import LEASES, NAMESPACES
from cluster.simulator.kubelet.lives import NodeAgent
from cluster.simulator.kubelet.roster import Roster
from cluster.simulator.kubelet.writer import KubeletWriter

logger = logging.getLogger(__name__)

NODE_LEASES = "kube-node-lease"
INTERVAL_SECONDS = 10.0
"""As the real kubelet has it; the lease lasts four times as long, after which the node counts as silent."""
_LEASE_INTERVALS = 4
_AT_ONCE = 50
"""Leases renewed in one go; more nodes are spread over the interval, and the interval grows."""
_STATUS_SECONDS = 300.0


class Heartbeats:
    """One thread for all nodes; wakes once per interval for a small cluster."""

    def __init__(
        self,
        client: ClusterClient,
        roster: Roster,
        writer: KubeletWriter,
        *,
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        self._client = client
        self._interval = interval
        self._roster = roster
        self._writer = writer
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubelet-heartbeats", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._roster.lock:
                agents = list(self._roster.agents.values())
            groups = [agents[start : start + _AT_ONCE] for start in range(0, len(agents), _AT_ONCE)] or [[]]
            # a thousand nodes at ten seconds would be a hundred writes a second: up to half of the lease may pass
            interval = min(self._interval * _LEASE_INTERVALS / 2, max(self._interval, len(agents) / 20))
            for group in groups:
                self._beat(group)
                if self._stopping.wait(interval / len(groups)):
                    return

    def _beat(self, agents: list[NodeAgent]) -> None:
        try:
            for agent in agents:
                if not agent.silent:
                    self._renew(agent)
                    self._look_after_status(agent)
        except ClusterError as error:
            # the leases run out while the server is away, as they would in reality
            logger.info("heartbeats: %s", error.message)

    def _renew(self, agent: NodeAgent) -> None:
        spec = {
            "holderIdentity": agent.name,
            "leaseDurationSeconds": math.ceil(self._interval * _LEASE_INTERVALS),
            "renewTime": format_micro_time(datetime.now(UTC)),
        }
        try:
            self._client.merge_patch(LEASES, agent.name, {"spec": spec}, namespace=NODE_LEASES)
        except NotFound:
            self._create(agent, spec)

    def _create(self, agent: NodeAgent, spec: Document) -> None:
        owner = {"apiVersion": "v1", "kind": "Node", "name": agent.name, "uid": uid_of(agent.node)}
        lease = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": agent.name, "namespace": NODE_LEASES, "ownerReferences": [owner]},
            "spec": spec,
        }
        try:
            self._client.create(LEASES, lease)
        except AlreadyExists:
            logger.debug("lease %s was made meanwhile", agent.name)
        except NotFound:
            ensure_namespace(self._client, NODE_LEASES)

    def _look_after_status(self, agent: NodeAgent) -> None:
        """Now and then the status is written without a change, and at once when others say we are not ready."""
        now = time.monotonic()
        ready = condition_of(agent.node, "Ready")
        if ready is None or ready.get("status") != "True" or now >= agent.status_due:
            self._writer.node_due(agent.name)
            agent.status_due = now + _STATUS_SECONDS


def ensure_namespace(client: ClusterClient, name: str) -> None:
    """Make a namespace unless it is there."""
    try:
        client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    except AlreadyExists:
        logger.debug("namespace %s is there", name)
