"""Nodes as the engine takes them, with what other schedulers' pods hold there; what a node's document says is read once a version."""

from collections.abc import Iterable

from cluster.documents import Document, labels_of, name_of
from organization.models import NodePool
from organization.pools import DEFAULT, pool_of
from scheduling.engine.model.nodes import Node
from scheduling.node_facts import read_node
from scheduling.occupants import count_foreign, offer_host_ports
from scheduling.pod_facts import PodFacts


class NodeBook:
    """`nodes` and `pools` by the node's name; `troubles` are what is wrong with them, for the log."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.pools: dict[str, str] = {}
        self.troubles: list[str] = []
        self._read: dict[str, tuple[str, Node, str]] = {}

    def update(
        self,
        documents: Iterable[Document],
        pools: list[NodePool],
        aside: Iterable[PodFacts],
        with_ports: Iterable[PodFacts],
    ) -> None:
        """`aside` are pods on nodes that are not scheduled here, or cannot be read; `with_ports` ask for ports of their node."""
        fresh: dict[str, tuple[str, Node, str]] = {}
        self.pools, self.troubles = {}, []
        for document in documents:
            name, version = name_of(document), str(document["metadata"].get("resourceVersion"))
            known = self._read.get(name)
            fresh[name] = known if known and known[0] == version else (version, *read_node(document))
            pool = pool_of(labels_of(document), pools)
            self.pools[name] = pool.name if pool else DEFAULT
            if fresh[name][2]:
                self.troubles.append(f"node {name}: {fresh[name][2]}")
        self._read = fresh
        self.nodes = {name: node for name, (_, node, _) in fresh.items()}
        offer_host_ports(with_ports, self.nodes)
        self.troubles += count_foreign(aside, self.nodes)
