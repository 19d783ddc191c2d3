"""Pods made from the template of the object that manages them. Pure."""

import copy
from collections.abc import Mapping
from typing import Any

from cluster.documents import Document, name_of, namespace_of, owner_reference
from cluster.pods import is_finished


def pod_from_template(
    owner: Mapping[str, Any],
    template: Mapping[str, Any],
    *,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    finalizers: list[str] | None = None,
) -> Document:
    """A pod of the owner; without a name the server gives it one that begins with the owner's."""
    meta = template.get("metadata") or {}
    metadata: Document = {
        "namespace": namespace_of(owner),
        "labels": {**(meta.get("labels") or {}), **(labels or {})},
        "annotations": {**(meta.get("annotations") or {}), **(annotations or {})},
        "ownerReferences": [owner_reference(owner)],
    }
    if finalizers:
        metadata["finalizers"] = finalizers
    if name is None:
        metadata["generateName"] = f"{name_of(owner)[:57]}-"
    else:
        metadata["name"] = name
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": copy.deepcopy(dict(template["spec"])),
    }


def is_active(pod: Mapping[str, Any]) -> bool:
    """Not finished and not being deleted."""
    return not is_finished(pod) and not pod["metadata"].get("deletionTimestamp")
