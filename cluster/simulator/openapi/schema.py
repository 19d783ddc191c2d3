"""One compiled type: what decoding, patching and server-side apply need to know about a field. Pure."""

from dataclasses import dataclass, field
from typing import Any, Final


class Missing:
    """Stands for "no default": None is a value in JSON."""


MISSING: Final = Missing()
LEAVES = frozenset({"string", "integer", "number", "boolean"})


@dataclass(eq=False, slots=True)
class Schema:
    """`shape` is object, map, array, any, or a leaf: string, integer, number, boolean, int-or-string, quantity, time, bytes.

    An object has `properties`; a map (or an object that also takes free keys) has `values`; an array has `items`.
    """

    shape: str
    name: str = ""
    properties: dict[str, "Schema"] = field(default_factory=dict)
    values: "Schema | None" = None
    items: "Schema | None" = None
    default: Any = MISSING
    defaults: dict[str, Any] = field(default_factory=dict)
    """Property -> default, collected from the properties and, for built-in types, from `openapi/defaults.py`."""
    nullable: bool = False
    open: bool = False
    """Unknown keys are kept (x-kubernetes-preserve-unknown-fields)."""
    embedded: bool = False
    """A whole Kubernetes object (x-kubernetes-embedded-resource)."""
    list_type: str = "atomic"
    map_keys: tuple[str, ...] = ()
    atomic: bool = False
    """A map or object that server-side apply owns as a whole (x-kubernetes-map-type)."""
    patch_strategies: tuple[str, ...] = ()
    merge_key: str = ""
    format: str = ""
    required: tuple[str, ...] = ()
    rules: dict[str, Any] = field(default_factory=dict)
    """Value rules of a custom resource's schema: pattern, minimum, enum, oneOf and so on, as written."""

    def child(self, key: str) -> "Schema | None":
        """The type of the value under `key`, or None when the type does not know it."""
        return self.properties.get(key) or self.values
