"""Where a test of the simulated nodes happens: a world, a node and a namespace of its own on a bare server."""

import contextlib
import itertools

from cluster.client import ClusterClient
from cluster.errors import NotFound
from cluster.kinds import NAMESPACES, NODES, PODS
from cluster.metrics_text import read_metrics
from cluster.nodes import is_ready
from cluster.simulator.shapes import SHAPES, NodeShape, node_document
from cluster.simulator.world import World
from tests.cluster.suite.objects import pod

_numbers = itertools.count(1)


class Place:
    """One world on the server, a node and a namespace of the test's own."""

    def __init__(self, client: ClusterClient) -> None:
        self.client = client
        number = next(_numbers)
        self.namespace = f"world-{number}"
        self.node = f"node-{number}"
        self.nodes = [self.node]
        self.world: World | None = None
        self.client.create(
            NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        )
        self.add_node(self.node, SHAPES["h100"])
        self.start()

    def add_node(self, name: str, shape: NodeShape) -> None:
        self.client.create(NODES, node_document(name, shape))

    def start(self) -> None:
        client = ClusterClient(self.client.connection, user_agent="runai-simulator")
        self.world = World(client, heartbeat_seconds=0.5)
        self.world.start()

    def stop(self) -> None:
        assert self.world is not None
        self.world.stop()

    def close(self) -> None:
        self.stop()
        self.client.delete_collection(PODS, self.namespace)
        for name in self.nodes:
            with contextlib.suppress(NotFound):  # a test may have been about that
                self.client.delete(NODES, name)
        self.client.delete(NAMESPACES, self.namespace)

    def is_ready(self) -> bool:
        return is_ready(self.client.get(NODES, self.node))

    def run_pod(self, name: str, *, gpus: int = 0, policy: str = "Never", **told: str) -> None:
        self.client.create(
            PODS, pod(name, node=self.node, gpus=gpus, policy=policy, **told), namespace=self.namespace
        )

    def pod(self, name: str) -> dict:
        return self.client.get(PODS, name, self.namespace)

    def phase(self, name: str) -> str:
        return (self.pod(name).get("status") or {}).get("phase", "")

    def has(self, name: str, namespace: str | None = None) -> bool:
        try:
            self.client.get(PODS, name, namespace or self.namespace)
        except NotFound:
            return False
        return True

    def exporter_runs(self) -> bool:
        """Of the node: the first on a server has to wait for its namespace."""
        name = f"nvidia-dcgm-exporter-{self.node}"
        if not self.has(name, "gpu-operator"):
            return False
        status = self.client.get(PODS, name, "gpu-operator").get("status") or {}
        return status.get("phase") == "Running"

    def tell_node(self, **told: str | None) -> None:
        notes = {f"simulator/{name.replace('_', '-')}": value for name, value in told.items()}
        self.client.merge_patch(NODES, self.node, {"metadata": {"annotations": notes}})

    def gpu_samples(self, name: str) -> dict[str, float]:
        exporter = f"nvidia-dcgm-exporter-{self.node}"
        page = self.client.proxy_get(PODS, exporter, "metrics", namespace="gpu-operator", port=9400)
        return {one.labels["gpu"]: one.value for one in read_metrics(page) if one.name == name}
