"""One expression: compiled once, evaluated often."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cel_expr_python import cel

from cluster.simulator.cel.environments import (
    checking_environment,
    evaluating_environment,
    optional_environment,
)
from cluster.simulator.cel.sentences import check_failure, evaluation_failure
from cluster.simulator.cel.types import Type, Types, list_of, optional


class CompileFailure(Exception):
    """The expression is not one, or not of the type that is wanted here."""


class EvaluationFailure(Exception):
    """The expression has no value: a key is missing, a type does not fit."""


@dataclass(frozen=True)
class Expression:
    """Ready to be evaluated."""

    program: Any

    def value(self, variables: Mapping[str, Any]) -> Any:
        """Raises EvaluationFailure."""
        try:
            found = self.program.eval(data=variables)
        except RuntimeError as error:  # what the library cannot plan, or a value it cannot hold
            raise EvaluationFailure(evaluation_failure(str(error))) from None
        if found.type() == cel.Type.ERROR:
            raise EvaluationFailure(evaluation_failure(str(found.value())))
        return found.value()


@dataclass(frozen=True)
class NoExpression:
    """Stands for one that did not compile."""

    failure: str

    def value(self, variables: Mapping[str, Any]) -> Any:
        """Raises EvaluationFailure."""
        raise EvaluationFailure(self.failure)


class Compiler:
    """Compiles the expressions over one set of variables."""

    def __init__(self, types: Types, variables: Mapping[str, Type]) -> None:
        self._names = tuple(variables)
        self._environment = checking_environment(types, variables)

    def compile(self, text: str, wanted: str) -> Expression:
        """`wanted` is bool or string. Raises CompileFailure."""
        checked = _compiled(self._environment, text)
        _check_result(checked, wanted)
        return _planned(checked, self._names)

    def compiles(self, text: str) -> bool:
        """Whether it is an expression over these variables, of whatever type."""
        try:
            self._environment.compile(text)
        except RuntimeError:
            return False
        return True


class OptionalOldCompiler:
    """For rules whose `oldSelf` is an optional value.

    The library takes no optional values from outside: the old value comes in a list that is empty or has one item, and is bound to the name
    inside the expression.
    """

    LISTED = "oldSelves__"

    def __init__(self, types: Types, kind: Type) -> None:
        self._checking = optional_environment(types, {"self": kind, "oldSelf": optional(kind)})
        variables = {"self": kind, self.LISTED: list_of(kind)}
        self._binding = checking_environment(types, variables, bindings=True)

    def compile(self, text: str, wanted: str) -> Expression:
        """Raises CompileFailure."""
        _check_result(_compiled(self._checking, text), wanted)
        bound = f"cel.bind(oldSelf, {self.LISTED}.first(), {text}\n)"
        return _planned(_compiled(self._binding, bound), ("self", self.LISTED))


def _compiled(environment: Any, text: str) -> Any:
    try:
        return environment.compile(text)
    except RuntimeError as error:
        raise CompileFailure(check_failure(str(error), text)) from None


def _check_result(checked: Any, wanted: str) -> None:
    found = checked.return_type()
    if found != {"bool": cel.Type.BOOL, "string": cel.Type.STRING}[wanted]:
        raise WrongResult(str(found.name()).lower())


class WrongResult(CompileFailure):
    """The expression gives another type; the text is its name."""


def _planned(checked: Any, names: tuple[str, ...]) -> Expression:
    """Raises CompileFailure for what the checker knows and the evaluator does not: nothing is accepted and then ignored."""
    program = evaluating_environment(names).deserialize(checked.serialize())
    try:
        program.eval(data=dict.fromkeys(names))
    except RuntimeError as error:
        raise CompileFailure(
            f"the simulator cannot evaluate this: {evaluation_failure(str(error))}"
        ) from None
    return Expression(program)
