"""What the watch caches say of a cluster at one moment."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

from cluster.client import ClusterClient
from cluster.documents import Document
from cluster.errors import ClusterError
from cluster.kinds import (
    GROUP_OWNERS,
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
    *GROUP_OWNERS,
)
"""In the order of the fields of World, the last of which holds all the rest."""
OPTIONAL = frozenset({TOPOLOGIES, *GROUP_OWNERS})
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
    group_owners: list[Document] = field(default_factory=list)
    """Objects of other projects that say which pods start together."""

    @classmethod
    def of(cls, collections: Iterable[list[Document]]) -> "World":
        """One collection for each of KINDS."""
        found = list(collections)
        own = len(KINDS) - len(GROUP_OWNERS)
        return cls(*[*found[:own], list(chain.from_iterable(found[own:]))])

    @classmethod
    def list(cls, client: ClusterClient) -> "World":
        """One look, without caches."""
        return cls.of(_listed(client, kind) for kind in KINDS)


def _listed(client: ClusterClient, kind: Kind) -> list[Document]:
    try:
        return client.list(kind).items
    except ClusterError as error:
        if kind in OPTIONAL and error.code == 404:
            return []
        raise
