"""What a namespace's LimitRanges say to a write, after all webhooks that change it."""

from cluster.simulator.limits.ranges import claim_violations, pod_violations
from cluster.simulator.problems import forbidden
from cluster.simulator.resources import Resource
from cluster.simulator.server.api import Api, Document

RANGES = "limitranges"
RESIZE = "resize"
_RANGED = {"pods": pod_violations, "persistentvolumeclaims": claim_violations}


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
