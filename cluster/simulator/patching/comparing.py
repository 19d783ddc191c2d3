"""What an update changed, as sets of fields. Pure."""

from dataclasses import dataclass, field
from typing import Any

from cluster.simulator.openapi.schema import Schema
from cluster.simulator.patching.field_sets import (
    MEMBER,
    Node,
    element_of,
    is_granular_list,
    is_granular_map,
    union,
)

ABSENT: Any = object()
NEVER_OWNED = ("f:apiVersion", "f:kind")
NEVER_OWNED_METADATA = (
    "f:name",
    "f:namespace",
    "f:creationTimestamp",
    "f:selfLink",
    "f:uid",
    "f:clusterName",
    "f:generation",
    "f:managedFields",
    "f:resourceVersion",
)


@dataclass
class Comparison:
    """Fields that are new or have another value, and fields that are gone."""

    changed: Node = field(default_factory=dict)
    removed: Node = field(default_factory=dict)


def compare(schema: Schema, old: Any, new: Any) -> Comparison:
    """The difference of two objects, without the fields nobody owns."""
    result = Comparison()
    _compare(schema, old, new, result.changed, result.removed)
    for node in (result.changed, result.removed):
        strip_metadata(node)
    return result


def strip_metadata(node: Node) -> None:
    """Take the fields that the server sets out of a set, in place."""
    for key in NEVER_OWNED:
        node.pop(key, None)
    metadata = node.get("f:metadata")
    if metadata is not None:
        for key in (*NEVER_OWNED_METADATA, MEMBER):
            metadata.pop(key, None)
        if not metadata:
            del node["f:metadata"]


def _compare(schema: Schema | None, old: Any, new: Any, changed: Node, removed: Node) -> None:
    if old is new or old == new:
        return
    old_here, new_here = old is not ABSENT, new is not ABSENT
    both = [value for value in (old, new) if value is not ABSENT and value is not None]
    if both and all(isinstance(value, dict) for value in both) and is_granular_map(schema) and any(both):
        _compare_maps(schema, old if old_here else {}, new if new_here else {}, changed, removed)
    elif (
        schema is not None
        and both
        and all(isinstance(v, list) for v in both)
        and is_granular_list(schema)
        and any(both)
    ):
        _compare_lists(
            schema, (old or []) if old_here else [], (new or []) if new_here else [], changed, removed
        )
    else:
        (removed if not new_here else changed)[MEMBER] = {}
        return
    if not old_here:
        changed[MEMBER] = {}
    elif not new_here:
        removed[MEMBER] = {}


def _compare_maps(schema: Schema | None, old: Any, new: Any, changed: Node, removed: Node) -> None:
    old, new = old or {}, new or {}
    for key in {**old, **new}:
        before, after = old.get(key, ABSENT), new.get(key, ABSENT)
        if before is after or before == after:
            continue
        child = schema.child(key) if schema else None
        _descend(child, before, after, changed, removed, f"f:{key}")


def _compare_lists(schema: Schema, old: list[Any], new: list[Any], changed: Node, removed: Node) -> None:
    before, after = _by_element(schema, old), _by_element(schema, new)
    for element in {**before, **after}:
        _descend(
            schema.items, before.get(element, ABSENT), after.get(element, ABSENT), changed, removed, element
        )


def _descend(schema: Schema | None, old: Any, new: Any, changed: Node, removed: Node, element: str) -> None:
    inner_changed: Node = {}
    inner_removed: Node = {}
    _compare(schema, old, new, inner_changed, inner_removed)
    if inner_changed:
        changed[element] = union(changed[element], inner_changed) if element in changed else inner_changed
    if inner_removed:
        removed[element] = inner_removed


def _by_element(schema: Schema, items: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        element = element_of(schema, item)
        if element is not None:
            found.setdefault(element, item)
    return found


def zero_object(schema: Schema) -> dict[str, Any]:
    """A new object before anything is set: only the parts that are always there in Go."""
    zero: dict[str, Any] = dict.fromkeys(schema.required)
    return zero | {key: zero_object(child) for key, child in schema.properties.items() if child.default == {}}
