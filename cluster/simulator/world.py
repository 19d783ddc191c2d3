"""Everything in the simulated cluster that is a client of its API: kubelets and devices, and, unless real ones run, controllers."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from cluster.client import ClusterClient
from cluster.connection import Connection, connect_with_kubeconfig
from cluster.documents import Document
from cluster.errors import AlreadyExists, ClusterError
from cluster.kinds import NODES, PODS, STORAGE_CLASSES, Kind
from cluster.retries import RetryPolicy
from cluster.simulator.controllers.all import Controllers
from cluster.simulator.controllers.daemon_binder import DaemonBinder
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.simulator.kubelet.endpoint import Endpoint
from cluster.simulator.kubelet.exporters import Exporters
from cluster.simulator.kubelet.heartbeats import INTERVAL_SECONDS, NODE_LEASES, Heartbeats, ensure_namespace
from cluster.simulator.kubelet.kubelet import Kubelet
from cluster.simulator.kubelet.provisioner import Provisioner
from cluster.simulator.kubelet.roster import Roster
from cluster.simulator.kubelet.tunnel import Tunnel
from cluster.simulator.kubelet.writer import KubeletWriter
from cluster.simulator.shapes import wanted_nodes
from cluster.simulator.volumes import standard_class
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

USER_AGENT = "runai-simulator"
_PATIENCE = RetryPolicy(attempts=5, first_wait=0.1, longest_wait=2.0)


class World:
    """The parts, wired together. `start` returns when the first lists are in; `stop` ends all threads."""

    def __init__(
        self,
        client: ClusterClient,
        *,
        controllers: bool = True,
        events: bool = True,
        port: int = 0,
        heartbeat_seconds: float = INTERVAL_SECONDS,
        tunnel: Path | None = None,
    ) -> None:
        self.client = client
        self.roster = Roster()
        self.nodes = WatchCache(client, NODES)
        self.pods = WatchCache(client, PODS)
        self.endpoint = Endpoint(self.roster, port=port)
        self.writer = KubeletWriter(client, self.roster, port=self.endpoint.port, events=events)
        self.kubelet = Kubelet(client, self.roster, self.writer, tunnelled=tunnel is not None)
        self.tunnel = Tunnel(tunnel, self.roster, self.endpoint.serve) if tunnel else None
        self.heartbeats = Heartbeats(client, self.roster, self.writer, interval=heartbeat_seconds)
        self.exporters = Exporters(client, self.roster)
        self.provisioner = Provisioner(client)
        self.provisioner.claims.listen(self.kubelet.claim_changed)
        # a control plane that is reached through a tunnel is one of ours, which has no default scheduler either
        alone = controllers or tunnel is not None
        index = PodIndex()
        if alone:
            self.pods.listen(index.pod_changed)  # first, so that the others find what they hear of
        self.controllers = Controllers(client, self.pods, self.nodes, index) if controllers else None
        self.daemon_binder = DaemonBinder(client, self.pods, self.nodes, index) if alone else None
        self.nodes.listen(self.kubelet.node_changed)
        self.nodes.listen(self.exporters.node_changed)
        self.pods.listen(self.kubelet.pod_changed)
        self.pods.listen(self.exporters.pod_changed)

    def start(self, timeout: float = 60) -> None:
        """Raises ClusterUnavailable when the server does not answer in time."""
        self.endpoint.start()
        if self.tunnel is not None:
            self.tunnel.start()
        self.nodes.start()
        self.pods.start()
        if not (self.nodes.synced(timeout) and self.pods.synced(timeout)):
            raise TimeoutError(f"the API server did not list nodes and pods within {timeout:g} s")
        self.provisioner.start(timeout)  # before the kubelets, which ask whether claims are bound
        self.writer.start()
        self.kubelet.begin()
        self.heartbeats.start()
        self.exporters.start()
        if self.controllers is not None:
            self.controllers.start()
        if self.daemon_binder is not None:
            self.daemon_binder.start()

    def stop(self) -> None:
        if self.daemon_binder is not None:
            self.daemon_binder.stop()
        if self.controllers is not None:
            self.controllers.stop()
        self.exporters.stop()
        self.provisioner.stop()
        self.heartbeats.stop()
        self.kubelet.stop()
        self.writer.stop()
        self.pods.stop()
        self.nodes.stop()
        if self.tunnel is not None:
            self.tunnel.stop()
        self.endpoint.stop()


def run(
    connection: Connection | Path,
    nodes: Mapping[str, int],
    *,
    controllers: bool = True,
    events: bool = True,
    kubelet_port: int = 0,
    tunnel: Path | None = None,
    stop: threading.Event,
    ready: threading.Event | None = None,
) -> None:
    """Play the nodes (`{"h100": 4}`, made when they are missing) and all others with a shape until `stop` is set.

    `controllers=False` for a cluster that has its own; `tunnel` for one whose API server reaches nodes through that unix socket. Waits as long as it takes for the API server to answer.
    """
    reached = connect_with_kubeconfig(connection) if isinstance(connection, Path) else connection
    client = ClusterClient(reached, user_agent=USER_AGENT, policy=_PATIENCE)
    if not _prepare(client, wanted_nodes(nodes), stop):
        return
    world = World(client, controllers=controllers, events=events, port=kubelet_port, tunnel=tunnel)
    try:
        world.start()
        logger.info(
            "the world stands: %d nodes, kubelets on port %d", len(world.roster.agents), world.endpoint.port
        )
        if ready is not None:
            ready.set()
        stop.wait()
    finally:
        world.stop()
        client.close()


def _prepare(client: ClusterClient, nodes: list[Document], stop: threading.Event) -> bool:
    """Namespaces and nodes that have to be there; tries until it works, False when stopped before that."""
    failures = 0
    while not stop.is_set():
        try:
            ensure_namespace(client, NODE_LEASES)
            for node in nodes:
                _ensure(client, NODES, node)
            _ensure(client, STORAGE_CLASSES, standard_class())
        except ClusterError as error:
            failures += 1
            logger.warning("the cluster cannot be prepared yet: %s", error.message)
            stop.wait(_PATIENCE.wait(failures))
        else:
            return True
    return False


def _ensure(client: ClusterClient, kind: Kind, document: Document) -> None:
    try:
        client.create(kind, document)
    except AlreadyExists:
        logger.debug("%s %s is there", kind.kind, document["metadata"]["name"])
