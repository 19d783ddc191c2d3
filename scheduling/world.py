"""What the watch caches say of a cluster at one moment."""

from dataclasses import dataclass, field

from cluster.client import ClusterClient
from cluster.documents import Document
from cluster.kinds import (
    JOBS,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    STORAGE_CLASSES,
)

KINDS = (
    PODS,
    NODES,
    NAMESPACES,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    STORAGE_CLASSES,
    POD_DISRUPTION_BUDGETS,
)
"""In the order of the fields of World."""


@dataclass(frozen=True)
class World:
    """Documents as Kubernetes has them. `jobs` are looked at for what people wrote on them instead of on their pods."""

    pods: list[Document]
    nodes: list[Document]
    namespaces: list[Document]
    jobs: list[Document] = field(default_factory=list)
    claims: list[Document] = field(default_factory=list)
    volumes: list[Document] = field(default_factory=list)
    storage_classes: list[Document] = field(default_factory=list)
    budgets: list[Document] = field(default_factory=list)

    @classmethod
    def list(cls, client: ClusterClient) -> "World":
        """One look, without caches."""
        return cls(*(client.list(kind).items for kind in KINDS))
