"""Merging a configuration into an object by type, and taking out what its manager no longer applies. Pure."""

from typing import Any

from cluster.simulator.openapi.schema import Schema
from cluster.simulator.patching.field_sets import (
    MEMBER,
    Node,
    element_of,
    is_granular_list,
    is_granular_map,
)


class DuplicateItem(ValueError):
    """A configuration names an item of a keyed list twice."""


def typed_merge(schema: Schema | None, live: Any, config: Any, path: str = "") -> Any:
    """The live value with the configuration's fields in it. Raises DuplicateItem."""
    if isinstance(config, dict) and isinstance(live, dict) and is_granular_map(schema):
        result = dict(live)
        for key, value in config.items():
            child = schema.child(key) if schema else None
            result[key] = typed_merge(child, live.get(key), value, f"{path}.{key}")
        return result
    if isinstance(config, list) and schema is not None and is_granular_list(schema):
        return _merge_lists(schema, live if isinstance(live, list) else [], config, path)
    return config


def _merge_lists(schema: Schema, live: list[Any], config: list[Any], path: str) -> list[Any]:
    """Items of both in an order that keeps the configuration's, with live items staying near their neighbours."""
    wanted: dict[str, Any] = {}
    for item in config:
        element = element_of(schema, item) or ""
        if element in wanted:
            raise DuplicateItem(f"{path}: duplicate entries for key [{element.partition(':')[2]}]")
        wanted[element] = item
    present: dict[str, Any] = {}
    for item in live:
        present.setdefault(element_of(schema, item) or "", item)
    waiting = list(wanted)
    shared = [element for element in waiting if element in present]
    result: list[Any] = []

    def take(element: str) -> None:
        waiting.remove(element)
        if element in shared:
            shared.remove(element)
        before = present.get(element)
        result.append(
            wanted[element]
            if before is None
            else typed_merge(schema.items, before, wanted[element], f"{path}[]")
        )

    for element, item in present.items():
        if element not in wanted:
            result.append(item)
        elif element in shared and element == shared[0]:
            while waiting[0] != element:
                take(waiting[0])
            take(element)
    for element in list(waiting):
        take(element)
    return result


REMOVED: Any = object()


def prune(schema: Schema | None, value: Any, last: Node, owned: Node) -> Any:
    """The value without the fields of `last` that are not in `owned`; REMOVED when nothing is left of it."""
    if isinstance(value, dict) and value and is_granular_map(schema):
        result = {}
        for key, part in value.items():
            child = schema.child(key) if schema else None
            kept = _pruned_part(child, part, last.get(f"f:{key}"), owned.get(f"f:{key}", {}))
            if kept is not REMOVED:
                result[key] = kept
        return result or REMOVED
    if isinstance(value, list) and value and schema is not None and is_granular_list(schema):
        items = []
        for item in value:
            element = element_of(schema, item) or ""
            kept = _pruned_part(schema.items, item, last.get(element), owned.get(element, {}))
            if kept is not REMOVED:
                items.append(kept)
        return items or REMOVED
    return value


def _pruned_part(schema: Schema | None, part: Any, last: Node | None, owned: Node) -> Any:
    if last is None:
        return part
    if MEMBER in last and not owned:
        return REMOVED
    return prune(schema, part, last, owned)
