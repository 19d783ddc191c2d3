"""What a namespace's LimitRanges and ResourceQuotas say to a write, after all webhooks that change it."""

from typing import Any

from cluster.clock import now
from cluster.simulator.limits.quotas import Exceeded, charge, has_deadline
from cluster.simulator.limits.ranges import claim_violations, pod_violations
from cluster.simulator.limits.usage import NOT_COUNTED
from cluster.simulator.patching.managed_fields import track_update
from cluster.simulator.problems import forbidden
from cluster.simulator.resources import Resource
from cluster.simulator.server.api import Api, Document

RANGES, QUOTAS = "limitranges", "resourcequotas"
RESIZE = "resize"
_RANGED = {"pods": pod_violations, "persistentvolumeclaims": claim_violations}
_CHARGED_AGAIN = ("services", "persistentvolumeclaims")
"""Kinds of which a change may take more."""


def keep_in_range(
    api: Api, resource: Resource, document: Document, old: Document | None = None, subresource: str = ""
) -> None:
    """Pods when they are made or resized, claims always. Raises 403 for the first LimitRange that is broken."""
    violations = _RANGED.get(resource.storage)
    settled = resource.storage == "pods" and old is not None and subresource != RESIZE
    if violations is None or settled or subresource not in ("", RESIZE):
        return
    if old is not None and old["metadata"].get("deletionTimestamp"):
        return
    metadata = document["metadata"]
    for stored in api.store.listed(RANGES, metadata["namespace"]):
        broken = violations(document, stored.document)
        if broken:
            said = broken[0] if len(broken) == 1 else f"[{', '.join(broken)}]"
            raise forbidden(resource.plural, resource.group, metadata["name"], said)


def charged(
    api: Api, resource: Resource, document: Document, old: Document | None = None, subresource: str = ""
) -> list[Document]:
    """The namespace's quotas with what this write takes of them, to be stored with it. Raises 403."""
    namespace = document["metadata"].get("namespace", "")
    if not namespace or resource.storage in NOT_COUNTED or not _takes(resource, document, old, subresource):
        return []
    found = []
    for stored in api.store.listed(QUOTAS, namespace):
        try:
            fresh = charge(stored.document, resource.storage, document, old, now())
        except Exceeded as exceeded:
            name = document["metadata"]["name"]
            raise forbidden(resource.plural, resource.group, name, str(exceeded)) from None
        if fresh is not None:
            found.append(fresh)
    return found


def _takes(resource: Resource, document: Document, old: Document | None, subresource: str) -> bool:
    if old is None:
        return True
    if resource.storage == "pods":
        moved = has_deadline(document["spec"]) != has_deadline(old["spec"])
        return subresource == RESIZE or (not subresource and moved)
    return resource.storage in _CHARGED_AGAIN and not subresource


def store_charges(api: Api, quotas: list[Document], stamp: str) -> None:
    resource = api.registry.builtin("", "v1", QUOTAS) if quotas else None
    for quota in quotas:
        stored = api.store.get(QUOTAS, quota["metadata"]["namespace"], quota["metadata"]["name"])
        if resource is None or stored is None:
            continue
        fresh: dict[str, Any] = {**quota, "metadata": dict(quota["metadata"])}
        track_update(resource, stored.document, fresh, "kube-apiserver", "status", stamp)
        api.store.put(QUOTAS, fresh)
