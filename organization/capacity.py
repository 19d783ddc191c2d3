"""What nodes and pools hold, for their pages; None where nobody knows."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from organization import usage
from organization.models import Node, NodePool, Project
from ui.wording import number

GPU = 1000


@dataclass(frozen=True)
class NodeSummary:
    nodes: int
    ready: int
    gpus: int
    free: float | None

    @property
    def words(self) -> str:
        free = "free GPUs unknown" if self.free is None else f"{number(self.free)} free"
        return f"{self.ready} of {self.nodes} nodes ready · {self.gpus} GPUs on ready nodes · {free}"


def held_on_nodes(nodes: Iterable[Node]) -> dict[int, float] | None:
    """Node id -> GPUs held on it."""
    rows = list(nodes)
    known = usage.of_nodes({node.cluster_id for node in rows})
    if known is None:
        return None
    return {node.pk: known.get((node.cluster_id, node.name), 0) / GPU for node in rows}


def held_by_pool(pools: Iterable[NodePool]) -> dict[int, float] | None:
    """Pool id -> GPUs held in it, by all projects of its cluster: one number that tells of nobody."""
    rows = list(pools)
    clusters: dict[int, uuid.UUID] = dict(
        Project.objects.filter(cluster_id__in={pool.cluster_id for pool in rows}).values_list(
            "pk", "cluster_id"
        )
    )
    known = usage.of_projects(list(clusters))
    if known is None:
        return None
    sums: dict[tuple[uuid.UUID, str], int] = {}
    for (project, name), one in known.items():
        key = (clusters[project], name)
        sums[key] = sums.get(key, 0) + one.held.gpu_milli
    return {pool.pk: sums.get((pool.cluster_id, pool.name), 0) / GPU for pool in rows}


def summary(nodes: Iterable[Node]) -> NodeSummary:
    rows = list(nodes)
    held = held_on_nodes(rows)
    usable = [node for node in rows if node.ready and not node.cordoned]
    free = None if held is None else sum(max(0.0, node.gpu_count - held[node.pk]) for node in usable)
    return NodeSummary(
        len(rows), sum(1 for node in rows if node.ready), sum(n.gpu_count for n in rows if n.ready), free
    )
