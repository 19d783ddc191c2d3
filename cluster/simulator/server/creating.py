"""Create: from a decoded body to a stored object."""

import secrets
import uuid
from typing import Any

from cluster.clock import now
from cluster.simulator.kinds import rules_for
from cluster.simulator.kinds.definitions import established, is_established
from cluster.simulator.kinds.namespaces import refuse_terminating
from cluster.simulator.patching.managed_fields import track_update
from cluster.simulator.problems import Problem, already_exists, bad_request, invalid, not_found
from cluster.simulator.resources import Resource
from cluster.simulator.server.admitting import admitted, approved
from cluster.simulator.server.api import CRDS, Api, Document, incoming
from cluster.simulator.server.namespace_limits import charged, keep_in_range, store_charges
from cluster.simulator.server.options import WriteOptions
from cluster.simulator.store.objects import Stored
from cluster.simulator.validation.expressions import expression_causes
from cluster.simulator.validation.metadata import metadata_causes
from cluster.simulator.validation.values import value_causes

SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
LONGEST_GENERATED = 58
SERVER_SET = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "generation",
)


def timestamp() -> str:
    """Now on the product's clock, as objects carry it."""
    return now().strftime("%Y-%m-%dT%H:%M:%SZ")


def create(
    api: Api,
    resource: Resource,
    namespace: str,
    document: Document,
    options: WriteOptions,
    *,
    applied: bool = False,
) -> Document:
    """Store a new object; gives the document as stored (or as it would be). Raises Problem.

    `applied` says that server-side apply has already settled who owns what.
    """
    rules = rules_for(resource)
    metadata = document["metadata"] = dict(document.get("metadata") or {})
    _check_metadata(resource, namespace, metadata)
    _check_namespace(api, resource, namespace, metadata)
    rules.fill(document)
    if not applied:
        track_update(resource, None, document, options.field_manager, options.subresource, timestamp())
    rules.admit(document, api.around)
    document = admitted(api, resource, document, None, options)
    _make_up(resource, document, options)
    document = incoming(resource, document)
    rules.on_create(document, api.around)
    metadata = document["metadata"]
    causes = metadata_causes(metadata, resource.storage)
    causes += value_causes(resource.schema, document) if resource.custom else []
    causes += rules.causes(document, None)
    if resource.custom:
        causes += expression_causes(resource, document, None, causes, options.warnings)
    if causes:
        raise invalid(resource.kind, resource.group, metadata.get("name", ""), causes)
    keep_in_range(api, resource, document)
    approved(resource, document, None, options)
    quotas = charged(api, resource, document)
    if api.store.get(resource.storage, metadata.get("namespace", ""), metadata["name"]) is not None:
        raise already_exists(resource.plural, resource.group, metadata["name"])
    if options.dry_run:
        return document
    store_charges(api, quotas, timestamp())
    stored = api.store.put(resource.storage, document)
    after_create(api, resource, stored)
    return stored.document


def _make_up(resource: Resource, document: Document, options: WriteOptions) -> None:
    """What the server gives a new object: its name, where it asked for one, its uid and its beginning."""
    metadata = document["metadata"] = dict(document.get("metadata") or {})
    for key in SERVER_SET:
        metadata.pop(key, None)
    if resource.custom and "status" in resource.subresources:
        document.pop("status", None)
    once = options.admission.once if options.admission else lambda key, make: make()
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"][:LONGEST_GENERATED] + once("name", _suffix)
    metadata["uid"] = once("uid", lambda: str(uuid.uuid4()))
    metadata["creationTimestamp"] = once("time", timestamp)
    if rules_for(resource).has_generation:
        metadata["generation"] = 1


def _suffix() -> str:
    return "".join(secrets.choice(SUFFIX_LETTERS) for _ in range(5))


def after_create(api: Api, resource: Resource, stored: Stored) -> None:
    """What the server's own controllers do at once."""
    if resource.storage == CRDS:
        refreshed = established(stored.document, api.around)
        api.store.put(CRDS, refreshed)
        if is_established(refreshed):
            api.registry.replace_custom(refreshed, stored.name)
    elif resource.storage == "namespaces":
        fill_namespace(api, stored.name)


def fill_namespace(api: Api, namespace: str) -> None:
    """A new namespace gets its default service account and the CA certificate."""
    accounts, maps = (
        api.registry.builtin("", "v1", "serviceaccounts"),
        api.registry.builtin("", "v1", "configmaps"),
    )
    for resource, name, content in (
        (accounts, "default", {}),
        (maps, "kube-root-ca.crt", {"data": {"ca.crt": api.authority}}),
    ):
        if api.store.get(resource.storage, namespace, name) is None:
            metadata = {
                "name": name,
                "namespace": namespace,
                "uid": str(uuid.uuid4()),
                "creationTimestamp": timestamp(),
            }
            api.store.put(
                resource.storage,
                {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata, **content},
            )


def _check_metadata(resource: Resource, namespace: str, metadata: dict[str, Any]) -> None:
    if metadata.get("resourceVersion"):
        raise Problem(500, "", "resourceVersion should not be set on objects to be created")
    if resource.namespaced:
        if metadata.get("namespace") and metadata["namespace"] != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        metadata["namespace"] = namespace
    elif metadata.get("namespace"):
        raise bad_request("namespace is not allowed on a cluster-scoped object")
    for key in SERVER_SET:
        metadata.pop(key, None)


def _check_namespace(api: Api, resource: Resource, namespace: str, metadata: dict[str, Any]) -> None:
    if not resource.namespaced:
        return
    found = api.store.get("namespaces", "", namespace)
    if found is None:
        raise not_found("namespaces", "", namespace)
    if found.document["metadata"].get("deletionTimestamp") and resource.storage != "events":
        raise refuse_terminating(namespace, resource.plural, resource.group, metadata.get("name", ""))
