"""The CEL rules of a CustomResourceDefinition: each compiles, and says what may be said where it stands."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cluster.simulator.cel.field_paths import field_path
from cluster.simulator.cel.schemas import MARK, has_rules, values_of
from cluster.simulator.problems import Cause, forbidden_field, missing, unsupported, wrong

Document = dict[str, Any]
REASONS = ["FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired", "FieldValueDuplicate"]
NESTED = ("allOf", "anyOf", "oneOf")
UNSEEN = "unable to convert structural schema to CEL declarations"
LINE_BREAK = re.compile(r"[\n\r]")


def rule_causes(versions: list[Document]) -> list[Cause]:
    """Everything that is wrong with the rules of all versions. A schema that all versions share is named once, as Kubernetes keeps it."""
    schemas = [(version.get("schema") or {}).get("openAPIV3Schema") or {} for version in versions]
    if schemas and all(schema == schemas[0] for schema in schemas):
        return _schema_causes(schemas[0], "spec.validation.openAPIV3Schema")
    return [
        cause
        for index, schema in enumerate(schemas)
        for cause in _schema_causes(schema, f"spec.versions[{index}].schema.openAPIV3Schema")
    ]


def _schema_causes(schema: Document, path: str) -> list[Cause]:
    nested = list(_nested_causes(schema, path, inside=False))
    if nested or not has_rules(schema):
        return nested
    found = _walk(schema, path, root=True, barrier="")
    return found.form + found.expressions


def _nested_causes(schema: Any, path: str, *, inside: bool) -> Iterator[Cause]:
    """Rules stand at what a schema has, not at its alternatives."""
    if not isinstance(schema, dict):
        return
    if inside and schema.get(MARK):
        yield forbidden_field(f"{path}.{MARK}", "must be empty to be structural")
    for word in NESTED:
        for index, branch in enumerate(schema.get(word) or []):
            yield from _nested_causes(branch, f"{path}.{word}[{index}]", inside=True)
    yield from _nested_causes(schema.get("not"), f"{path}.not", inside=True)
    for name, part in (schema.get("properties") or {}).items():
        yield from _nested_causes(part, f"{path}.properties[{name}]", inside=inside)
    for word in ("items", "additionalProperties"):
        yield from _nested_causes(schema.get(word), f"{path}.{word}", inside=inside)


@dataclass
class Found:
    """What is wrong with how rules are written, and, where that is right, with their expressions."""

    form: list[Cause] = field(default_factory=list)
    expressions: list[Cause] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        self.form += other.form
        self.expressions += other.expressions


def _walk(schema: Document, path: str, *, root: bool, barrier: str) -> Found:
    """`barrier` is the outermost list whose items cannot be told from the old ones."""
    found = Found()
    values, items = values_of(schema), schema.get("items")
    if values is not None:
        found.add(_below(values, f"{path}.additionalProperties", barrier))
    for name, part in (schema.get("properties") or {}).items():
        found.add(_below(part, f"{path}.properties[{name}]", barrier))
    if isinstance(items, dict):
        told = schema.get("x-kubernetes-list-type") == "map"
        found.add(_below(items, f"{path}.items", barrier if told else barrier or path))
    rules = schema.get(MARK) or []
    for index, rule in enumerate(rules):
        found.form += _form_causes(schema, rule, f"{path}.{MARK}[{index}]")
    if rules and not found.form:
        found.expressions += _expression_causes(schema, path, root=root, barrier=barrier)
    return found


def _below(schema: Document, path: str, barrier: str) -> Found:
    return _walk(schema, path, root=bool(schema.get("x-kubernetes-embedded-resource")), barrier=barrier)


def _form_causes(schema: Document, rule: Document, place: str) -> Iterator[Cause]:
    text, message = str(rule.get("rule") or ""), str(rule.get("message") or "")
    if not text.strip():
        yield missing(f"{place}.rule", "rule is not specified")
    elif message and not message.strip():
        yield wrong(f"{place}.message", message, "must be non-empty if specified")
    elif LINE_BREAK.search(message.strip()):
        yield wrong(f"{place}.message", message, "must not contain line breaks")
    elif LINE_BREAK.search(text.strip()) and not message.strip():
        yield missing(f"{place}.message", "message must be specified if rule contains line breaks")
    expression = rule.get("messageExpression") or ""
    if expression and not expression.strip():
        yield missing(f"{place}.messageExpression", "messageExpression must be non-empty if specified")
    if rule.get("reason") is not None and rule["reason"] not in REASONS:
        yield unsupported(f"{place}.reason", rule["reason"], sorted(REASONS))
    yield from _path_causes(schema, str(rule.get("fieldPath") or ""), f"{place}.fieldPath")


def _path_causes(schema: Document, path: str, place: str) -> Iterator[Cause]:
    if path and not path.strip():
        yield wrong(place, path, "must be non-empty if specified")
    if LINE_BREAK.search(path):
        yield wrong(place, path, "must not contain line breaks")
    if path and field_path(schema, path) is None:
        yield wrong(place, path, "must be a valid path")


def _expression_causes(schema: Document, path: str, *, root: bool, barrier: str) -> Iterator[Cause]:
    from cluster.simulator.cel import rules  # brings the library: only where there are rules

    try:
        compilers = rules.RuleCompilers(schema, root=root)
    except rules.InvisibleSchema:
        detail = f"internal error: failed to construct type information for {MARK} rules: {UNSEEN}"
        yield Cause(f"{path}.{MARK}", "InternalError", f"Internal error: {detail}")
        return
    for index, rule in enumerate(schema[MARK]):
        yield from _one_expression(compilers, rule, f"{path}.{MARK}[{index}]", barrier)


def _one_expression(compilers: Any, rule: Document, place: str, barrier: str) -> Iterator[Cause]:
    from cluster.simulator.cel.expressions import CompileFailure

    try:
        compiled = compilers.compile(rule)
    except CompileFailure as failure:
        yield Cause(f"{place}.rule", "FieldValueInvalid", f"Invalid value: {_as_go(rule)}: {failure}")
        yield from _unused_option(rule, place)
        return
    if compiled.message_problem:
        text = f"Invalid value: {_as_go(rule)}: {compiled.message_problem}"
        yield Cause(f"{place}.messageExpression", "FieldValueInvalid", text)
    if compiled.rule.uses_old and barrier:
        detail = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {barrier}"
        yield wrong(f"{place}.rule", rule["rule"], detail)
    elif not compiled.rule.uses_old:
        yield from _unused_option(rule, place)


def _unused_option(rule: Document, place: str) -> Iterator[Cause]:
    if rule.get("optionalOldSelf") is not None:
        detail = "may not be set if oldSelf is not used in rule"
        yield wrong(f"{place}.optionalOldSelf", rule["optionalOldSelf"], detail)


def _as_go(rule: Document) -> str:
    """The rule as Go's encoder writes its type."""
    shown = {
        "Rule": rule.get("rule", ""),
        "Message": rule.get("message", ""),
        "MessageExpression": rule.get("messageExpression", ""),
        "Reason": rule.get("reason"),
        "FieldPath": rule.get("fieldPath", ""),
        "OptionalOldSelf": rule.get("optionalOldSelf"),
    }
    text = json.dumps(shown, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
