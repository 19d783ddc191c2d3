"""Value rules of a custom resource's schema: types, required fields, enums, limits, patterns, oneOf and its relatives. Pure."""

import math
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any

from cluster.simulator.openapi.decoding import PYTHON_TYPES
from cluster.simulator.openapi.schema import Schema
from cluster.simulator.problems import Cause, missing, shown, unsupported, wrong

JSON_NAMES = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}
SHAPE_NAMES = {"map": "object", "int-or-string": "integer,string"}


def value_causes(schema: Schema, document: dict[str, Any]) -> list[Cause]:
    """Every rule of the schema that the document breaks; metadata has its own rules elsewhere."""
    rest = {key: value for key, value in document.items() if key not in ("metadata", "apiVersion", "kind")}
    causes = [missing(key) for key in schema.required if key not in document]
    for key, value in rest.items():
        child = schema.child(key)
        if child is not None:
            causes += _causes(child, value, key)
    return causes


def _causes(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    if value is None and schema.nullable:
        return
    if schema.shape != "any" and not _fits(schema.shape, value):
        expected = SHAPE_NAMES.get(schema.shape, schema.shape)
        found = JSON_NAMES[type(value)]
        text = f'Invalid value: "{found}": {path} in body must be of type {expected}: "{found}"'
        yield Cause(path, "FieldValueTypeInvalid", text)
        yield from _rule_causes(
            {key: rule for key, rule in schema.rules.items() if key == "enum"}, value, path
        )
        return
    yield from _rule_causes(schema.rules, value, path)
    if isinstance(value, dict):
        yield from (missing(f"{path}.{key}") for key in schema.required if key not in value)
        for key, part in value.items():
            child = schema.child(key)
            if child is not None:
                yield from _causes(child, part, f"{path}.{key}")
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            yield from _causes(schema.items, item, f"{path}[{index}]")
        yield from _duplicates(schema, value, path)


def _fits(shape: str, value: Any) -> bool:
    if isinstance(value, bool):
        return shape == "boolean"
    if shape == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, PYTHON_TYPES[shape])


def _duplicates(schema: Schema, items: list[Any], path: str) -> Iterator[Cause]:
    if schema.list_type not in ("set", "map"):
        return
    seen: list[Any] = []
    for index, item in enumerate(items):
        is_keyed = schema.list_type == "map" and isinstance(item, dict)
        key = {name: item.get(name) for name in schema.map_keys} if is_keyed else item
        if key in seen:
            yield Cause(f"{path}[{index}]", "FieldValueDuplicate", f"Duplicate value: {shown(key)}")
        seen.append(key)


Rule = Callable[[Any, Any, str], Cause | None]


def _limit(word: str, ok: Callable[[float, float], bool], strict: str) -> Rule:
    def check(value: Any, limit: Any, path: str) -> Cause | None:
        if isinstance(value, bool) or not isinstance(value, int | float) or ok(value, limit):
            return None
        return wrong(path, value, f"{path} in body should be {word} than {strict}{limit:g}")

    return check


def _count(
    kind: type[str] | type[list[Any]] | type[dict[str, Any]],
    ok: Callable[[int, int], bool],
    sentence: str,
    reason: str = "FieldValueInvalid",
) -> Rule:
    def check(value: Any, limit: Any, path: str) -> Cause | None:
        if not isinstance(value, kind) or ok(len(value), limit):
            return None
        detail = sentence.format(path=path, limit=limit, found=len(value))
        if reason == "FieldValueInvalid":
            return wrong(path, value, detail)
        return Cause(path, reason, f"{'Too long' if kind is str else 'Too many'}: {detail}")

    return check


def _enum(value: Any, allowed: Any, path: str) -> Cause | None:
    return None if value in allowed else unsupported(path, value, [str(entry) for entry in allowed])


