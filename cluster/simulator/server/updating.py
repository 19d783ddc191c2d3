"""Update: a new version of a stored object, whether it came as a whole or as a patch."""

from typing import Any

from cluster.simulator.kinds import rules_for
from cluster.simulator.kinds.definitions import established, is_established
from cluster.simulator.kinds.rules import KindRules
from cluster.simulator.patching.managed_fields import track_update
from cluster.simulator.problems import STALE, bad_request, conflict, invalid, wrong
from cluster.simulator.resources import Resource
from cluster.simulator.server.admitting import admitted, approved
from cluster.simulator.server.api import CRDS, Api, Document, incoming, outgoing
from cluster.simulator.server.creating import timestamp
from cluster.simulator.server.namespace_limits import charged, keep_in_range, store_charges
from cluster.simulator.server.node_limits import keep_within_node
from cluster.simulator.server.options import WriteOptions
from cluster.simulator.store.objects import Stored
from cluster.simulator.validation.expressions import expression_causes
from cluster.simulator.validation.metadata import changed_metadata_causes, metadata_causes
from cluster.simulator.validation.values import value_causes

KEPT = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "generation",
    "generateName",
)


def update(
    api: Api,
    resource: Resource,
    stored: Stored,
    document: Document,
    options: WriteOptions,
    *,
    applied: bool = False,
) -> Document:
    """Store `document` as the next version of `stored`; an update that changes nothing stores nothing. Raises Problem.

    `applied` says that server-side apply has already settled who owns what.
    """
    rules = rules_for(resource)
    old = stored.document
    metadata = document["metadata"] = dict(document.get("metadata") or {})
    _check_identity(resource, stored, metadata, rules)
    _keep_what_is_not_theirs(resource, document, old, options.subresource)
    if document.get("spec") is not old.get("spec") or "spec" not in document:
        rules.fill(document)
    if not applied:
        before = outgoing(resource, old)
        track_update(resource, before, document, options.field_manager, options.subresource, timestamp())
    if options.subresource in rules.parts:
        rules.only_that_part(document, old, options.subresource)
    seen = document
    document = admitted(api, resource, document, old, options)
    if document is not seen:  # webhooks may write no more than the client
        document["metadata"] = dict(document["metadata"])
        _keep_what_is_not_theirs(resource, document, old, options.subresource)
        if options.subresource in rules.parts:
            rules.only_that_part(document, old, options.subresource)
    document = incoming(resource, document)
    if not options.subresource:
        rules.on_update(document, old, api.around)
    if rules.has_generation and _spec_of(document) != _spec_of(old):
        document["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
    _validate(resource, document, old, rules, options)
    keep_in_range(api, resource, document, old, options.subresource)
    keep_within_node(api, resource, document, old, options.subresource)
    approved(resource, document, old, options)
    quotas = charged(api, resource, document, old, options.subresource)
    if _same(document, old):
        return old
    if options.dry_run:
        return document
    store_charges(api, quotas, timestamp())
    return settle(api, resource, stored, document)


def settle(api: Api, resource: Resource, stored: Stored, document: Document) -> Document:
    """Store the new version, or remove the object when this change took its last finalizer."""
    metadata = document["metadata"]
    if (
        metadata.get("deletionTimestamp")
        and not metadata.get("finalizers")
        and _nothing_else_holds(resource, document)
    ):
        last = api.store.remove(resource.storage, stored, document)
        after_remove(api, resource, last)
        return last.document
    fresh = api.store.put(resource.storage, document)
    if resource.storage == CRDS:
        _after_definition(api, fresh)
    return fresh.document


def _nothing_else_holds(resource: Resource, document: Document) -> bool:
    """A pod waits for its kubelet, a namespace for its contents."""
    if resource.storage == "namespaces":
        return not document.get("spec", {}).get("finalizers")
    return bool(document["metadata"].get("deletionGracePeriodSeconds", 0) == 0)


def after_remove(api: Api, resource: Resource, last: Stored) -> None:
    """A removed definition is no longer served."""
    if resource.storage == CRDS:
        api.registry.replace_custom(None, last.name)
        api.hub.end_all(last.name)


def _after_definition(api: Api, fresh: Stored) -> None:
    if not is_established(fresh.document) and not fresh.document["metadata"].get("deletionTimestamp"):
        document = established(fresh.document, api.around)
        if document["status"] != fresh.document.get("status"):
            fresh = api.store.put(CRDS, document)
    if is_established(fresh.document):
        api.registry.replace_custom(fresh.document, fresh.name)


def _check_identity(resource: Resource, stored: Stored, metadata: dict[str, Any], rules: KindRules) -> None:
    own = stored.document["metadata"]
    name = metadata.setdefault("name", stored.name)
    if name != stored.name:
        raise bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({stored.name})"
        )
    namespace = metadata.get("namespace") or stored.namespace
    if namespace != stored.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if stored.namespace:
        metadata["namespace"] = stored.namespace
    if metadata.get("uid") and metadata["uid"] != own["uid"]:
        detail = (
            f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {own['uid']}"
        )
        raise conflict(resource.plural, resource.group, stored.name, detail)
    version = metadata.get("resourceVersion", "")
    if not version and rules.needs_version_on_update:
        cause = wrong("metadata.resourceVersion", 0, "must be specified for an update")
        raise invalid(resource.plural, resource.group, stored.name, [cause])
    if version and version != own["resourceVersion"]:
        raise conflict(resource.plural, resource.group, stored.name, STALE)


