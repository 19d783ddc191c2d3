"""Which resources the server knows: the built-in ones of the discovery data and those of CustomResourceDefinitions."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cluster.simulator.cel.schemas import has_rules
from cluster.simulator.openapi.builtin import DATA, type_names, type_schema
from cluster.simulator.openapi.custom import compile_custom
from cluster.simulator.openapi.schema import Schema
from cluster.simulator.problems import qualified

if TYPE_CHECKING:
    from cluster.simulator.cel.rules import RuleNode

ALL_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]


@dataclass(eq=False)
class Resource:
    """One resource in one version. `storage` names its objects in the store: two versions of a kind share it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    singular: str
    verbs: list[str]
    storage: str
    schema: Schema
    type_name: str = ""
    """Full name of a built-in type; empty for custom resources."""
    short_names: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    subresources: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Name -> its discovery entry (kind, group, version, verbs)."""
    hash: str = ""
    definition: dict[str, Any] = field(default_factory=dict)
    """The entry of a CustomResourceDefinition's `spec.versions`; empty for built-in kinds."""
    aggregated: bool = False
    """Nothing of it is stored: another server answers."""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def custom(self) -> bool:
        return not self.type_name

    @property
    def list_kind(self) -> str:
        return str(self.definition.get("listKind") or f"{self.kind}List")

    @cached_property
    def rules(self) -> "RuleNode | None":
        """The CEL rules of the definition's schema, compiled when the first object is written.

        Only then, and only where there are rules, the library is loaded.
        """
        schema = (self.definition.get("schema") or {}).get("openAPIV3Schema") or {}
        if not has_rules(schema):
            return None
        from cluster.simulator.cel.rules import compiled_rules

        return compiled_rules(schema)

    def __str__(self) -> str:
        return qualified(self.plural, self.group)


STORED_ELSEWHERE = {("events.k8s.io", "events"): "events"}
"""The same objects under a second group; `kinds/events.py` converts."""


class Registry:
    """Resources by (group, version, plural); custom ones come and go."""

    def __init__(self) -> None:
        self._resources: dict[tuple[str, str, str], Resource] = {}
        self.revision = 0
        """Grows with every change, so that discovery documents can be remembered."""
        self._groups: dict[str, list[str]] = {}
        self._groups_at = -1
        for group_version, entries in json.loads((DATA / "discovery.json").read_text()).items():
            for resource in _builtin(group_version, entries):
                self._resources[resource.group, resource.version, resource.plural] = resource
        for resource in _usage():
            self._resources[resource.group, resource.version, resource.plural] = resource
        self._builtin_keys = set(self._resources)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        return self._resources.get((group, version, plural))

    def builtin(self, group: str, version: str, plural: str) -> Resource:
        """A resource that is always there."""
        return self._resources[group, version, plural]

    def with_kind(self, group: str, version: str, kind: str) -> Resource | None:
        for resource in self._resources.values():
            if (resource.group, resource.version, resource.kind) == (group, version, kind):
                return resource
        return None

    def of_storage(self, storage: str) -> Resource | None:
        """Any version of the resource whose objects are stored under that name."""
        return next((r for r in self._resources.values() if r.storage == storage), None)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources.values())

    def group_versions(self) -> dict[str, list[str]]:
        """Group -> its versions, both in the order of discovery; not to be changed."""
        if self._groups_at != self.revision:
            self._groups, self._groups_at = self._group_versions(), self.revision
        return self._groups

    def _group_versions(self) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for resource in self._resources.values():
            versions = groups.setdefault(resource.group, [])
            if resource.version not in versions:
                versions.append(resource.version)
        return groups

    def replace_custom(self, definition: dict[str, Any] | None, name: str) -> None:
        """Serve what a CustomResourceDefinition says; None takes everything it served away."""
        for key in [k for k, r in self._resources.items() if r.custom and r.storage == name]:
            del self._resources[key]
        for resource in _custom(definition) if definition else ():
            key = (resource.group, resource.version, resource.plural)
            if key not in self._builtin_keys:
                self._resources[key] = resource
        self.revision += 1


def _builtin(group_version: str, entries: list[dict[str, Any]]) -> Iterable[Resource]:
    group, _, version = group_version.rpartition("/")
    found: dict[str, Resource] = {}
    for entry in entries:
        plural, _, subresource = entry["name"].partition("/")
        if subresource:
            found[plural].subresources[subresource] = entry
            continue
        type_name = type_names()[entry.get("group", group), entry.get("version", version), entry["kind"]]
        found[plural] = Resource(
            group=group,
            version=version,
            plural=plural,
            kind=entry["kind"],
            namespaced=entry["namespaced"],
            singular=entry["singularName"],
            verbs=entry["verbs"],
            storage=STORED_ELSEWHERE.get((group, plural), qualified(plural, group)),
            schema=type_schema(type_name),
            type_name=type_name,
            short_names=entry.get("shortNames", []),
            categories=entry.get("categories", []),
            hash=entry.get("storageVersionHash", ""),
        )
    return found.values()


def _usage() -> Iterable[Resource]:
    """What metrics-server brings to a cluster; here the kubelets' endpoint answers."""
    amounts = {"type": "object", "additionalProperties": {"type": "string"}}
    moments = {"timestamp": {"type": "string"}, "window": {"type": "string"}}
    one = {"type": "object", "properties": {"name": {"type": "string"}, "usage": amounts}}
    parts = {"nodes": {"usage": amounts}, "pods": {"containers": {"type": "array", "items": one}}}
    for plural, kind in (("nodes", "NodeMetrics"), ("pods", "PodMetrics")):
        told = {"type": "object", "properties": {**moments, **parts[plural]}}
        yield Resource(
            group="metrics.k8s.io",
            version="v1beta1",
            plural=plural,
            kind=kind,
            namespaced=plural == "pods",
            singular="",
            verbs=["get", "list"],
            storage=qualified(plural, "metrics.k8s.io"),
            schema=compile_custom(told, kind),
            definition={"schema": {"openAPIV3Schema": told}},
            aggregated=True,
        )


def _custom(definition: dict[str, Any]) -> Iterable[Resource]:
    spec, names = definition["spec"], definition["spec"]["names"]
    for version in spec["versions"]:
        if not version.get("served"):
            continue
        resource = Resource(
            group=spec["group"],
            version=version["name"],
            plural=names["plural"],
            kind=names["kind"],
            namespaced=spec["scope"] == "Namespaced",
            singular=names.get("singular") or names["kind"].lower(),
            verbs=ALL_VERBS,
            storage=definition["metadata"]["name"],
            schema=compile_custom(version.get("schema", {}).get("openAPIV3Schema", {}), names["kind"]),
            short_names=names.get("shortNames", []),
            categories=names.get("categories", []),
            definition={**version, "listKind": names.get("listKind")},
        )
        subresources = version.get("subresources") or {}
        for name, kind, group, api in (
            ("status", names["kind"], spec["group"], version["name"]),
            ("scale", "Scale", "autoscaling", "v1"),
        ):
            if name in subresources:
                entry = {"kind": kind, "name": f"{names['plural']}/{name}", "singularName": ""}
                entry |= {"group": group, "version": api} if group != spec["group"] else {}
                verbs = ["get", "patch", "update"]
                resource.subresources[name] = {**entry, "namespaced": resource.namespaced, "verbs": verbs}
        yield resource
