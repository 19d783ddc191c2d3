"""ResourceQuotas: what makes them unusable; their scopes never change."""

from collections.abc import Iterator
from typing import Any

from cluster.simulator.kinds.resource_names import QUOTA, is_whole, quota_name_causes
from cluster.simulator.kinds.rules import Document, KindRules
from cluster.simulator.limits.amounts import read_amounts
from cluster.simulator.problems import Cause, missing, wrong

_PODS = ("pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory")
COUNTS_IN_SCOPE: dict[str, tuple[str, ...]] = {
    "Terminating": _PODS,
    "NotTerminating": _PODS,
    "NotBestEffort": _PODS,
    "PriorityClass": _PODS,
    "CrossNamespacePodAffinity": _PODS,
    "BestEffort": ("pods",),
    "VolumeAttributesClass": ("persistentvolumeclaims", "requests.storage"),
}
"""By scope, what of Kubernetes' own resources it may be combined with."""
_CONTRARY = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_WITHOUT_VALUES = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating,"
    " ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)
_WITH_VALUES = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
_NO_VALUES = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"


def _causes(new: Document, old: Document | None) -> list[Cause]:
    spec = new.get("spec") or {}
    causes = [*_hard(spec.get("hard")), *_scopes(spec), *_selector(spec)]
    before = (old.get("spec") or {}) if old is not None else spec
    if set(before.get("scopes") or []) != set(spec.get("scopes") or []):
        causes.append(wrong("spec.scopes", spec.get("scopes"), "field is immutable"))
    return causes


def _hard(hard: Any) -> Iterator[Cause]:
    for name, amount in sorted(read_amounts(hard).items()):
        place = f"spec.hard[{name}]"
        yield from quota_name_causes(name, place)
        if amount.number < 0:
            yield wrong(place, str(amount), "must be greater than or equal to 0")
        if is_whole(name) and amount.number % 1:
            yield wrong(place, str(amount), "must be an integer")


def _scopes(spec: Document) -> Iterator[Cause]:
    scopes = spec.get("scopes") or []
    for scope in scopes:
        if scope not in COUNTS_IN_SCOPE:
            yield wrong("spec.scopes", scopes, "unsupported scope")
        for _ in _out_of_scope(spec, scope):
            yield wrong("spec.scopes", scopes, "unsupported scope applied to resource")
    if any(pair <= set(scopes) for pair in _CONTRARY):
        yield wrong("spec.scopes", scopes, "conflicting scopes")


def _out_of_scope(spec: Document, scope: str) -> list[str]:
    counted = COUNTS_IN_SCOPE.get(scope, QUOTA)
    return [name for name in spec.get("hard") or {} if name in QUOTA and name not in counted]


def _selector(spec: Document) -> Iterator[Cause]:
    """The newer way to say scopes: with operators and values."""
    selector = spec.get("scopeSelector") or {}
    place, found = "spec.scopeSelector.matchExpressions", selector.get("matchExpressions") or []
    for one in found:
        scope, operator = one.get("scopeName", ""), one.get("operator", "")
        if scope not in COUNTS_IN_SCOPE:
            yield wrong(f"{place}.scopeName", scope, "unsupported scope")
        for _ in _out_of_scope(spec, scope):
            yield wrong(place, selector, "unsupported scope applied to resource")
        if scope in COUNTS_IN_SCOPE and "Class" not in scope and operator != "Exists":
            yield wrong(f"{place}.operator", operator, _WITHOUT_VALUES)
        yield from _operator(one, place)
    if any(pair <= {one.get("scopeName") for one in found} for pair in _CONTRARY):
        yield wrong("spec.scopeSelector", selector, "conflicting scopes")


def _operator(expression: Document, place: str) -> Iterator[Cause]:
    operator, values = expression.get("operator", ""), expression.get("values") or []
    if operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
        yield wrong(f"{place}.operator", operator, "not a valid selector operator")
    elif operator in ("In", "NotIn") and not values:
        yield missing(f"{place}.values", _WITH_VALUES)
    elif operator in ("Exists", "DoesNotExist") and values:
        yield wrong(f"{place}.values", values, _NO_VALUES)


RULES = KindRules(returns_deleted=True, causes=_causes)