def _keep_what_is_not_theirs(resource: Resource, document: Document, old: Document, subresource: str) -> None:
    _keep_metadata(document["metadata"], old["metadata"])
    _keep_other_half(resource, document, old, subresource)


def _keep_metadata(metadata: dict[str, Any], own: dict[str, Any]) -> None:
    """Fields the server sets stay; a status update changes labels, annotations and finalizers only where the API does."""
    for key in KEPT:
        if key in own:
            metadata[key] = own[key]
        else:
            metadata.pop(key, None)
    metadata["resourceVersion"] = own["resourceVersion"]
    for key in ("labels", "annotations", "finalizers", "ownerReferences"):
        if key in metadata and not metadata[key]:
            del metadata[key]


def _keep_other_half(resource: Resource, document: Document, old: Document, subresource: str) -> None:
    """The status subresource writes only the status, everything else only the rest."""
    if subresource == "status":
        for key in [key for key in document if key not in ("status", "metadata")]:
            if key not in old:
                del document[key]
        for key, value in old.items():
            if key not in ("status", "metadata"):
                document[key] = value
        if resource.custom:
            kept = document["metadata"].get("managedFields")
            document["metadata"] = {**old["metadata"], **({"managedFields": kept} if kept else {})}
    elif "status" in resource.subresources:
        if "status" in old:
            document["status"] = old["status"]
        else:
            document.pop("status", None)


def _spec_of(document: Document) -> Document:
    """What a generation counts: everything but metadata and status."""
    return {key: value for key, value in document.items() if key not in ("metadata", "status")}


def _validate(
    resource: Resource, document: Document, old: Document, rules: KindRules, options: WriteOptions
) -> None:
    metadata = document["metadata"]
    causes = changed_metadata_causes(metadata, old["metadata"])
    if any(
        metadata.get(key) != old["metadata"].get(key) for key in ("labels", "annotations", "ownerReferences")
    ):
        causes += metadata_causes(metadata, resource.storage)
    if resource.custom:
        causes += value_causes(resource.schema, document)
    if options.subresource in rules.parts:
        causes += rules.part_causes(document, old, options.subresource)
    else:
        causes += rules.causes(document, old)
    if resource.custom:
        causes += expression_causes(resource, document, old, causes, options.warnings)
    if causes:
        raise invalid(resource.kind, resource.group, metadata["name"], causes)


def _same(document: Document, old: Document) -> bool:
    """Equal but for the moments in managedFields."""
    if any(document.get(key) != old.get(key) for key in {*document, *old} if key != "metadata"):
        return False
    new_meta, old_meta = document["metadata"], old["metadata"]
    if any(
        new_meta.get(key) != old_meta.get(key) for key in {*new_meta, *old_meta} if key != "managedFields"
    ):
        return False
    return _without_times(new_meta) == _without_times(old_meta)


def _without_times(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    return [{k: v for k, v in entry.items() if k != "time"} for entry in metadata.get("managedFields", [])]
