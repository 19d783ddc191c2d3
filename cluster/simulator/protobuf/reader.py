"""A protobuf document of Kubernetes -> the JSON document it stands for.

The envelope is four bytes `k8s\\0` and a `runtime.Unknown` message (type, raw bytes). Field numbers and types come from
`openapi/data/protobuf.json`; how a field is named in JSON comes from the OpenAPI type, which also tells embedded Go structs
(a message field that the JSON type does not have is written inline).
"""

import base64
import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cluster.simulator.openapi.builtin import DATA, type_documents, type_names
from cluster.simulator.problems import bad_request

MAGIC = b"k8s\x00"
META = "k8s.io.apimachinery.pkg.apis.meta.v1."
QUANTITY = "k8s.io.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "k8s.io.apimachinery.pkg.util.intstr.IntOrString"
VARINTS = frozenset({"int32", "int64", "uint32", "uint64", "bool"})
Field = tuple[str, str, bool, bool]
"""Name, type, is repeated, tells an absent value from an empty one (a pointer in Go)."""


@cache
def _messages() -> dict[str, dict[int, Field]]:
    raw = json.loads((DATA / "protobuf.json").read_text())
    return {
        name: {int(number): tuple(entry) for number, entry in fields.items()} for name, fields in raw.items()
    }


def is_protobuf(body: bytes) -> bool:
    return body.startswith(MAGIC)


def read_document(body: bytes) -> dict[str, Any]:
    """The document inside an envelope. Raises 400 when it is cut off or of an unknown kind."""
    try:
        type_meta: dict[str, str] = {}
        raw = b""
        for number, _, value in _fields(body[len(MAGIC) :]):
            if number == 1:
                for part, _, text in _fields(value):
                    type_meta["apiVersion" if part == 1 else "kind"] = text.decode()
            elif number == 2:
                raw = value
        api_version, kind = type_meta.get("apiVersion", ""), type_meta.get("kind", "")
        group, _, version = api_version.rpartition("/")
        return {"apiVersion": api_version, "kind": kind, **_message(_message_of(group, version, kind), raw)}
    except (IndexError, ValueError, OverflowError, OSError, struct.error, RecursionError) as error:
        raise bad_request(f"the protobuf body is damaged: {error}") from None


def _message_of(group: str, version: str, kind: str) -> str:
    """The proto name of a kind; options objects are the same in every group."""
    if kind in ("DeleteOptions", "CreateOptions", "UpdateOptions", "PatchOptions", "ListOptions"):
        return META + kind
    name = type_names().get((group, version, kind))
    if name is None:
        raise bad_request(f'no kind "{kind}" is registered for version "{group}/{version}"')
    return _proto_name(name)


def _proto_name(name: str) -> str:
    return "k8s.io." + name.removeprefix("io.k8s.").replace(
        "apiextensions-apiserver", "apiextensions_apiserver"
    )


def _json_name(message: str) -> str:
    return "io.k8s." + message.removeprefix("k8s.io.").replace(
        "apiextensions_apiserver", "apiextensions-apiserver"
    )


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """(number, wire type, value) of each field of a message."""
    if not isinstance(data, bytes):
        raise ValueError("a number stands where a message belongs")
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, position = _varint(data, position)
            yield number, wire, value
        elif wire == 2:
            length, position = _varint(data, position)
            if position + length > len(data):
                raise IndexError("a field is longer than the body")
            yield number, wire, data[position : position + length]
            position += length
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            yield number, wire, data[position : position + size]
            position += size
        else:
            raise IndexError(f"unknown wire type {wire}")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7


def _message(name: str, data: bytes) -> Any:
    special = _SPECIAL.get(name)
    if special is not None:
        return special(data)
    fields = _messages().get(name)
    if fields is None:
        raise bad_request(f"protobuf message {name} is not known to this server")
    json_fields = type_documents().get(_json_name(name), {}).get("properties")
    result: dict[str, Any] = {}
    for number, _, raw in _fields(data):
        if number not in fields:
            continue
        key, kind, repeated, pointer = fields[number]
        value = _value(kind, raw)
        if not pointer and not repeated and value in ("", 0, None):
            continue  # written always, and left out of JSON when empty
        if kind.startswith("map<"):
            result.setdefault(key, {}).update(value)
        elif repeated:
            result.setdefault(key, []).append(value)
        elif json_fields is not None and key not in json_fields and isinstance(value, dict):
            result.update(value)
        else:
            result[key] = value
    if list(fields) == [1] and fields[1][0] == "items" and json_fields is None:
        return result.get("items", [])  # Go names a list of strings so (ExtraValue, Verbs)
    return result


def _value(kind: str, raw: Any) -> Any:
    if kind.startswith("map<"):
        key_kind, _, value_kind = kind[4:-1].partition(",")
        entry: dict[int, Any] = {number: value for number, _, value in _fields(raw)}
        absent = 0 if value_kind in VARINTS else b""
        return {_value(key_kind, entry.get(1, b"")): _value(value_kind, entry.get(2, absent))}
    if isinstance(raw, int) is not (kind in VARINTS):
        raise ValueError(f"the wire type does not fit {kind}")
    if kind == "string":
        return raw.decode()
    if kind == "bytes":
        return base64.b64encode(raw).decode()
    if kind == "bool":
        return bool(raw)
    if kind in VARINTS:
        return raw - (1 << 64) if raw >= 1 << 63 and kind.startswith("int") else raw
    if kind == "double":
        return struct.unpack("<d", raw)[0]
    return _message(kind, raw)


def _quantity(data: bytes) -> str:
    return next((_value("string", value) for number, _, value in _fields(data) if number == 1), "0")


def _int_or_string(data: bytes) -> int | str:
    parts = {number: value for number, _, value in _fields(data)}
    if parts.get(1, 0) == 1:
        return str(_value("string", parts.get(3, b"")))
    return int(_value("int64", parts.get(2, 0)))


def _time(data: bytes) -> str | None:
    parts = {number: value for number, _, value in _fields(data)}
    if not parts:
        return None
    seconds = _value("int64", parts.get(1, 0))
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(data: bytes) -> str | None:
    parts = {number: value for number, _, value in _fields(data)}
    if not parts:
        return None
    moment = datetime.fromtimestamp(_value("int64", parts.get(1, 0)), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{_value('int32', parts.get(2, 0)) // 1000:06d}Z"


def _raw_json(data: bytes) -> Any:
    """RawExtension and FieldsV1 carry JSON text."""
    raw = next((_value("string", value) for number, _, value in _fields(data) if number == 1), "null")
    return json.loads(raw)


_SPECIAL = {
    QUANTITY: _quantity,
    INT_OR_STRING: _int_or_string,
    META + "Time": _time,
    META + "MicroTime": _micro_time,
    META + "FieldsV1": _raw_json,
    "k8s.io.apimachinery.pkg.runtime.RawExtension": _raw_json,
    "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSON": _raw_json,
}
