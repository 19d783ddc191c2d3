"""The server's parts in one place, and the versions in which an object goes in and out."""

from dataclasses import dataclass, field
from typing import Any

from cluster.simulator.identities import Identities
from cluster.simulator.kinds.definitions import is_established
from cluster.simulator.kinds.events import to_core, to_newer
from cluster.simulator.kinds.rules import Surroundings
from cluster.simulator.resources import Registry, Resource
from cluster.simulator.server.watching import Hub
from cluster.simulator.store.objects import Store, Stored, encode

CRDS = "customresourcedefinitions.apiextensions.k8s.io"
Document = dict[str, Any]


@dataclass
class Api:
    """What every handler works on."""

    store: Store
    identities: Identities
    authority: str = ""
    """The CA certificate in PEM."""
    registry: Registry = field(default_factory=Registry)
    hub: Hub = field(default_factory=Hub)

    def __post_init__(self) -> None:
        self.store.announce = self.hub.announce
        for stored in self.store.listed(CRDS):
            if is_established(stored.document):
                self.registry.replace_custom(stored.document, stored.name)

    @property
    def around(self) -> Surroundings:
        return Surroundings(self.store, self.registry)


def incoming(resource: Resource, document: Document) -> Document:
    """A document of the resource's version as it is stored."""
    return to_core(document) if resource.storage == "events" else document


def outgoing(resource: Resource, document: Document) -> Document:
    """A stored document in the resource's version."""
    if document.get("apiVersion") == resource.api_version:
        return document
    if resource.storage == "events":
        return to_newer(document)
    return {**document, "apiVersion": resource.api_version}


def body_of(resource: Resource, stored: Stored) -> bytes:
    """The bytes of an object in the resource's version; those of the stored version are shared."""
    if stored.document.get("apiVersion") == resource.api_version:
        return stored.body
    return encode(outgoing(resource, stored.document))
