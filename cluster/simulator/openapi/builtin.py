"""Compiles the trimmed OpenAPI types of Kubernetes into `Schema` objects, each at its first use."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from cluster.simulator.openapi.defaults import TYPE_DEFAULTS
from cluster.simulator.openapi.schema import MISSING, Schema

DATA = Path(__file__).parent / "data"
REFERENCE = "#/components/schemas/"
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    META + "Time": "time",
    META + "MicroTime": "time",
    META + "FieldsV1": "any",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
}


@cache
def type_documents() -> dict[str, Any]:
    """Every type by its full name, as in the OpenAPI document."""
    types: dict[str, Any] = {}
    for path in sorted((DATA / "schemas").glob("*.json")):
        types.update(json.loads(path.read_text()))
    return types


@cache
def type_names() -> dict[tuple[str, str, str], str]:
    """(group, version, kind) -> the full name of the type."""
    names: dict[tuple[str, str, str], str] = {}
    for name, document in type_documents().items():
        marks = document.get("x-kubernetes-group-version-kind", [])
        if len(marks) == 1:
            names[marks[0]["group"], marks[0]["version"], marks[0]["kind"]] = name
    return names


_compiled: dict[str, Schema] = {}


def type_schema(name: str) -> Schema:
    """The compiled type; types may contain themselves, so it is registered before its fields are filled."""
    known = _compiled.get(name)
    if known is not None:
        return known
    schema = _compiled[name] = Schema("any", name.rpartition(".")[2])
    if name in SPECIAL:
        schema.shape = SPECIAL[name]
        return schema
    _fill(schema, type_documents()[name])
    schema.defaults.update(TYPE_DEFAULTS.get(name, {}))
    return schema


def _fill(schema: Schema, document: dict[str, Any]) -> None:
    kind = document.get("type")
    schema.format = document.get("format", "")
    schema.atomic = document.get("x-kubernetes-map-type") == "atomic"
    if "properties" in document:
        schema.shape = "object"
        schema.required = tuple(document.get("required", ()))
        for key, part in document["properties"].items():
            schema.properties[key] = _field(part)
            if schema.properties[key].default is not MISSING:
                schema.defaults[key] = schema.properties[key].default
    elif kind == "object" and "additionalProperties" in document:
        schema.shape = "map"
        schema.values = _field(document["additionalProperties"])
    elif kind == "array":
        schema.shape = "array"
        schema.items = _field(document["items"])
    elif kind in ("string", "integer", "number", "boolean"):
        schema.shape = "bytes" if document.get("format") == "byte" else kind


def _field(document: dict[str, Any]) -> Schema:
    """The type of one field: a reference keeps the field's own marks (default, merge key, list type)."""
    reference = document.get("$ref") or next((part["$ref"] for part in document.get("allOf", ())), None)
    marked = any(key.startswith("x-kubernetes") or key == "default" for key in document)
    if reference:
        target = type_schema(reference.removeprefix(REFERENCE))
        if not marked:
            return target
        schema = _view(target)
    else:
        schema = Schema("any")
        _fill(schema, document)
    schema.default = document.get("default", MISSING)
    schema.list_type = document.get("x-kubernetes-list-type", "atomic")
    schema.map_keys = tuple(document.get("x-kubernetes-list-map-keys", ()))
    schema.merge_key = document.get("x-kubernetes-patch-merge-key", "")
    strategies = document.get("x-kubernetes-patch-strategy", "")
    schema.patch_strategies = tuple(strategies.split(",")) if strategies else ()
    if document.get("x-kubernetes-map-type") == "atomic":
        schema.atomic = True
    return schema


def _view(target: Schema) -> Schema:
    """A field's own copy of a type's head; fields and defaults are shared, also while the type is still being filled."""
    return Schema(
        target.shape,
        target.name,
        target.properties,
        target.values,
        target.items,
        defaults=target.defaults,
        format=target.format,
        required=target.required,
        atomic=target.atomic,
    )
