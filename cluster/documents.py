"""Kubernetes JSON as it is: the shapes most code reads, and small readers over them. Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict

import orjson

Document = dict[str, Any]
"""One Kubernetes object as plain JSON. Objects that come out of a watch cache are shared: read them, never change them."""


class OwnerReference(TypedDict, total=False):
    apiVersion: str
    kind: str
    name: str
    uid: str
    controller: bool
    blockOwnerDeletion: bool


class ObjectMeta(TypedDict, total=False):
    name: str
    generateName: str
    namespace: str
    uid: str
    resourceVersion: str
    generation: int
    creationTimestamp: str
    deletionTimestamp: str
    deletionGracePeriodSeconds: int
    labels: dict[str, str]
    annotations: dict[str, str]
    ownerReferences: list[OwnerReference]
    finalizers: list[str]


class Condition(TypedDict, total=False):
    type: str
    status: str
    reason: str
    message: str
    lastTransitionTime: str
    lastHeartbeatTime: str
    lastProbeTime: str


def read_json(text: bytes) -> Any:
    """What the JSON says; ValueError or RecursionError when it is none.

    orjson, because decoding watch events is a third of what a busy scheduler does by itself; what it refuses (half of a surrogate
    pair, more than 1,024 levels) the standard library judges.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)


def name_of(document: Mapping[str, Any]) -> str:
    return str(document["metadata"]["name"])


def namespace_of(document: Mapping[str, Any]) -> str:
    """The namespace, or the empty string for what has none."""
    return str(document["metadata"].get("namespace", ""))


def key_of(document: Mapping[str, Any]) -> tuple[str, str]:
    """(namespace, name): unique within one kind."""
    return namespace_of(document), name_of(document)


def uid_of(document: Mapping[str, Any]) -> str:
    return str(document["metadata"].get("uid", ""))


def labels_of(document: Mapping[str, Any]) -> dict[str, str]:
    return document["metadata"].get("labels") or {}


def annotations_of(document: Mapping[str, Any]) -> dict[str, str]:
    return document["metadata"].get("annotations") or {}


def is_deleting(document: Mapping[str, Any]) -> bool:
    return bool(document["metadata"].get("deletionTimestamp"))


def condition_of(document: Mapping[str, Any], kind: str) -> Condition | None:
    """The status condition of that type, or None when nobody has written it yet."""
    for condition in (document.get("status") or {}).get("conditions") or []:
        if condition.get("type") == kind:
            found: Condition = condition
            return found
    return None


def with_condition(conditions: list[Condition] | None, new: Condition) -> list[Condition]:
    """The list with `new` in it; the transition time moves only when the status changes, as Kubernetes wants it."""
    kept = [old for old in conditions or [] if old.get("type") != new["type"]]
    before = next((old for old in conditions or [] if old.get("type") == new["type"]), None)
    if before and before.get("status") == new["status"] and "lastTransitionTime" in before:
        new = {**new, "lastTransitionTime": before["lastTransitionTime"]}
    return [*kept, new]


def controller_of(document: Mapping[str, Any]) -> OwnerReference | None:
    """The one owner that manages this object, if any."""
    return next((owner for owner in owners_of(document) if owner.get("controller")), None)


def owners_of(document: Mapping[str, Any]) -> list[OwnerReference]:
    """Every object that it goes with."""
    return document["metadata"].get("ownerReferences") or []


def owner_reference(owner: Mapping[str, Any]) -> OwnerReference:
    """The reference a child carries so that it goes when `owner`, its controller, goes."""
    return {
        "apiVersion": str(owner["apiVersion"]),
        "kind": str(owner["kind"]),
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds: metav1.Time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_micro_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: metav1.MicroTime, as leases and events have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """Reads both of the above; raises ValueError for anything without a zone, which Kubernetes never writes."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time without a zone: {text!r}")
    return moment.astimezone(UTC)
