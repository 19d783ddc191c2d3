"""ResourceQuotas: which objects one is about, what they take together, whether one more fits. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from cluster.simulator.kinds.qos import qos_class
from cluster.simulator.limits.amounts import Amount, Amounts, read_amounts, texts_of, total
from cluster.simulator.limits.usage import counted, untold, usage_of

Document = dict[str, Any]
NOTHING = Amount(Decimal(0))


class Exceeded(Exception):
    """The quota does not let an object in; the text says why, as the API server does."""


def charge(
    quota: Document, storage: str, new: Document, old: Document | None, now: datetime
) -> Document | None:
    """The quota with what `new` takes (more than `old`), or None when it is not concerned. Raises Exceeded."""
    status, name = quota.get("status") or {}, quota["metadata"]["name"]
    hard = read_amounts(status.get("hard"))
    concerned = {resource for resource in hard if counted(storage, resource)}
    if not concerned or not in_scope(quota, storage, new):
        return None
    if storage == "pods" and (silent := untold(new, concerned)):
        raise Exceeded(f"failed quota: {name}: must specify {silent}")
    used = read_amounts(status.get("used"))
    if unknown := sorted(concerned - used.keys()):
        raise Exceeded(f"status unknown for quota: {name}, resources: {','.join(unknown)}")
    before = usage_of(storage, old, now) if old is not None and in_scope(quota, storage, old) else {}
    more = _more(usage_of(storage, new, now), before, concerned)
    if not more:
        return None
    after = total(used, more)
    over = {resource for resource in more if after[resource].number > hard[resource].number}
    if over:
        parts = (("requested", more), ("used", used), ("limited", hard))
        told = (f"{word}: {_listed(amounts, over)}" for word, amounts in parts)
        raise Exceeded(f"exceeded quota: {name}, {', '.join(told)}")
    return {**quota, "status": {**status, "used": texts_of(after)}}


def _more(usage: Amounts, before: Amounts, concerned: set[str]) -> Amounts:
    """What is added; what becomes less is given back by the controller."""
    found = {}
    for name in concerned & usage.keys():
        added = usage[name].number - before.get(name, NOTHING).number
        if added > 0:
            found[name] = Amount(added, usage[name].notation)
    return found


def _listed(amounts: Amounts, names: set[str]) -> str:
    return ",".join(f"{name}={amounts[name]}" for name in sorted(names))


def used_by(quota: Document, objects: Mapping[str, Iterable[Document]], now: datetime) -> dict[str, str]:
    """What all objects together take of what the quota limits; `objects` by storage name."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    found: Amounts = {}
    for storage, documents in objects.items():
        concerned = {name for name in hard if counted(storage, name)}
        taken = [usage_of(storage, one, now) for one in documents if in_scope(quota, storage, one)]
        together = total(*taken)
        found |= {name: together.get(name, NOTHING) for name in concerned}
    return texts_of(found)


# --- scopes -----------------------------------------------------------------------------------------------------------


def in_scope(quota: Document, storage: str, document: Document) -> bool:
    """Without scopes a quota is about everything, with them about pods that fit all of them."""
    spec = quota.get("spec") or {}
    wanted = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or []]
    wanted += (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    return not wanted or (storage == "pods" and all(_fits(document["spec"], one) for one in wanted))


def has_deadline(spec: Document) -> bool:
    """What the scope Terminating means: the pod ends at a known time at the latest."""
    return spec.get("activeDeadlineSeconds") is not None


def _fits(spec: Document, wanted: Document) -> bool:
    scope = wanted.get("scopeName")
    if scope in ("Terminating", "NotTerminating"):
        return has_deadline(spec) is (scope == "Terminating")
    if scope in ("BestEffort", "NotBestEffort"):
        return (qos_class(spec) == "BestEffort") is (scope == "BestEffort")
    if scope == "CrossNamespacePodAffinity":
        return any(_is_foreign(term) for term in _affinity_terms(spec.get("affinity") or {}))
    if scope == "PriorityClass":
        return _has_class(spec.get("priorityClassName") or "", wanted)
    return False


def _has_class(name: str, wanted: Document) -> bool:
    operator, values = wanted.get("operator"), wanted.get("values") or []
    if operator == "In":
        return name in values
    if operator == "NotIn":
        return name not in values
    return bool(name) is (operator == "Exists")


def _affinity_terms(affinity: Document) -> Iterable[Document]:
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        yield from rules.get("requiredDuringSchedulingIgnoredDuringExecution") or []
        for weighted in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or []:
            yield weighted.get("podAffinityTerm") or {}


def _is_foreign(term: Document) -> bool:
    return bool(term.get("namespaces")) or term.get("namespaceSelector") is not None
