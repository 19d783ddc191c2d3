"""Server-side apply: merge a configuration, settle who owns what, then create or update."""

from typing import Any

from cluster.simulator.openapi.decoding import Decoding, WrongType
from cluster.simulator.patching.field_sets import Node, union
from cluster.simulator.patching.managed_fields import (
    Manager,
    OwnershipConflict,
    base_of,
    config_set,
    managers_of,
    track_apply,
    write_managers,
)
from cluster.simulator.patching.typed_merge import REMOVED, DuplicateItem, prune, typed_merge
from cluster.simulator.problems import Cause, Problem, bad_request, conflict, invalid, not_found
from cluster.simulator.resources import Resource
from cluster.simulator.server.api import Api, Document, outgoing
from cluster.simulator.server.bodies import decode
from cluster.simulator.server.creating import create, timestamp
from cluster.simulator.server.messages import Request, Target
from cluster.simulator.server.options import WriteOptions
from cluster.simulator.server.updating import update
from cluster.simulator.store.objects import Stored


def apply_configuration(
    api: Api, target: Target, stored: Stored | None, value: Any, options: WriteOptions, request: Request
) -> tuple[Document, bool]:
    """The object after the apply and whether it is new. Raises 400, 409, 422."""
    resource = target.resource
    if not request.query.get("fieldManager"):
        cause = Cause("fieldManager", "FieldValueRequired", "Required value: is required for apply patch")
        raise invalid("PatchOptions", "meta.k8s.io", "", [cause])
    config = _configuration(resource, target, value, options)
    if stored is None and (config["metadata"].get("uid") or target.subresource):
        raise _absent(resource, target, config)
    old = outgoing(resource, stored.document) if stored is not None else None
    version = resource.api_version
    own = Manager(options.field_manager, "Apply", version, options.subresource, timestamp(), {})
    merged = _merged(resource, old, config, own)
    managers, conflicts = track_apply(resource, old, merged, config, own)
    if conflicts and not options.force:
        raise _conflict(conflicts)
    document = decode(resource, merged, options.strictness, old)
    document["metadata"] = dict(document["metadata"])
    write_managers(document, managers)
    if stored is None:
        return create(api, resource, target.namespace, document, options, applied=True), True
    return update(api, resource, stored, document, options, applied=True), False


def _configuration(resource: Resource, target: Target, value: Any, options: WriteOptions) -> Document:
    """The body as a configuration: typed, without defaults, without what this endpoint ignores."""
    if not isinstance(value, dict):
        raise bad_request("the configuration is not an object")
    if value.get("apiVersion") != resource.api_version or value.get("kind") != resource.kind:
        raise bad_request(
            f"apply patch needs apiVersion {resource.api_version} and kind {resource.kind}, not"
            f" {value.get('apiVersion') or 'none'} and {value.get('kind') or 'none'}"
        )
    decoding = Decoding(set_defaults=False, custom=resource.custom)
    try:
        config: Document = decoding.decode(resource.schema, value)
    except WrongType as error:
        raise bad_request(
            f"failed to create typed patch object ({_named(target, resource)}): {error}"
        ) from None
    if decoding.unknown:
        listed = "".join(f".{path}: field not declared in schema" for path in decoding.unknown[:1])
        raise Problem(500, "", f"failed to create typed patch object ({_named(target, resource)}): {listed}")
    metadata = config["metadata"] = dict(config.get("metadata") or {})
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    if metadata.setdefault("name", target.name) != target.name:
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        )
    if target.namespace and metadata.setdefault("namespace", target.namespace) != target.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if "status" in resource.subresources:
        ignored = "spec" if options.subresource == "status" else "status"
        config.pop(ignored, None)
    return config


def _named(target: Target, resource: Resource) -> str:
    place = f"/{target.name}"
    return f"{place}; {resource.api_version}, Kind={resource.kind}"


def _absent(resource: Resource, target: Target, config: Document) -> Problem:
    if target.subresource:
        return not_found(resource.plural, resource.group, target.name)
    detail = f"uid mismatch: the provided object specified uid {config['metadata']['uid']}, and no existing object was found"
    return conflict(resource.plural, resource.group, target.name, detail)


def _merged(resource: Resource, old: Document | None, config: Document, own: Manager) -> Document:
    """Live and configured together, without what the manager applied last time and no longer does."""
    live = old if old is not None else base_of(resource, None)
    try:
        merged: Document = typed_merge(resource.schema, live, config)
    except DuplicateItem as error:
        raise bad_request(f"failed to create typed patch object: {error}") from None
    managers = managers_of(old) if old is not None else []
    last = next((manager.fields for manager in managers if manager.identity == own.identity), None)
    if last:
        owned: Node = config_set(resource, config)
        for manager in managers:
            if manager.identity != own.identity:
                owned = union(owned, manager.fields)
        pruned = prune(resource.schema, merged, last, owned)
        merged = {} if pruned is REMOVED else pruned
    merged["apiVersion"], merged["kind"] = resource.api_version, resource.kind
    merged.setdefault("metadata", config["metadata"])
    return merged


def _conflict(conflicts: list[OwnershipConflict]) -> Problem:
    """409 naming every field and whose it is."""
    causes = []
    by_manager: dict[str, list[str]] = {}
    for entry in conflicts:
        manager = entry.manager
        text = f'"{manager.name}"'
        if manager.subresource:
            text += f' with subresource "{manager.subresource}"'
        if manager.operation == "Update":
            text += f" using {manager.api_version}"
        causes.append(
            {"reason": "FieldManagerConflict", "message": f"conflict with {text}", "field": entry.path}
        )
        by_manager.setdefault(text, []).append(entry.path)
    number = f"{len(causes)} conflict{'s' if len(causes) != 1 else ''}"
    if len(causes) == 1:
        text = f"Apply failed with {number}: {causes[0]['message']}: {causes[0]['field']}"
    else:
        parts = [
            f"conflict{'s' if len(listed) > 1 else ''} with {who}:\n"
            + "\n".join(f"- {path}" for path in listed)
            for who, listed in by_manager.items()
        ]
        text = f"Apply failed with {number}: " + "\n".join(parts)
    return Problem(409, "Conflict", text, details={"causes": causes})
