"""Conversations about the CEL rules of definitions: what is refused when they are written. The kinds are like those of well-known projects."""

from typing import Any

from tests.cluster.api.custom_resources import DEFINITIONS, definition
from tests.cluster.api.steps import Step, post

TEXT: dict[str, Any] = {"type": "string", "maxLength": 20}
NUMBER: dict[str, Any] = {"type": "integer"}


def rule(text: str, /, **more: Any) -> dict[str, Any]:
    return {"rule": text, **more}


def with_rules(schema: dict[str, Any], *rules: dict[str, Any] | str) -> dict[str, Any]:
    return {
        **schema,
        "x-kubernetes-validations": [rule(one) if isinstance(one, str) else one for one in rules],
    }


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def a_list(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "maxItems": 10, "items": items, **more}


def keyed_list(*keys: str, **properties: Any) -> dict[str, Any]:
    items = {**an_object(**properties), "required": list(keys)}
    return a_list(items, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)})


def a_map(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "maxProperties": 10, "additionalProperties": values}


def ruled(name: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A definition whose version has this schema; `more` are other entries of the version."""
    return definition(
        name,
        schema={"openAPIV3Schema": schema},
        **{"additionalPrinterColumns": None, "subresources": {"status": {}}, **more},
    )


def refused(*rules: dict[str, Any] | str, **properties: Any) -> Step:
    """A definition with rules at its spec."""
    spec = with_rules(
        an_object(**(properties or {"size": NUMBER, "name": TEXT, "tags": a_list(TEXT)})), *rules
    )
    return post(DEFINITIONS, ruled("gadgets", an_object(spec=spec)))


def refused_root(schema: dict[str, Any]) -> Step:
    return post(DEFINITIONS, ruled("gadgets", schema))


DEFINITION_RULES: dict[str, list[Step]] = {
    "rules that are not written right": [
        refused(" "),
        refused(rule("self.size > 0", message=" ")),
        refused(rule("self.size > 0", message="two\nlines")),
        refused("self.size > 0\n&& self.size < 9"),
        refused(rule("self.size > 0", messageExpression=" ")),
        refused(rule("self.size > 0", reason="Never")),
        refused(rule("self.size > 0", fieldPath=".weight")),
        refused(rule("self.size > 0", fieldPath="size")),
        refused(rule("self.size > 0", fieldPath=".tags[0]")),
        refused(rule("self.size > 0", optionalOldSelf=True)),
        refused(rule("self.size > 0", optionalOldSelf=False)),
        refused_root(an_object(spec={**an_object(a=NUMBER), "allOf": [with_rules({}, "true")]})),
    ],
    "rules that do not compile": [
        refused("self.weight > 0"),
        refused("has(self.weight)"),
        refused("self.size > 'a'"),
        refused("self.size + 'a' == 'b'"),
        refused("self.size"),
        refused("self.name"),
        refused("self.size == 1 &&"),
        refused("self.size == (1"),
        refused("size(self.size) == 1"),
        refused("self.name.startsWith(1)"),
        refused("self.tags.all(t, t > 1)"),
        refused("self.tags.all(t, u == t)"),
        refused("self.tags.sum() == 1"),
        refused("unknown(self)"),
        refused("other == 1"),
        refused("self.name == null"),
        refused("self.name.size"),
        refused("self.size == 1.0"),
        refused("quantity(self.size).isGreaterThan(quantity('1'))"),
        refused("quantity(self.name) > quantity('1')"),
        refused("self.size == 1 ? 'a' : 2"),
        refused("self.size > 0", "self.weight > 0", "self.name"),
        refused(rule("self.size > 0", messageExpression="self.weight")),
        refused(rule("self.size > 0", messageExpression="self.size")),
        refused(rule("self.size > 0", messageExpression="'a' +")),
        refused_root(an_object(spec=an_object(size=with_rules(NUMBER, "self.matches('a')")))),
        refused_root(with_rules(an_object(spec=an_object()), "self.metadata.labels['a'] == 'b'")),
        refused_root(
            an_object(
                spec=an_object(
                    free=with_rules(
                        {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "self.a == 1"
                    )
                )
            )
        ),
        refused_root(
            an_object(
                spec=an_object(any=with_rules({"x-kubernetes-preserve-unknown-fields": True}, "self == 1"))
            )
        ),
        refused_root(an_object(spec=an_object(map=a_map(with_rules(an_object(a=NUMBER), "self.b == 1"))))),
        refused_root(an_object(spec=an_object(list=a_list(with_rules(an_object(a=NUMBER), "self.b == 1"))))),
    ],
    "rules about the old value where there is none": [
        refused_root(
            an_object(spec=an_object(list=a_list(with_rules(an_object(a=NUMBER), "self == oldSelf"))))
        ),
        refused_root(
            an_object(
                spec=an_object(
                    set=a_list(with_rules(TEXT, "self == oldSelf"), **{"x-kubernetes-list-type": "set"})
                )
            )
        ),
        refused("oldSelf.weight == 1"),
        refused(rule("oldSelf.size == 1", optionalOldSelf=True)),
        refused(rule("oldSelf.weight.orValue(1) == 1", optionalOldSelf=True)),
    ],
}
