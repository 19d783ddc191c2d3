"""The `matchConditions` of a webhook: CEL expressions that all must be true of a write, or the webhook is not asked about it."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from cluster.simulator.cel.expressions import (
    CompileFailure,
    Compiler,
    EvaluationFailure,
    Expression,
    WrongResult,
)
from cluster.simulator.cel.types import DYN, Type, Types

Document = dict[str, Any]
_TEXT: Document = {"type": "string"}
_TEXTS: Document = {"type": "array", "items": _TEXT}
_LABELS: Document = {"type": "object", "additionalProperties": _TEXT}
_TIME: Document = {"type": "string", "format": "date-time"}
_NUMBER: Document = {"type": "integer"}


def _object(**properties: Document) -> Document:
    return {"type": "object", "properties": properties}


_KIND = _object(group=_TEXT, version=_TEXT, kind=_TEXT)
_RESOURCE = _object(group=_TEXT, version=_TEXT, resource=_TEXT)
REQUEST = _object(
    kind=_KIND,
    resource=_RESOURCE,
    subResource=_TEXT,
    requestKind=_KIND,
    requestResource=_RESOURCE,
    requestSubResource=_TEXT,
    name=_TEXT,
    namespace=_TEXT,
    operation=_TEXT,
    userInfo=_object(
        username=_TEXT,
        uid=_TEXT,
        groups=_TEXTS,
        extra={"type": "object", "additionalProperties": _TEXTS},
    ),
    dryRun={"type": "boolean"},
    options={"x-kubernetes-int-or-string": True},  # the way a schema says: of any type
)
NAMESPACE = _object(
    metadata=_object(
        name=_TEXT,
        generateName=_TEXT,
        namespace=_TEXT,
        labels=_LABELS,
        annotations=_LABELS,
        UID=_TEXT,
        creationTimestamp=_TIME,
        deletionGracePeriodSeconds=_NUMBER,
        deletionTimestamp=_TIME,
        generation=_NUMBER,
        resourceVersion=_TEXT,
        finalizers=_TEXTS,
    ),
    spec=_object(finalizers=_TEXTS),
    status=_object(
        conditions={
            "type": "array",
            "items": _object(status=_TEXT, type=_TEXT, lastTransitionTime=_TIME, message=_TEXT, reason=_TEXT),
        },
        phase=_TEXT,
    ),
)
"""Declared, but webhooks' conditions are not told the namespace: its value is null."""
UNSEEN = ("object", "oldObject")


class UndecidedConditions(Exception):
    """None of the conditions is false, and some have no value; the webhook's failurePolicy decides."""


@cache
def _compiler() -> Compiler:
    types = Types(str)  # what the server itself declares is called by its own names
    seen = {"request": types.of(REQUEST), "namespaceObject": types.of(NAMESPACE)}
    named: dict[str, Type] = {name: kind for name, kind in seen.items() if kind is not None}
    return Compiler(types, {"object": DYN, "oldObject": DYN, **named})


@cache
def _compiled(text: str) -> Expression:
    """Raises CompileFailure."""
    return _compiler().compile(text, "bool")


def condition_problem(text: str) -> str:
    """Why this is no condition; nothing when it is one."""
    try:
        _compiled(text)
    except WrongResult as other:
        return f"must evaluate to bool but got {other}"
    except CompileFailure as failure:
        return f"compilation failed: {failure}"
    return ""


def all_true(conditions: Iterable[Document], request: Mapping[str, Any]) -> bool:
    """Whether a write fulfils them; `request` is what a review would hold. Raises UndecidedConditions."""
    told = {name: value for name, value in request.items() if name not in UNSEEN}
    variables = {
        "object": request.get("object"),
        "oldObject": request.get("oldObject"),
        "request": told,
        "namespaceObject": None,
    }
    failures = []
    for condition in conditions:
        text = condition["expression"].strip()
        try:
            if _compiled(text).value(variables) is not True:
                return False
        except (CompileFailure, EvaluationFailure) as failure:
            failures.append(f"expression '{condition['expression']}' resulted in error: {failure}")
    if failures:
        raise UndecidedConditions(
            failures[0] if len(failures) == 1 else f"[{', '.join(dict.fromkeys(failures))}]"
        )
    return True
