"""Who set which field: the `managedFields` of an object, kept up to date by every write. Pure."""

from dataclasses import dataclass
from typing import Any

from cluster.simulator.patching.comparing import Comparison, compare, strip_metadata, zero_object
from cluster.simulator.patching.field_sets import (
    Node,
    covers,
    difference,
    from_fields_v1,
    intersection,
    paths,
    set_of,
    to_fields_v1,
    touches,
    union,
)
from cluster.simulator.resources import Resource

Document = dict[str, Any]
MOST_UPDATERS = 10
ANCIENT = "ancient-changes"
UNTRACKED = "before-first-apply"


@dataclass
class Manager:
    """One entry: what `name` set by an operation (Apply or Update) on the object or a subresource."""

    name: str
    operation: str
    api_version: str
    subresource: str
    time: str
    fields: Node

    @property
    def identity(self) -> tuple[str, str, str, str]:
        version = "" if self.operation == "Apply" else self.api_version
        return self.name, self.operation, version, self.subresource

    def as_json(self) -> Document:
        entry = {
            "manager": self.name,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": to_fields_v1(self.fields),
        }
        return entry | ({"subresource": self.subresource} if self.subresource else {})


def managers_of(document: Document) -> list[Manager]:
    """The entries of an object."""
    return [
        Manager(
            entry.get("manager", ""),
            entry.get("operation", "Update"),
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
            entry.get("time") or "",
            from_fields_v1(entry.get("fieldsV1") or {}),
        )
        for entry in document["metadata"].get("managedFields") or []
    ]


def write_managers(document: Document, managers: list[Manager]) -> None:
    """Set the entries in the API's order: appliers first, then by time and name."""
    kept = [manager for manager in managers if manager.fields]
    kept.sort(key=lambda m: (m.operation, m.time, m.name, m.api_version, m.subresource))
    if kept:
        document["metadata"]["managedFields"] = [manager.as_json() for manager in kept]
    else:
        document["metadata"].pop("managedFields", None)


def base_of(resource: Resource, old: Document | None) -> Document:
    """What a new version is compared with."""
    if old is not None:
        return old
    return {"metadata": {}} if resource.custom else zero_object(resource.schema)


def track_update(
    resource: Resource, old: Document | None, new: Document, manager: str, subresource: str, moment: str
) -> None:
    """Record in `new` what this update by `manager` changed; `moment` is the RFC 3339 time of the update."""
    given = new["metadata"].get("managedFields")
    if old is not None and given is None:
        if "managedFields" in old["metadata"]:
            given = new["metadata"]["managedFields"] = old["metadata"]["managedFields"]
    elif given is not None and (old is None or all(not entry for entry in given)):
        new["metadata"].pop("managedFields")
        given = None
    comparison = compare(resource.schema, base_of(resource, old), new)
    _leave_out_other_half(resource, subresource, comparison)
    if not comparison.changed and not comparison.removed:
        return
    if old is not None and not given:
        return  # an object nobody tracks is tracked from its first apply on
    identity = (manager, "Update", str(new.get("apiVersion", "")), subresource)
    if given and _changes_nothing(given, identity, comparison):
        return
    managers = managers_of(new) if given else []
    own = Manager(manager, "Update", str(new.get("apiVersion", "")), subresource, moment, {})
    write_managers(new, _capped(_after_update(managers, own, comparison)))


def _changes_nothing(entries: list[Document], identity: tuple[str, ...], comparison: Comparison) -> bool:
    """Whether the updater owns all it changed and nobody owns what is gone: the usual case of a status that is written again."""
    found = False
    for entry in entries:
        fields = entry.get("fieldsV1") or {}
        name, version = entry.get("manager"), entry.get("apiVersion")
        if (name, entry.get("operation"), version, entry.get("subresource", "")) == identity:
            found = covers(fields, comparison.changed)
            if not found:
                return False
        elif touches(fields, comparison.changed):
            return False
        if comparison.removed and touches(fields, comparison.removed):
            return False
    return found


def _leave_out_other_half(resource: Resource, subresource: str, comparison: Comparison) -> None:
    """An endpoint owns nothing of the half it may not write."""
    if "status" in resource.subresources:
        ignored = "f:spec" if subresource == "status" else "f:status"
        for node in (comparison.changed, comparison.removed):
            node.pop(ignored, None)


def _after_update(managers: list[Manager], own: Manager, comparison: Comparison) -> list[Manager]:
    result = []
    found: Manager | None = None
    touched = union(comparison.changed, comparison.removed)
    for manager in managers:
        if manager.identity == own.identity:
            found = manager
        else:
            manager.fields = difference(manager.fields, touched)
        result.append(manager)
    before = found.fields if found else {}
    after = union(difference(before, comparison.removed), comparison.changed)
    if found is None:
        own.fields = after
        result.append(own)
    elif after != before:
        found.fields, found.time = after, own.time
    return result


def _capped(managers: list[Manager]) -> list[Manager]:
    """At most ten updaters; the oldest of one version are merged into one entry."""
    updaters = [manager for manager in managers if manager.operation == "Update" and manager.fields]
    if len(updaters) <= MOST_UPDATERS:
        return managers
    updaters.sort(key=lambda manager: manager.time)
    first, *others = updaters[: len(updaters) - MOST_UPDATERS + 1]
    bucket = Manager(ANCIENT, "Update", first.api_version, "", first.time, first.fields)
    merged = {id(first)}
    for other in others:
        if other.api_version == bucket.api_version:
            bucket.fields = union(bucket.fields, other.fields)
            bucket.time = other.time
            merged.add(id(other))
    return [*(manager for manager in managers if id(manager) not in merged), bucket]


@dataclass(frozen=True)
class OwnershipConflict:
    """A field that another manager owns and this apply would change."""

    manager: Manager
    path: str


def track_apply(
    resource: Resource, old: Document | None, new: Document, config: Document, own: Manager
) -> tuple[list[Manager], list[OwnershipConflict]]:
    """The entries after an apply, and what stands against it; `own.fields` is set to the configuration's fields.

    `new` is the merged object before defaults are set; fields of `config` that the endpoint ignores are already taken out.
    """
    own.fields = config_set(resource, config)
    comparison = compare(resource.schema, base_of(resource, old), new)
    managers = managers_of(old) if old is not None else []
    if old is not None and not managers:
        created = old["metadata"].get("creationTimestamp", "")
        managers = [Manager(UNTRACKED, "Update", own.api_version, "", created, config_set(resource, old))]
    result, conflicts, present = [], [], False
    for manager in managers:
        if manager.identity == own.identity:
            present = True
            own.time = (
                manager.time
                if manager.fields == own.fields and manager.api_version == own.api_version
                else own.time
            )
            result.append(own)
            continue
        shared = intersection(manager.fields, comparison.changed)
        conflicts += [OwnershipConflict(manager, path) for path in paths(shared)]
        manager.fields = difference(difference(manager.fields, shared), comparison.removed)
        result.append(manager)
    if not present:
        result.append(own)
    return result, conflicts


def config_set(resource: Resource, config: Document) -> Node:
    """The fields a configuration claims."""
    fields = set_of(resource.schema, config)
    strip_metadata(fields)
    return fields
