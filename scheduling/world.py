"""What the watch caches say of a cluster at one moment."""

from dataclasses import dataclass, field

from cluster.client import ClusterClient
from cluster.documents import Document
from cluster.errors import ClusterError
from cluster.kinds import (
    JOBS,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    STORAGE_CLASSES,
    TOPOLOGIES,
    Kind,
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
    TOPOLOGIES,
)
"""In the order of the fields of World."""
OPTIONAL = frozenset({TOPOLOGIES})
"""A cluster need not know them."""


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
    topologies: list[Document] = field(default_factory=list)

    @classmethod
    def list(cls, client: ClusterClient) -> "World":
        """One look, without caches."""
        return cls(*(_listed(client, kind) for kind in KINDS))


def _listed(client: ClusterClient, kind: Kind) -> list[Document]:
    try:
        return client.list(kind).items
    except ClusterError as error:
        if kind in OPTIONAL and error.code == 404:
            return []
        raise
