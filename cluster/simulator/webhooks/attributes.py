"""What is being done to which object: the question put to every webhook. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cluster.simulator.resources import Registry, Resource

Document = dict[str, Any]


@dataclass(frozen=True)
class TypeName:
    """A group, a version, and a kind or a plural."""

    group: str
    version: str
    name: str

    def as_json(self, key: str) -> dict[str, str]:
        return {"group": self.group, "version": self.version, key: self.name}


@dataclass(frozen=True)
class Attributes:
    """One write. `document` is None when something is deleted, `old` when it is created; both are in `resource`'s version."""

    operation: str
    resource: Resource
    name: str = ""
    namespace: str = ""
    subresource: str = ""
    document: Document | None = None
    old: Document | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    dry_run: bool = False

    @property
    def plural(self) -> TypeName:
        return TypeName(self.resource.group, self.resource.version, self.resource.plural)

    @property
    def kind(self) -> TypeName:
        """Of the document: a Scale or an Eviction where the subresource has a kind of its own."""
        entry = self.resource.subresources.get(self.subresource, {})
        return TypeName(
            entry.get("group", self.resource.group),
            entry.get("version", self.resource.version),
            entry.get("kind", self.resource.kind),
        )

    @property
    def shown_namespace(self) -> str:
        """A namespace is in itself."""
        return (self.name or self._own_name) if self.is_namespace else self.namespace

    @property
    def _own_name(self) -> str:
        """Of an object whose collection is being deleted."""
        return str(((self.old or {}).get("metadata") or {}).get("name", ""))

    @property
    def is_namespace(self) -> bool:
        return self.resource.storage == "namespaces"

    def as_resource(self, resource: Resource) -> "Attributes":
        """The same write seen in another version of the resource."""
        return replace(self, resource=resource)


def equivalents(registry: Registry, resource: Resource) -> list[Resource]:
    """Other versions, or groups, under which the same objects are served."""
    return [other for other in registry if other.storage == resource.storage and other is not resource]
