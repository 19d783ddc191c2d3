"""A custom resource's schema is obeyed: every broken rule is named with its place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.simulator.openapi.custom import compile_custom
from cluster.simulator.openapi.decoding import Decoding
from cluster.simulator.validation.values import value_causes


def broken(rules: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    """(field, reason) of every rule that `spec.x` breaks."""
    spec = {"type": "object", "properties": {"x": rules}}
    schema = compile_custom({"type": "object", "properties": {"spec": spec}}, "Thing")
    return [(cause.field, cause.reason) for cause in value_causes(schema, {"spec": {"x": value}})]


INVALID, TYPE = "FieldValueInvalid", "FieldValueTypeInvalid"


@pytest.mark.parametrize(
    ("rules", "good", "bad", "reason"),
    [
        ({"type": "string"}, "a", 1, TYPE),
        ({"type": "integer"}, 1, True, TYPE),
        ({"type": "integer"}, 2.0, 2.5, TYPE),
        ({"type": "number"}, 2.5, "2.5", TYPE),
        ({"type": "boolean"}, False, 0, TYPE),
        ({"type": "object"}, {}, [], TYPE),
        ({"type": "string", "nullable": True}, None, 1, TYPE),
        ({"x-kubernetes-int-or-string": True}, "50%", 1.5, TYPE),
        ({"type": "string", "enum": ["a", "b"]}, "b", "c", "FieldValueNotSupported"),
        ({"type": "integer", "minimum": 3}, 3, 2, INVALID),
        ({"type": "integer", "maximum": 3}, 3, 4, INVALID),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, 4, 3, INVALID),
        ({"type": "integer", "multipleOf": 3}, 9, 10, INVALID),
        ({"type": "string", "minLength": 2}, "ab", "a", INVALID),
        ({"type": "string", "maxLength": 2}, "ab", "abc", "FieldValueTooLong"),
        ({"type": "string", "pattern": "^a+$"}, "aa", "b", INVALID),
        ({"type": "string", "format": "date-time"}, "2030-01-01T00:00:00Z", "soon", INVALID),
        ({"type": "array", "minItems": 1, "items": {"type": "string"}}, ["a"], [], INVALID),
        (
            {"type": "array", "maxItems": 1, "items": {"type": "string"}},
            ["a"],
            ["a", "b"],
            "FieldValueTooMany",
        ),
        (
            {"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}},
            {"a": "b"},
            {"a": "b", "c": "d"},
            "FieldValueTooMany",
        ),
        ({"type": "string", "anyOf": [{"pattern": "^a"}, {"pattern": "z$"}]}, "az", "bb", INVALID),
        ({"type": "string", "oneOf": [{"pattern": "^a"}, {"pattern": "z$"}]}, "ab", "az", INVALID),
        ({"type": "string", "not": {"enum": ["x"]}}, "y", "x", INVALID),
        ({"type": "integer", "allOf": [{"minimum": 1}, {"maximum": 5}]}, 3, 9, INVALID),
    ],
)
def test_a_rule_lets_the_good_through_and_names_the_bad(
    rules: dict[str, Any], good: Any, bad: Any, reason: str
) -> None:
    assert broken(rules, good) == []
    assert ("spec.x", reason) in broken(rules, bad)


def test_places_inside_lists_and_maps_are_named() -> None:
    items = {
        "type": "array",
        "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
    }

    assert broken(items, [{"id": "a"}, {}]) == [("spec.x[1].id", "FieldValueRequired")]
    assert broken({"type": "object", "additionalProperties": {"type": "integer"}}, {"k": "v"}) == [
        ("spec.x.k", TYPE)
    ]


def test_items_of_keyed_lists_are_there_once() -> None:
    keyed = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["id"],
        "items": {"type": "object", "properties": {"id": {"type": "string"}}},
    }
    plain = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}

    assert broken(keyed, [{"id": "a"}, {"id": "b"}, {"id": "a"}]) == [("spec.x[2]", "FieldValueDuplicate")]
    assert broken(plain, ["a", "a"]) == [("spec.x[1]", "FieldValueDuplicate")]


SCHEMA = compile_custom(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "count": {"type": "integer", "default": 2},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    "inner": {
                        "type": "object",
                        "default": {},
                        "properties": {"word": {"type": "string", "default": "w"}},
                    },
                },
            }
        },
    },
    "Thing",
)


def test_pruning_keeps_what_is_declared_free() -> None:
    decoding = Decoding(custom=True)
    document = decoding.decode(SCHEMA, {"spec": {"free": {"any": [1]}, "other": 1, "count": None}})

    assert document["spec"] == {"free": {"any": [1]}, "count": 2, "inner": {"word": "w"}}
    assert decoding.unknown == ["spec.other"]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["count", "free", "inner", "word", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["spec", "status", "x"]), json_values, max_size=3))
def test_no_document_is_too_strange_to_be_judged(document: dict[str, Any]) -> None:
    decoded = Decoding(custom=True).decode(SCHEMA, document)

    value_causes(SCHEMA, decoded)
    assert Decoding(custom=True).decode(SCHEMA, decoded) == decoded
