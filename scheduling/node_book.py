"""Nodes as the engine takes them, with what other schedulers' pods hold there; what a node's document says is read once a version."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cluster.documents import Document, labels_of, name_of
from organization.models import NodePool
from organization.pools import DEFAULT, pool_of
from scheduling.engine.model.nodes import Node
from scheduling.node_facts import read_node
from scheduling.occupants import count_foreign, offer_host_ports
from scheduling.pod_facts import PodFacts


class _Seen(NamedTuple):
    """All that nodes are worked out of; documents and facts that have not changed are the same objects again."""

    documents: list[Document]
    pools: list[tuple[str, str, str]]
    aside: dict[str, PodFacts]
    with_ports: dict[str, PodFacts]


class NodeBook:
    """`pools` are the names of the nodes' pools by the node's name; `troubles` are what is wrong with nodes, for the log."""

    def __init__(self) -> None:
        self.pools: dict[str, str] = {}
        self.troubles: list[str] = []
        self._in_pool: dict[str, list[Node]] = {}
        self._read: dict[str, tuple[str, Node, str]] = {}
        self._seen = _Seen([], [], {}, {})

    def in_pool(self, name: str) -> list[Node]:
        return self._in_pool.get(name, [])

    def update(
        self,
        documents: Sequence[Document],
        pools: Sequence[NodePool],
        aside: Mapping[str, PodFacts],
        with_ports: Mapping[str, PodFacts],
    ) -> None:
        """`aside` are pods on nodes that are not scheduled here, or cannot be read; `with_ports` ask for ports of their node; by uid."""
        labels = [(pool.name, pool.label_key, pool.label_value) for pool in pools]
        seen = _Seen(list(documents), labels, dict(aside), dict(with_ports))
        if seen != self._seen:
            self._work_out(seen, pools)
            self._seen = seen

    def _work_out(self, seen: _Seen, pools: Sequence[NodePool]) -> None:
        fresh: dict[str, tuple[str, Node, str]] = {}
        self.pools, self.troubles = {}, []
        for document in seen.documents:
            name, version = name_of(document), str(document["metadata"].get("resourceVersion"))
            known = self._read.get(name)
            fresh[name] = known if known and known[0] == version else (version, *read_node(document))
            pool = pool_of(labels_of(document), pools)
            self.pools[name] = pool.name if pool else DEFAULT
            if fresh[name][2]:
                self.troubles.append(f"node {name}: {fresh[name][2]}")
        self._read = fresh
        nodes = {name: node for name, (_, node, _) in fresh.items()}
        offer_host_ports(_in_order(seen.with_ports), nodes)
        self.troubles += count_foreign(_in_order(seen.aside), nodes)
        self._in_pool = {}
        for name, node in nodes.items():
            self._in_pool.setdefault(self.pools[name], []).append(node)


def _in_order(facts: Mapping[str, PodFacts]) -> list[PodFacts]:
    return [facts[uid] for uid in sorted(facts)]
