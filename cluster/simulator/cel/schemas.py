"""What expressions need to know of an OpenAPI schema. Pure; needs no library, so that looking for rules costs nothing."""

from typing import Any

Document = dict[str, Any]
MARK = "x-kubernetes-validations"
_TEXT: Document = {"type": "string"}
_NAMED: Document = {"type": "object", "properties": {"name": _TEXT, "generateName": _TEXT}}


def has_rules(schema: Any) -> bool:
    """Whether there are rules at this part or below."""
    if not isinstance(schema, dict):
        return False
    if schema.get(MARK):
        return True
    parts = [
        *(schema.get("properties") or {}).values(),
        schema.get("items"),
        schema.get("additionalProperties"),
    ]
    return any(has_rules(part) for part in parts)


def values_of(schema: Document) -> Document | None:
    """The schema of a map's values."""
    extra = schema.get("additionalProperties")
    return extra if isinstance(extra, dict) else None


def with_object_fields(schema: Document) -> Document:
    """The root of an object always has a kind, a version, a name and a generateName; of its metadata nothing else is seen."""
    properties = schema.get("properties") or {}
    metadata = properties.get("metadata") or {}
    known = metadata.get("properties") or {}
    texts = [
        properties.get("kind"),
        properties.get("apiVersion"),
        known.get("name"),
        known.get("generateName"),
    ]
    if metadata.get("type") == "object" and all((text or {}).get("type") == "string" for text in texts):
        return schema
    added = {"kind": _TEXT, "apiVersion": _TEXT, "metadata": _NAMED}
    return {**schema, "properties": {**properties, **added}}
