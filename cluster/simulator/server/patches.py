"""Patch: the body's media type says which of the four ways."""

from typing import Any

from cluster.simulator.patching.json_patch import apply_json_patch
from cluster.simulator.patching.merge import merge
from cluster.simulator.patching.strategic import strategic_merge
from cluster.simulator.problems import Problem, bad_request, not_found, unsupported_media_type
from cluster.simulator.resources import Resource
from cluster.simulator.server.api import Api, Document, outgoing
from cluster.simulator.server.applying import apply_configuration
from cluster.simulator.server.bodies import decode, read_body
from cluster.simulator.server.messages import Request, Target
from cluster.simulator.server.options import WriteOptions
from cluster.simulator.server.updating import update
from cluster.simulator.store.objects import Stored

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


def patch(api: Api, request: Request, target: Target, options: WriteOptions) -> tuple[Document, bool]:
    """The patched object and whether it is new (only server-side apply creates). Raises Problem."""
    media = request.headers.get("content-type", "").partition(";")[0].strip()
    if media not in (JSON_PATCH, MERGE, STRATEGIC, APPLY):
        raise unsupported_media_type([JSON_PATCH, MERGE, APPLY, STRATEGIC], details={})
    if request.query.get("force") and media != APPLY:
        raise Problem(
            422,
            "Invalid",
            'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
            details={},
        )
    value = read_body(request, options.strictness)
    resource = target.resource
    stored = api.store.get(resource.storage, target.namespace, target.name)
    if media == APPLY:
        return apply_configuration(api, target, stored, value, options, request)
    if stored is None:
        raise not_found(resource.plural, resource.group, target.name)
    patched = patched_value(resource, stored, value, media)
    document = decode(resource, patched, options.strictness, known=_known(resource, stored))
    return update(api, resource, stored, document, options), False


def patched_value(resource: Resource, stored: Stored, value: Any, media: str) -> Any:
    """The object with the patch applied, not yet decoded. Raises 400, 415, 422."""
    present = outgoing(resource, stored.document)
    if media == JSON_PATCH:
        return apply_json_patch(present, value)
    if not isinstance(value, dict):
        raise bad_request("the patch is not an object")
    if media == MERGE:
        return merge(present, value)
    if resource.custom:
        raise unsupported_media_type([JSON_PATCH, MERGE, APPLY])
    return strategic_merge(resource.schema, present, value)


def _known(resource: Resource, stored: Stored) -> Document | None:
    """What need not be decoded again; only in the stored version."""
    return stored.document if stored.document.get("apiVersion") == resource.api_version else None
