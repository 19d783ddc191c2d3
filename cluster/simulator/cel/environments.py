"""Where the library is called: one environment that checks expressions against types, and one that evaluates what was checked.

The second knows no types: it takes JSON-like values as they come, so that `has()` and missing keys mean what they mean to Kubernetes and not
what they mean for protobuf's messages. Only this module and `expressions.py` know the library.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cel_expr_python import cel
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from cluster.simulator.cel.functions import COMPARISONS, FUNCTIONS, ORDERED, Function, by_the_library
from cluster.simulator.cel.schemas import Document
from cluster.simulator.cel.types import OPAQUE, OPAQUE_TEXT, Type, Types

EXTENSIONS = [{"name": name} for name in ("optional", "lists", "sets", "two-var-comprehensions")]
STRINGS = {"name": "strings", "version": 2}
"""Its functions are declared in `functions.py`."""
REPLACED = (*COMPARISONS, "string")
"""A function is declared in one place: what Kubernetes adds to is declared anew."""
BINDINGS = {"name": "bindings"}
"""For what this package itself puts around an expression: Kubernetes does not have it."""


_NAMED = {
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
    "string": cel.Type.STRING,
    "bytes": cel.Type.BYTES,
    "dyn": cel.Type.DYN,
    "google.protobuf.Timestamp": cel.Type.TIMESTAMP,
    "google.protobuf.Duration": cel.Type.DURATION,
}


def checking_environment(types: Types, variables: Mapping[str, Type], *, bindings: bool = False) -> Any:
    """Compiles expressions over these variables, whose messages are in `types`; `bindings`: they may call `cel.bind`."""
    named = {name: _library_type(kind) for name, kind in variables.items()}
    return cel.NewEnv(descriptor_pool=types.pool(), config=_checking(bindings=bindings), variables=named)


def optional_environment(types: Types, variables: Mapping[str, Type]) -> Any:
    """The same for variables that are optional values, which only a configuration can declare."""
    declared = [{"name": name, **kind.as_json()} for name, kind in variables.items()]
    config = cel.NewEnvConfigFromYaml(json.dumps(_checking_config() | {"variables": declared}))
    return cel.NewEnv(descriptor_pool=types.pool(), config=config)


@cache
def _checking(*, bindings: bool) -> Any:
    config = _checking_config()
    if bindings:
        config["extensions"] = [*config["extensions"], BINDINGS]
    return cel.NewEnvConfigFromYaml(json.dumps(config))


def _checking_config() -> Document:
    return {
        "stdlib": {"exclude_functions": [{"name": name} for name in REPLACED]},
        "extensions": EXTENSIONS,
        "functions": _declarations(),
    }


@cache
def _declarations() -> list[Document]:
    overloads: dict[str, list[Document]] = {}
    for function in FUNCTIONS:
        listed = overloads.setdefault(function.name, [])
        made: Document = {"id": f"{function.name}_{len(listed)}", "return": function.result.as_json()}
        if function.target is not None:
            made["target"] = function.target.as_json()
        listed.append({**made, "args": [kind.as_json() for kind in function.arguments]})
    for name, called in COMPARISONS.items():
        overloads[name] = [
            {
                "id": f"{called}_{one.name}_{other.name}",
                "args": [one.as_json(), other.as_json()],
                "return": {"type_name": "bool"},
            }
            for one, other in ORDERED
        ]
    return [{"name": name, "overloads": listed} for name, listed in overloads.items()]


@cache
def evaluating_environment(names: tuple[str, ...]) -> Any:
    """Evaluates what was checked, over values of any type."""
    config = {"extensions": [*EXTENSIONS, STRINGS, BINDINGS]}
    return cel.NewEnv(
        descriptor_pool=_opaque_pool(),
        config=cel.NewEnvConfigFromYaml(json.dumps(config)),
        variables=dict.fromkeys(names, cel.Type.DYN),
        functions=_implementations(),
    )


@cache
def _opaque_pool() -> Any:
    return Types().pool()


@cache
def _opaque_class(name: str) -> Any:
    return GetMessageClass(_opaque_pool().FindMessageTypeByName(name))


def _implementations() -> list[Any]:
    """The library chooses by the kinds of the arguments alone, so functions that differ only in their messages share an entry."""
    sharing: dict[tuple[str, bool, tuple[str, ...]], list[Function]] = {}
    for function in FUNCTIONS:
        if function.evaluate is by_the_library:
            continue
        kinds = tuple(_kind(parameter) for parameter in function.parameters)
        sharing.setdefault((function.name, function.target is not None, kinds), []).append(function)
    overloads: dict[str, list[Any]] = {}
    for (name, is_member, kinds), functions in sharing.items():
        listed = overloads.setdefault(name, [])
        listed.append(
            cel.Overload(
                id=f"{name}_{len(listed)}",
                return_type=cel.Type.DYN,
                parameters=[_library_type(Type(kind)) for kind in kinds],
                is_member=is_member,
                impl=_implementation(functions),
            )
        )
    return [cel.FunctionDecl(name, listed) for name, listed in overloads.items()]


def _kind(parameter: Type) -> str:
    if parameter.name in OPAQUE:
        return OPAQUE[0]
    return "google.protobuf.Any" if len(parameter.name) == 1 else parameter.name


def _library_type(kind: Type) -> Any:
    parameters = [_library_type(parameter) for parameter in kind.parameters]
    if kind.name == "list":
        return cel.Type.List(*parameters or [cel.Type.DYN])
    return cel.Type.Map(*parameters) if kind.name == "map" else _NAMED.get(kind.name) or cel.Type(kind.name)


def _implementation(functions: Iterable[Function]) -> Callable[..., Any]:
    by_messages = {
        tuple(kind.name for kind in function.parameters if kind.name in OPAQUE): function
        for function in functions
    }

    def call(*arguments: Any) -> Any:
        names = tuple(
            argument.DESCRIPTOR.full_name for argument in arguments if isinstance(argument, Message)
        )
        function = by_messages.get(names) or next(iter(by_messages.values()))
        return _returned(function.result, function.evaluate(*map(_given, arguments)))

    return call


def _given(argument: Any) -> Any:
    return getattr(argument, OPAQUE_TEXT) if isinstance(argument, Message) else argument


def _returned(kind: Type, value: Any) -> Any:
    if kind.name in OPAQUE:
        return _opaque_class(kind.name)(**{OPAQUE_TEXT: value})
    if isinstance(value, timedelta):
        made = Duration()
        made.FromTimedelta(value)
        return made
    if isinstance(value, datetime):
        moment = Timestamp()
        moment.FromDatetime(value)
        return moment
    return value
