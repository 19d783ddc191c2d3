"""JSON values as expressions see them: escaped names, whole numbers that are doubles, times, durations and bytes. Pure but for protobuf's times."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from cluster.simulator.cel.durations import parse_duration
from cluster.simulator.cel.names import escaped
from cluster.simulator.cel.schemas import Document, values_of, with_object_fields


def seen_value(schema: Document, value: Any, *, root: bool = False) -> Any:
    """The value under its schema. What the schema does not know stays as it is: it cannot be read, but it can be compared."""
    if value is None or schema.get("x-kubernetes-int-or-string"):
        return value
    kind = schema.get("type", "")
    if kind == "object" and isinstance(value, dict):
        if root or schema.get("x-kubernetes-embedded-resource"):
            schema = with_object_fields(schema)
        return _seen_object(schema, value)
    if kind == "array" and isinstance(value, list):
        items = schema.get("items") or {}
        return [seen_value(items, item) for item in value]
    if kind == "string" and isinstance(value, str):
        return _seen_text(schema.get("format", ""), value)
    if kind == "number" and isinstance(value, int):
        return float(value)
    if kind == "integer" and isinstance(value, float):
        return int(value)
    return value


def _seen_object(schema: Document, value: Document) -> Document:
    """A null counts as absent, except in a map."""
    properties, values = schema.get("properties") or {}, values_of(schema)
    if values is not None and not properties:
        return {key: seen_value(values, part) for key, part in value.items()}
    return {
        (escaped(key) or key) if key in properties else key: seen_value(properties.get(key) or {}, part)
        for key, part in value.items()
        if part is not None
    }


def _seen_text(kind: str, text: str) -> Any:
    read = _READERS.get(kind)
    if read is None:
        return text
    try:
        return read(text)
    except (ValueError, binascii.Error):
        return text


def _time(text: str) -> Timestamp:
    made = Timestamp()
    moment = datetime.fromisoformat(text)
    made.FromSeconds(int(moment.replace(microsecond=0).timestamp())) if moment.tzinfo else made.FromDatetime(
        moment
    )
    made.nanos = moment.microsecond * 1000
    return made


def _duration(text: str) -> Duration:
    made = Duration()
    made.FromNanoseconds(parse_duration(text))
    return made


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_READERS: dict[str, Callable[[str], Any]] = {
    "date": _time,
    "date-time": _time,
    "duration": _duration,
    "byte": _bytes,
}


def aligned(schema: Document, old: Any, new: Any) -> Any:
    """The old value with its sets and keyed lists in the new one's order: for them `self == oldSelf` does not depend on the order."""
    if isinstance(old, dict) and isinstance(new, dict):
        properties, values = schema.get("properties") or {}, values_of(schema)
        return {
            key: aligned(properties.get(key) or values or {}, part, new.get(key)) for key, part in old.items()
        }
    if not (isinstance(old, list) and isinstance(new, list)):
        return old
    kind, items = schema.get("x-kubernetes-list-type", "atomic"), schema.get("items") or {}
    if kind == "atomic":
        return [aligned(items, *pair) for pair in zip(old, new, strict=True)] if len(old) == len(new) else old
    keyed = {_key(schema, item): item for item in old}
    wanted = [_key(schema, item) for item in new]
    if len(keyed) != len(old) or sorted(map(repr, keyed)) != sorted(map(repr, wanted)):
        return old
    return [aligned(items, keyed[key], item) for key, item in zip(wanted, new, strict=True)]


def correlated(schema: Document, old: Any, item: Any) -> Any:
    """The old item with the same keys; None unless the list is a map."""
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(old, list):
        return None
    wanted = _key(schema, item)
    return next((other for other in old if isinstance(other, dict) and _key(schema, other) == wanted), None)


def _key(schema: Document, item: Any) -> Any:
    if schema.get("x-kubernetes-list-type") == "map" and isinstance(item, dict):
        properties = (schema.get("items") or {}).get("properties") or {}
        return tuple(
            repr(item.get(name, (properties.get(name) or {}).get("default")))
            for name in schema.get("x-kubernetes-list-map-keys", ())
        )
    return repr(item)
