"""Pure: what holds places and ports on nodes besides the gangs that are scheduled here."""

from collections.abc import Iterable
from dataclasses import replace

from scheduling.engine.model.nodes import ForeignUse, Node
from scheduling.pod_facts import PodFacts
from scheduling.requests import HOST_PORT


def offer_host_ports(facts: Iterable[PodFacts], nodes: dict[str, Node]) -> None:
    """Each node has every port once that anybody asks for."""
    asked = {name for one in facts for name, _ in one.request.extended if name.startswith(HOST_PORT)}
    ports = dict.fromkeys(sorted(asked), 1)
    if ports:
        for name, node in nodes.items():
            nodes[name] = replace(node, extended={**node.extended, **ports})


def count_foreign(facts: Iterable[PodFacts], nodes: dict[str, Node]) -> list[str]:
    """Pods of other schedulers take from their nodes; a node with a pod that cannot be read takes no one new, and a sentence says so."""
    troubles: list[str] = []
    foreign: dict[str, list[PodFacts]] = {}
    for one in facts:
        if not one.holds or one.node not in nodes:
            continue
        if one.problem is not None:
            nodes[one.node] = replace(nodes[one.node], cordoned=True)
            troubles.append(
                f"node {one.node}: takes no new work, because of pod {one.namespace}/{one.name}: {one.problem.message}"
            )
        elif not one.ours:
            foreign.setdefault(one.node, []).append(one)
    for name, pods in foreign.items():
        nodes[name] = replace(nodes[name], foreign=ForeignUse.of([pod.request for pod in pods]))
    return troubles
