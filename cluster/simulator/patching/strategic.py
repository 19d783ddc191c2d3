"""Strategic merge patch: lists are merged by the merge keys of their types, with Kubernetes' directives."""

from typing import Any

from cluster.simulator.openapi.schema import Schema
from cluster.simulator.problems import bad_request

DIRECTIVE = "$patch"
DELETE_FROM = "$deleteFromPrimitiveList/"
ORDER = "$setElementOrder/"
RETAIN = "$retainKeys"


def strategic_merge(schema: Schema | None, original: Any, patch: Any) -> Any:
    """The patched value; unchanged parts are shared with the original. Raises 400 for directives that make no sense."""
    if not isinstance(patch, dict):
        return patch
    directive = patch.get(DIRECTIVE)
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != DIRECTIVE}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f"Unknown patch type found: {directive}")
    result = dict(original) if isinstance(original, dict) else {}
    _retain(result, patch)
    _delete_from_lists(result, patch)
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            result.pop(key, None)
        else:
            child = schema.child(key) if schema else None
            result[key] = _merge_field(child, result.get(key), value, patch.get(ORDER + key))
    _order_lists(schema, result, patch)
    return result


def _delete_from_lists(result: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if key.startswith(DELETE_FROM):
            field = key.removeprefix(DELETE_FROM)
            result[field] = [item for item in result.get(field, []) if item not in value]


def _order_lists(schema: Schema | None, result: dict[str, Any], patch: dict[str, Any]) -> None:
    """An order may be given for a list that the patch does not change otherwise."""
    for key, order in patch.items():
        field = key.removeprefix(ORDER)
        if key.startswith(ORDER) and field not in patch and isinstance(result.get(field), list):
            child = schema.child(field) if schema else None
            result[field] = _ordered(child.merge_key if child else "", result[field], order, result[field])


def _retain(result: dict[str, Any], patch: dict[str, Any]) -> None:
    """`$retainKeys` names all keys that may stay."""
    if RETAIN in patch:
        for key in [key for key in result if key not in patch[RETAIN]]:
            del result[key]


def _merge_field(child: Schema | None, original: Any, value: Any, order: Any) -> Any:
    if isinstance(value, dict):
        return strategic_merge(child, original, value)
    if not isinstance(value, list) or child is None or "merge" not in child.patch_strategies:
        return value
    if child.merge_key:
        return _merge_list(child, original or [], value, order)
    merged = list(original or [])
    merged += [item for item in value if item not in merged]
    return _ordered("", merged, order or value, original or [])


def _merge_list(child: Schema, original: list[Any], patch: list[Any], order: Any) -> list[Any]:
    """Elements are the same when their merge key is."""
    key = child.merge_key
    if any(isinstance(item, dict) and item.get(DIRECTIVE) == "replace" for item in patch):
        return [item for item in patch if DIRECTIVE not in item]
    result = {item.get(key): item for item in original}
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        if item.get(DIRECTIVE) == "delete":
            result.pop(item[key], None)
        else:
            result[item[key]] = strategic_merge(child.items, result.get(item[key], {}), item)
    return _ordered(key, list(result.values()), order or patch, original)


def _ordered(key: str, items: list[Any], order: list[Any], original: list[Any]) -> list[Any]:
    """Items that `order` names come in its order; the others go before the first of them that followed them originally."""

    def name(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    wanted = [name(entry) for entry in order]
    places = {name(item): place for place, item in enumerate(original)}
    named = sorted(
        (item for item in items if name(item) in wanted), key=lambda item: wanted.index(name(item))
    )
    others = sorted(
        (item for item in items if name(item) not in wanted), key=lambda item: places.get(name(item), 0)
    )
    result: list[Any] = []
    while named and others:
        one, other = places.get(name(named[0])), places.get(name(others[0]))
        both_known = one is not None and other is not None
        result.append(others.pop(0) if both_known and other < one else named.pop(0))  # type: ignore[operator]  # known
    return [*result, *named, *others]
