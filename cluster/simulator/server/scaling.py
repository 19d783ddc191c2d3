"""The scale subresource: how many replicas, of built-in kinds and of custom resources that declare where."""

from typing import Any

from cluster.simulator.problems import STALE, Cause, conflict, invalid, wrong
from cluster.simulator.resources import Resource
from cluster.simulator.server.api import Api, Document
from cluster.simulator.server.messages import Target
from cluster.simulator.server.options import WriteOptions
from cluster.simulator.server.updating import update
from cluster.simulator.store.objects import Stored

BUILTIN = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": "",
}
COPIED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def _paths(resource: Resource) -> dict[str, str]:
    if not resource.custom:
        return BUILTIN
    return {**BUILTIN, **(resource.definition.get("subresources") or {}).get("scale", {})}


def value_at(document: Any, path: str) -> Any:
    """The value at a simple JSON path (`.spec.replicas`), or None."""
    for key in path.strip(".").split("."):
        document = document.get(key) if isinstance(document, dict) else None
    return document


def with_value(document: Document, path: str, value: Any) -> Document:
    """A copy with another value at a simple JSON path."""
    head, _, rest = path.strip(".").partition(".")
    inner = with_value(document.get(head) or {}, rest, value) if rest else value
    return {**document, head: inner}


def read_scale(resource: Resource, stored: Stored) -> Document:
    """The `autoscaling/v1` Scale of an object."""
    document, paths = stored.document, _paths(resource)
    metadata = {key: document["metadata"][key] for key in COPIED if key in document["metadata"]}
    status: dict[str, Any] = {"replicas": value_at(document, paths["statusReplicasPath"]) or 0}
    selector = selector_text(resource, document, paths["labelSelectorPath"])
    if selector:
        status["selector"] = selector
    replicas = value_at(document, paths["specReplicasPath"])
    spec = {"replicas": replicas} if replicas else {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }


def selector_text(resource: Resource, document: Document, path: str) -> str:
    if resource.custom:
        return str(value_at(document, path) or "") if path else ""
    selector = (document.get("spec") or {}).get("selector") or {}
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for entry in selector.get("matchExpressions") or []:
        key, values = entry["key"], ",".join(sorted(entry.get("values") or []))
        words = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        parts.append(words[entry["operator"]])
    return ",".join(parts)


def write_scale(
    api: Api, target: Target, stored: Stored, wanted: Document, options: WriteOptions
) -> Document:
    """Set the number of replicas. Raises 409 for a stale version, 422 for a number that makes no sense."""
    resource = target.resource
    metadata = wanted.get("metadata") or {}
    if (
        metadata.get("resourceVersion")
        and metadata["resourceVersion"] != stored.document["metadata"]["resourceVersion"]
    ):
        raise conflict(resource.plural, resource.group, stored.name, STALE)
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    causes: list[Cause] = []
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        causes.append(wrong("spec.replicas", replicas, "must be an integer"))
    elif replicas < 0:
        causes.append(wrong("spec.replicas", replicas, "must be greater than or equal to 0"))
    if causes:
        raise invalid("Scale", "autoscaling", stored.name, causes)
    document = with_value(stored.document, _paths(resource)["specReplicasPath"], replicas)
    return update(api, resource, stored, document, options)
