"""Sets of fields as trees: a node maps path elements to nodes, and holds MEMBER when the path itself belongs to the set. Pure.

Path elements are those of FieldsV1: `f:<name>`, `k:{<keys of a list item as JSON>}`, `v:<value of a set item as JSON>`.
In FieldsV1 a leaf is written `{}`, a member with children has an entry `.`.
"""

import json
from collections.abc import Iterator
from typing import Any

from cluster.simulator.openapi.schema import Schema

Node = dict[str, Any]
MEMBER = "."


def leaf() -> Node:
    return {MEMBER: {}}


def from_fields_v1(fields: dict[str, Any]) -> Node:
    """FieldsV1 -> a set."""
    return {
        key: {} if key == MEMBER else (from_fields_v1(value) if value else leaf())
        for key, value in fields.items()
    }


def to_fields_v1(node: Node) -> dict[str, Any]:
    """A set -> FieldsV1, keys ordered as the API orders them."""
    result: dict[str, Any] = {}
    for key in sorted(node):
        child = node[key]
        result[key] = {} if key == MEMBER or list(child) == [MEMBER] else to_fields_v1(child)
    return result


def covers(fields: dict[str, Any], node: Node) -> bool:
    """Whether FieldsV1 holds every member of a set; read without converting."""
    for key, child in node.items():
        if key == MEMBER:
            if fields and MEMBER not in fields:
                return False
        elif key not in fields or not covers(fields[key], child):
            return False
    return True


def touches(fields: dict[str, Any], node: Node) -> bool:
    """Whether FieldsV1 and a set share a member; read without converting."""
    for key, child in node.items():
        if key == MEMBER:
            if not fields or MEMBER in fields:
                return True
        elif key in fields and touches(fields[key], child):
            return True
    return False


def union(one: Node, other: Node) -> Node:
    if not one or not other:
        return one or other
    result = dict(one)
    for key, child in other.items():
        result[key] = union(result[key], child) if key in result else child
    return result


def difference(one: Node, other: Node) -> Node:
    """What is in `one` and not in `other`; nodes without members vanish."""
    if not other:
        return one
    result: Node = {}
    for key, child in one.items():
        if key == MEMBER:
            if MEMBER not in other:
                result[key] = child
        elif key not in other:
            result[key] = child
        elif rest := difference(child, other[key]):
            result[key] = rest
    return result


def intersection(one: Node, other: Node) -> Node:
    result: Node = {}
    for key, child in one.items():
        if key in other:
            if key == MEMBER:
                result[key] = child
            elif shared := intersection(child, other[key]):
                result[key] = shared
    return result


def paths(node: Node, prefix: str = "") -> Iterator[str]:
    """The members as text, `.spec.containers[name="a"].image`, in order."""
    if MEMBER in node:
        yield prefix
    for key in sorted(key for key in node if key != MEMBER):
        yield from paths(node[key], prefix + element_text(key))


def element_text(element: str) -> str:
    kind, _, rest = element.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "v":
        return f"[={rest}]"
    keys = json.loads(rest)
    return "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in sorted(keys.items())) + "]"


def element_of(schema: Schema, item: Any) -> str | None:
    """The path element of an item of a keyed list or a set; None when a key is missing."""
    if schema.list_type == "set":
        return f"v:{json.dumps(item, separators=(',', ':'))}"
    if not isinstance(item, dict):
        return None
    defaults = schema.items.defaults if schema.items else {}
    keys = {}
    for key in sorted(schema.map_keys):
        value = item.get(key, defaults.get(key))
        if value is not None:
            keys[key] = value
    return f"k:{json.dumps(keys, separators=(',', ':'))}" if keys else None


def is_granular_list(schema: Schema | None) -> bool:
    """Whether items of a list have owners of their own."""
    return schema is not None and schema.shape == "array" and schema.list_type in ("set", "map")


def is_granular_map(schema: Schema | None) -> bool:
    """Whether entries of a map or object have owners of their own."""
    return schema is None or (schema.shape in ("object", "map", "any") and not schema.atomic)


def set_of(schema: Schema | None, value: Any) -> Node:
    """All fields of a configuration: leaves, items, entries of maps, and what is empty."""
    if isinstance(value, dict) and is_granular_map(schema):
        node: Node = {}
        for key, part in value.items():
            child = schema.child(key) if schema else None
            inner = set_of(child, part)
            named = schema is not None and key in schema.properties
            if part is None or part == {} or not named:
                inner = union(inner, leaf())
            if inner:
                node[f"f:{key}"] = inner
        return node
    if isinstance(value, list) and schema is not None and is_granular_list(schema):
        items: Node = {}
        for item in value:
            element = element_of(schema, item)
            if element is not None:
                items[element] = union(set_of(schema.items, item), leaf())
        return items
    return leaf()
