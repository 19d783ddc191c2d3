"""Reads a JSON value as a type: unknown fields dropped and named, wrong types refused, nulls removed, defaults set. Pure.

This is what Go's decoder and the API machinery do to an object on its way in. Values that are the very same object as in `known`
(the stored object, already decoded) are taken over unread, which makes a patch of a status cheap.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

from cluster.simulator.limits.amounts import canonical
from cluster.simulator.openapi.schema import Schema

PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "map": (dict,),
    "array": (list,),
    "string": (str,),
    "bytes": (str,),
    "time": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "int-or-string": (int, str),
    "quantity": (str, int, float),
}
GO_TYPES = {
    "string": "string",
    "boolean": "bool",
    "number": "float64",
    "bytes": "[]uint8",
    "quantity": "string",
}


class WrongType(Exception):
    """A JSON value that its type cannot hold; the text is what Go's decoder says. `owner` is the struct with the field."""

    def __init__(self, found: str, place: str, wanted: str) -> None:
        super().__init__()
        self.found, self.place, self.wanted = found, place, wanted
        self.owner = ""

    def __str__(self) -> str:
        field = f"{self.owner}.{self.place}" if self.owner else self.place
        return f"json: cannot unmarshal {self.found} into Go struct field {field} of type {self.wanted}"


class WrongQuantity(WrongType):
    """Text that is no quantity; the decoder does not say where."""

    def __str__(self) -> str:
        return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


@dataclass(slots=True)
class Decoding:
    """Collects what a strict client wants to know. `set_defaults` is off for configurations of server-side apply.

    `custom` is for custom resources: wrong types and nulls stay, for `validation/values.py` to name all of them at once.
    """

    unknown: list[str] = field(default_factory=list)
    set_defaults: bool = True
    custom: bool = False

    def decode(self, schema: Schema, value: Any, path: str = "", known: Any = None) -> Any:
        """The value as `schema` holds it, sharing what equals `known`. Raises WrongType."""
        shape = schema.shape
        if shape == "any" or (value is known and known is not None):
            return value
        if self.custom and not isinstance(value, PYTHON_TYPES[shape]):
            return value
        if shape == "object":
            return self._object(schema, value, path, known)
        if shape == "map":
            return self._map(schema, value, path)
        if shape == "array":
            if not isinstance(value, list):
                raise _wrong(schema, value, path)
            items = schema.items
            if items is None:
                return value
            if self.custom:
                return [self.decode(items, item, f"{path}[{index}]") for index, item in enumerate(value)]
            return [
                self.decode(
                    items, {} if item is None and items.shape == "object" else item, f"{path}[{index}]"
                )
                for index, item in enumerate(value)
            ]
        return value if self.custom else _leaf(schema, value, path)

    def _object(self, schema: Schema, value: Any, path: str, known: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(schema, value, path)
        properties, values = schema.properties, schema.values
        result: dict[str, Any] = {}
        for key, part in value.items():
            child = properties.get(key) or values
            if child is None:
                if schema.open:
                    result[key] = part
                else:
                    self.unknown.append(f"{path}.{key}" if path else key)
            elif part is None:
                if self.custom and child.nullable:
                    result[key] = None
            else:
                before = known.get(key) if isinstance(known, dict) else None
                if before is not None and before == part:
                    result[key] = before
                else:
                    try:
                        result[key] = self.decode(child, part, f"{path}.{key}" if path else key, before)
                    except WrongType as error:
                        error.owner = error.owner or schema.name
                        raise
        if self.set_defaults:
            self.fill(schema, result)
        return result

    def _map(self, schema: Schema, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(schema, value, path)
        values = schema.values
        if values is None:
            return value
        if self.custom:
            return {key: self.decode(values, part, f"{path}.{key}") for key, part in value.items()}
        empty: Any = "" if values.shape == "string" else {}
        return {
            key: self.decode(values, empty if part is None else part, f"{path}.{key}")
            for key, part in value.items()
        }

    def fill(self, schema: Schema, result: dict[str, Any]) -> None:
        """Set the defaults of absent fields, in place."""
        for key, default in schema.defaults.items():
            if key in result:
                continue
            if isinstance(default, dict):
                result[key] = self.decode(schema.properties[key], copy.deepcopy(default), key)
            else:
                result[key] = copy.copy(default)


def _leaf(schema: Schema, value: Any, path: str) -> Any:
    shape = schema.shape
    if isinstance(value, bool) and shape != "boolean":
        raise _wrong(schema, value, path)
    if not isinstance(value, PYTHON_TYPES[shape]):
        if shape == "integer" and isinstance(value, float) and value.is_integer():
            return int(value)
        raise _wrong(schema, value, path)
    if isinstance(value, int) and schema.format == "int32" and not -(2**31) <= value < 2**31:
        raise WrongType(f"number {value}", _place(path), "int32")
    return _quantity(str(value), path) if shape == "quantity" else value


def _quantity(text: str, path: str) -> str:
    """In Kubernetes' own notation, so that equal amounts are equal texts."""
    try:
        return canonical(text)
    except ValueError:
        raise WrongQuantity("string", _place(path), "Quantity") from None


def _wrong(schema: Schema, value: Any, path: str) -> WrongType:
    names = {dict: "object", list: "array", str: "string", bool: "bool"}
    found = names.get(type(value), "number")
    if schema.shape == "integer":
        wanted = schema.format or "int"
    elif schema.shape in GO_TYPES:
        wanted = GO_TYPES[schema.shape]
    else:
        wanted = schema.name or {
            "array": "[]" + (schema.items.name if schema.items else ""),
            "map": "map[string]",
        }.get(schema.shape, schema.shape)
    return WrongType(found, _place(path), wanted)


def _place(path: str) -> str:
    """Go names fields without list indexes: `spec.containers.image`."""
    return "".join(part.partition("]")[2] if index else part for index, part in enumerate(path.split("[")))