def _pattern(value: Any, pattern: Any, path: str) -> Cause | None:
    if not isinstance(value, str) or _compiled(pattern).search(value):
        return None
    return wrong(path, value, f"{path} in body should match '{pattern}'")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Go's `\\z` is Python's `\\Z`; everything else that CRDs use means the same."""
    return re.compile(pattern.replace(r"\z", r"\Z"))


def _multiple(value: Any, factor: Any, path: str) -> Cause | None:
    if not isinstance(value, int | float) or math.isclose(math.remainder(value, factor), 0, abs_tol=1e-9):
        return None
    return wrong(path, value, f"{path} in body should be a multiple of {factor:g}")


def _unique(value: Any, wanted: Any, path: str) -> Cause | None:
    if (
        not wanted
        or not isinstance(value, list)
        or all(item not in value[:index] for index, item in enumerate(value))
    ):
        return None
    return wrong(path, value, f"{path} in body shouldn't contain duplicates")


def _format(value: Any, name: Any, path: str) -> Cause | None:
    if name not in ("date-time", "date") or not isinstance(value, str):
        return None
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return wrong(path, value, f"{path} in body must be of type {name}: {shown(value)}")
    return None


RULES: dict[str, Rule] = {
    "enum": _enum,
    "pattern": _pattern,
    "format": _format,
    "minimum": _limit("greater", lambda value, limit: value >= limit, "or equal to "),
    "maximum": _limit("less", lambda value, limit: value <= limit, "or equal to "),
    "multipleOf": _multiple,
    "minLength": _count(
        str, lambda found, limit: found >= limit, "{path} in body should be at least {limit} chars long"
    ),
    "maxLength": _count(
        str, lambda found, limit: found <= limit, "may not be more than {limit} bytes", "FieldValueTooLong"
    ),
    "minItems": _count(
        list, lambda found, limit: found >= limit, "{path} in body should have at least {limit} items"
    ),
    "maxItems": _count(
        list,
        lambda found, limit: found <= limit,
        "{found}: must have at most {limit} items",
        "FieldValueTooMany",
    ),
    "minProperties": _count(
        dict, lambda found, limit: found >= limit, "{path} in body should have at least {limit} properties"
    ),
    "maxProperties": _count(
        dict,
        lambda found, limit: found <= limit,
        "{found}: must have at most {limit} items",
        "FieldValueTooMany",
    ),
    "uniqueItems": _unique,
}


def _rule_causes(rules: dict[str, Any], value: Any, path: str) -> Iterator[Cause]:
    for name, limit in rules.items():
        rule = RULES.get(name)
        cause = rule(value, limit, path) if rule else None
        if cause is not None:
            yield cause
    if rules.get("exclusiveMinimum") is True and value == rules.get("minimum"):
        yield wrong(path, value, f"{path} in body should be greater than {rules['minimum']:g}")
    if rules.get("exclusiveMaximum") is True and value == rules.get("maximum"):
        yield wrong(path, value, f"{path} in body should be less than {rules['maximum']:g}")
    yield from _combination_causes(rules, value, path)


def _combination_causes(rules: dict[str, Any], value: Any, path: str) -> Iterator[Cause]:
    for branch in rules.get("allOf", ()):
        yield from _branch_causes(branch, value, path)
    fitting = [
        sum(not list(_branch_causes(branch, value, path)) for branch in rules.get(word, ()))
        for word in ("anyOf", "oneOf")
    ]
    if rules.get("anyOf") and not fitting[0]:
        yield wrong(path, value, f'"{path}" must validate at least one schema (anyOf)')
    if rules.get("oneOf") and fitting[1] != 1:
        found = "Found none valid" if not fitting[1] else f"Found {fitting[1]} valid alternatives"
        yield wrong(path, value, f'"{path}" must validate one and only one schema (oneOf). {found}')
    if "not" in rules and not list(_branch_causes(rules["not"], value, path)):
        yield wrong(path, value, f'"{path}" must not validate the schema (not)')


def _branch_causes(branch: dict[str, Any], value: Any, path: str) -> Iterator[Cause]:
    """The rules of one alternative: like a schema, but without defaults and pruning."""
    kind = branch.get("type")
    if kind and not _fits(kind, value):
        yield wrong(path, value, f"{path} in body must be of type {kind}")
        return
    yield from _rule_causes(branch, value, path)
    if isinstance(value, dict):
        yield from (missing(f"{path}.{key}") for key in branch.get("required", ()) if key not in value)
        for key, part in branch.get("properties", {}).items():
            if key in value:
                yield from _branch_causes(part, value[key], f"{path}.{key}")
    elif isinstance(value, list) and isinstance(branch.get("items"), dict):
        for index, item in enumerate(value):
            yield from _branch_causes(branch["items"], item, f"{path}[{index}]")
