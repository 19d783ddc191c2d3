"""Compiles the schema of a CustomResourceDefinition. Pure."""

from typing import Any

from cluster.simulator.openapi.builtin import META, type_schema
from cluster.simulator.openapi.schema import MISSING, Schema

RULES = frozenset(
    [
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "enum",
        "format",
        "oneOf",
        "anyOf",
        "allOf",
        "not",
    ]
)


def compile_custom(document: dict[str, Any], kind: str) -> Schema:
    """The type of a custom resource: its own fields plus those every object has."""
    schema = _compile(document, kind)
    schema.shape = "object"
    schema.name = kind
    if not document:
        schema.open = True
    _add_object_fields(schema)
    return schema


def _add_object_fields(schema: Schema) -> None:
    schema.properties = {
        **schema.properties,
        "apiVersion": Schema("string"),
        "kind": Schema("string"),
        "metadata": type_schema(META + "ObjectMeta"),
    }


def _compile(document: dict[str, Any], name: str = "") -> Schema:
    kind = document.get("type", "")
    schema = Schema("any", name)
    if document.get("x-kubernetes-int-or-string"):
        schema.shape = "int-or-string"
    elif kind == "object" or "properties" in document or "additionalProperties" in document:
        _fill_object(schema, document)
    elif kind == "array" or "items" in document:
        schema.shape = "array"
        schema.items = _compile(document["items"]) if document.get("items") else None
    elif kind:
        schema.shape = kind
    _fill_marks(schema, document)
    return schema


def _fill_object(schema: Schema, document: dict[str, Any]) -> None:
    schema.properties = {key: _compile(part, key) for key, part in document.get("properties", {}).items()}
    schema.defaults = {
        key: part.default for key, part in schema.properties.items() if part.default is not MISSING
    }
    extra = document.get("additionalProperties")
    if isinstance(extra, dict):
        schema.values = _compile(extra)
    elif extra:
        schema.open = True
    schema.shape = "map" if schema.values is not None and not schema.properties else "object"


def _fill_marks(schema: Schema, document: dict[str, Any]) -> None:
    schema.default = document.get("default", MISSING)
    schema.nullable = bool(document.get("nullable"))
    schema.open = schema.open or bool(document.get("x-kubernetes-preserve-unknown-fields"))
    if document.get("x-kubernetes-embedded-resource"):
        schema.embedded = True
        _add_object_fields(schema)
    schema.list_type = document.get("x-kubernetes-list-type", "atomic")
    schema.map_keys = tuple(document.get("x-kubernetes-list-map-keys", ()))
    schema.atomic = document.get("x-kubernetes-map-type") == "atomic"
    schema.format = document.get("format", "")
    schema.required = tuple(document.get("required", ()))
    schema.rules = {key: value for key, value in document.items() if key in RULES}
