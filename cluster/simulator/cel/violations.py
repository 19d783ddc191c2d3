"""Which rules an object breaks: walks the value, the old value and the rules together. Pure but for the evaluation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from cluster.simulator.cel.expressions import EvaluationFailure, OptionalOldCompiler
from cluster.simulator.cel.rules import Rule, RuleNode
from cluster.simulator.cel.schemas import Document, values_of
from cluster.simulator.cel.sentences import NO_SUCH_OVERLOAD
from cluster.simulator.cel.values import aligned, correlated, seen_value
from cluster.simulator.problems import Cause, shown

LONGEST_MESSAGE = 5 * 1024
NOWHERE = "<nil>"
"""How Go names the place of a whole object."""


@dataclass(frozen=True)
class Violation:
    """A broken rule. One that was broken before, at a place that did not change, is tolerated and only told."""

    cause: Cause
    tolerated: bool = False


def violations(node: RuleNode, new: Document, old: Document | None) -> list[Violation]:
    """Every rule the object breaks."""
    return list(_violations(node, new, Before(old, old is not None, lambda: False), ""))


@dataclass(frozen=True)
class Before:
    """What was at a place before: `known` where it can be told which old value became the new one.

    `same_around` says whether the nearest place around it that can be told did not change; asked only when a rule is broken.
    """

    value: Any
    known: bool
    same_around: Callable[[], bool]

    def same(self, schema: Document, new: Any) -> bool:
        """Whether nothing changed here, or, where that cannot be told, around here."""
        return unchanged(schema, new, self.value) if self.known else self.same_around()

    def inside(self, schema: Document, new: Any, part: Any) -> "Before":
        """Of a part of this place, whose new value and schema are given."""
        around = partial(self.same, schema, new) if self.known else self.same_around
        return Before(part, part is not None, around)


def _violations(node: RuleNode, value: Any, before: Before, path: str) -> Iterator[Violation]:
    if value is None:
        return
    if node.rules:
        yield from _broken(node, value, before, path)
    if isinstance(value, list) and node.items is not None:
        for index, item in enumerate(value):
            inside = before.inside(node.schema, value, correlated(node.schema, before.value, item))
            yield from _violations(node.items, item, inside, f"{path}[{index}]")
    elif isinstance(value, dict):
        olds = before.value if isinstance(before.value, dict) else {}
        for key, part in value.items():
            inside = before.inside(node.schema, value, olds.get(key))
            if key in node.properties:
                yield from _violations(node.properties[key], part, inside, f"{path}.{key}" if path else key)
            elif node.values is not None:
                yield from _violations(node.values, part, inside, f"{path}[{key}]")


def unchanged(schema: Document, new: Any, old: Any) -> bool:
    """Equal in all that the schema knows; keyed lists in any order. What it does not know counts as changed."""
    if isinstance(new, dict) and isinstance(old, dict):
        properties, values = schema.get("properties") or {}, values_of(schema)
        return len(new) == len(old) and all(
            key in old
            and (key in properties or values is not None)
            and unchanged(properties.get(key) or values or {}, part, old[key])
            for key, part in new.items()
        )
    if isinstance(new, list) and isinstance(old, list):
        if schema.get("x-kubernetes-list-type") != "map":
            return new == old
        pairs = [(item, correlated(schema, old, item)) for item in new]
        items = schema.get("items") or {}
        return len(new) == len(old) and all(
            other is not None and unchanged(items, item, other) for item, other in pairs
        )
    return type(new) is type(old) and bool(new == old)


def _broken(node: RuleNode, value: Any, before: Before, path: str) -> Iterator[Violation]:
    variables: dict[str, Any] = {"self": seen_value(node.schema, value, root=node.root)}
    if before.known and any(rule.uses_old or rule.message_expression for rule in node.rules):
        variables["oldSelf"] = seen_value(
            node.schema, aligned(node.schema, before.value, value), root=node.root
        )
    variables[OptionalOldCompiler.LISTED] = (
        [variables["oldSelf"]] if before.known and "oldSelf" in variables else []
    )
    for rule in node.rules:
        if rule.uses_old and not before.known and not rule.old_is_optional:
            continue
        try:
            if rule.expression.value(variables) is True:
                continue
        except EvaluationFailure as failure:
            yield Violation(_failed(node, rule, str(failure), path))
            continue
        tolerated = not rule.uses_old and before.same(node.schema, value)
        yield Violation(_cause(node, rule, variables, value, path), tolerated)


def _failed(node: RuleNode, rule: Rule, failure: str, path: str) -> Cause:
    if failure.startswith(NO_SUCH_OVERLOAD):
        text = f"'{failure}': call arguments did not match a supported operator, function or macro signature for rule: {rule.name}"
    else:
        text = f"{failure} evaluating rule: {rule.name}"
    kind = node.schema.get("type", "")
    return Cause(path or NOWHERE, "FieldValueInvalid", f"Invalid value: {shown(kind)}: {text}")


def _cause(node: RuleNode, rule: Rule, variables: dict[str, Any], value: Any, path: str) -> Cause:
    place = ".".join(filter(None, (path, rule.path)))
    message = _message(rule, variables)
    omitted = node.schema.get("type") in ("object", "array")
    named = "" if omitted else f": {shown(value)}"
    texts = {
        "FieldValueForbidden": f"Forbidden: {message}",
        "FieldValueRequired": f"Required value: {message}",
        "FieldValueDuplicate": f"Duplicate value{named}",
    }
    return Cause(place or NOWHERE, rule.reason, texts.get(rule.reason, f"Invalid value{named}: {message}"))


def _message(rule: Rule, variables: dict[str, Any]) -> str:
    """What its expression says; where that says nothing usable, what is written."""
    if rule.message_expression is not None:
        try:
            said = str(rule.message_expression.value(variables)).strip()
        except EvaluationFailure:
            said = ""
        if said and "\n" not in said and len(said.encode()) <= LONGEST_MESSAGE:
            return said
    return rule.message.strip() or f"failed rule: {rule.name}"
