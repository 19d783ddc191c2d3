"""The rules of a schema (`x-kubernetes-validations`), compiled: a tree of those parts that have some, or have parts that have some."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cluster.simulator.cel.expressions import (
    CompileFailure,
    Compiler,
    Expression,
    NoExpression,
    OptionalOldCompiler,
    WrongResult,
)
from cluster.simulator.cel.field_paths import field_path
from cluster.simulator.cel.schemas import MARK, Document, has_rules, values_of
from cluster.simulator.cel.types import Types


@dataclass(frozen=True)
class Rule:
    """One rule. `path` is where a violation is shown, below the value the rule stands at."""

    text: str
    expression: Expression | NoExpression
    message: str = ""
    message_expression: Expression | None = None
    reason: str = "FieldValueInvalid"
    path: str = ""
    uses_old: bool = False
    old_is_optional: bool = False

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.message.strip() or self.text.strip()


@dataclass(frozen=True)
class RuleNode:
    """One part of a schema. `root` says that it is a whole object."""

    schema: Document
    root: bool
    rules: tuple[Rule, ...] = ()
    properties: dict[str, "RuleNode"] = field(default_factory=dict)
    values: "RuleNode | None" = None
    items: "RuleNode | None" = None


def compiled_rules(schema: Document) -> RuleNode | None:
    """Of the root of a definition's schema, which has been checked when it was written; None where there are none."""
    return _node(schema, root=True)


def _node(schema: Any, *, root: bool) -> RuleNode | None:
    if not has_rules(schema):
        return None
    written = schema.get(MARK) or []
    compilers = RuleCompilers(schema, root=root) if written else None
    properties = {name: _below(part) for name, part in (schema.get("properties") or {}).items()}
    return RuleNode(
        schema,
        root,
        tuple(_kept(compilers, rule) for rule in written) if compilers else (),
        {name: node for name, node in properties.items() if node is not None},
        _below(values_of(schema)),
        _below(schema.get("items")),
    )


def _kept(compilers: "RuleCompilers", written: Document) -> Rule:
    """A rule of a definition that is stored. One that was stored before rules were compiled may be broken: no object keeps it."""
    try:
        return compilers.compile(written).rule
    except CompileFailure as failure:
        return Rule(str(written.get("rule", "")), NoExpression(f"rule compile error: {failure}"))


def _below(schema: Any) -> RuleNode | None:
    root = isinstance(schema, dict) and bool(schema.get("x-kubernetes-embedded-resource"))
    return _node(schema, root=root)


@dataclass(frozen=True)
class Compiled:
    """A rule, with what is wrong with its message's expression. Raises what is wrong with the rule itself."""

    rule: Rule
    message_problem: str = ""


class InvisibleSchema(Exception):
    """A part of a schema that expressions do not see."""


class RuleCompilers:
    """Compiles the rules of one part of a schema; makes each environment only when a rule needs it. Raises InvisibleSchema."""

    def __init__(self, schema: Document, *, root: bool) -> None:
        self._schema = schema
        self._types = Types()
        kind = self._types.of(schema, root=root)
        if kind is None:
            raise InvisibleSchema
        self._kind = kind

    @cached_property
    def _plain(self) -> Compiler:
        return self._compiler("self")

    @cached_property
    def _transition(self) -> Compiler:
        return self._compiler("self", "oldSelf")

    @cached_property
    def _optional(self) -> OptionalOldCompiler:
        return OptionalOldCompiler(self._types, self._kind)

    def _compiler(self, *names: str) -> Compiler:
        return Compiler(self._types, dict.fromkeys(names, self._kind))

    def uses_old(self, text: str) -> bool:
        """Only then it does not compile without."""
        return "oldSelf" in text and not self._plain.compiles(text)

    def compile(self, written: Document) -> Compiled:
        """Raises CompileFailure for the rule; the message's failure is told in the result."""
        text, optional = str(written.get("rule", "")), bool(written.get("optionalOldSelf"))
        uses_old = self.uses_old(text)
        compiler = self._optional if optional else self._transition if uses_old else self._plain
        try:
            expression = compiler.compile(text, "bool")
        except WrongResult:
            raise CompileFailure("cel expression must evaluate to a bool") from None
        except CompileFailure as failure:
            raise CompileFailure(f"compilation failed: {failure}") from None
        message, problem = self._message(written, optional=optional)
        rule = Rule(
            text,
            expression,
            str(written.get("message", "")),
            message,
            written.get("reason") or "FieldValueInvalid",
            field_path(self._schema, str(written.get("fieldPath", ""))) or "",
            uses_old,
            optional,
        )
        return Compiled(rule, problem)

    def _message(self, written: Document, *, optional: bool) -> tuple[Expression | None, str]:
        text = str(written.get("messageExpression", ""))
        if not text:
            return None, ""
        uses_old = "oldSelf" in text
        compiler = self._optional if optional else self._transition if uses_old else self._plain
        try:
            return compiler.compile(text, "string"), ""
        except WrongResult:
            return None, "messageExpression must evaluate to a string"
        except CompileFailure as failure:
            return None, f"messageExpression compilation failed: {failure}"
