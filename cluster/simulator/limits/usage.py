"""What one object takes of a ResourceQuota: a pod its requests and limits, a claim its storage, everything else its number. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from cluster.documents import parse_time
from cluster.pods import is_finished
from cluster.simulator.limits.amounts import Amount, Amounts, read_amounts
from cluster.simulator.limits.pod_totals import (
    HUGE_PAGES,
    containers_of,
    own_resources,
    with_overhead,
)

Document = dict[str, Any]
ONE = Amount(Decimal(1))
NOT_COUNTED = ("events",)
"""By storage name: what no quota limits."""
_BY_PLAIN_NAME = ("configmaps", "secrets", "resourcequotas", "replicationcontrollers")
"""Counted under their own name as well, from the time before `count/`."""
_MUST_BE_TOLD = ("cpu", "memory")
_TOLD_BY_CONTAINERS = (*_MUST_BE_TOLD, "ephemeral-storage")
_OF_CLASS = ".storageclass.storage.k8s.io/"


def counted(storage: str, name: str) -> bool:
    """Whether objects of that kind take of a quota's resource."""
    if name == f"count/{storage}":
        return True
    if storage == "pods":
        return _counts_pods(name)
    if storage == "services":
        return name in ("services", "services.nodeports", "services.loadbalancers")
    if storage == "persistentvolumeclaims":
        return name in ("persistentvolumeclaims", "requests.storage") or _OF_CLASS in name
    return storage in _BY_PLAIN_NAME and name == storage


def _counts_pods(name: str) -> bool:
    kept = name.removeprefix("requests.")
    if name == "pods" or name.removeprefix("limits.") in _TOLD_BY_CONTAINERS or kept in _TOLD_BY_CONTAINERS:
        return True
    is_device = name != kept and "/" in kept and "kubernetes.io/" not in kept
    return kept.startswith(HUGE_PAGES) or (is_device and _OF_CLASS not in name)


def usage_of(storage: str, document: Document, now: datetime) -> Amounts:
    found = {f"count/{storage}": ONE}
    if storage in _BY_PLAIN_NAME:
        found[storage] = ONE
    take = _USAGE.get(storage)
    return found | take(document, now) if take is not None else found


def _of_pod(pod: Document, now: datetime) -> Amounts:
    """Nothing once it has ended, or should have ended long ago: a lost node must not keep others from running."""
    if is_finished(pod) or is_overdue(pod, now):
        return {}
    spec = pod["spec"]
    return _told(with_overhead(spec, "requests"), with_overhead(spec, "limits"))


def overdue_at(pod: Document) -> datetime | None:
    """When a pod that is being deleted stops to count, whether it is there or not."""
    metadata = pod["metadata"]
    if not metadata.get("deletionTimestamp"):
        return None
    grace = timedelta(seconds=int(metadata.get("deletionGracePeriodSeconds") or 0))
    return parse_time(metadata["deletionTimestamp"]) + grace


def is_overdue(pod: Document, now: datetime) -> bool:
    moment = overdue_at(pod)
    return moment is not None and now > moment


def _told(requests: Amounts, limits: Amounts) -> Amounts:
    """Requests and limits by the names that quotas have for them."""
    found = {"pods": ONE}
    for name, amount in requests.items():
        is_own = name in _TOLD_BY_CONTAINERS or name.startswith(HUGE_PAGES)
        if is_own:
            found[name] = amount
        if is_own or "/" in name:
            found[f"requests.{name}"] = amount
    return found | {f"limits.{name}": limits[name] for name in _TOLD_BY_CONTAINERS if name in limits}


def _of_service(service: Document, now: datetime) -> Amounts:
    spec = service.get("spec") or {}
    kind, ports = spec.get("type"), spec.get("ports") or []
    if kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False:
        ports = [port for port in ports if port.get("nodePort")]
    node_ports = len(ports) if kind in ("NodePort", "LoadBalancer") else 0
    return {
        "services": ONE,
        "services.nodeports": Amount(Decimal(node_ports)),
        "services.loadbalancers": Amount(Decimal(kind == "LoadBalancer")),
    }


def _of_claim(claim: Document, now: datetime) -> Amounts:
    spec = claim.get("spec") or {}
    found = {"persistentvolumeclaims": ONE}
    storage = read_amounts((spec.get("resources") or {}).get("requests")).get("storage")
    if storage is not None:
        found["requests.storage"] = storage
    if spec.get("storageClassName"):
        found |= {f"{spec['storageClassName']}{_OF_CLASS}{name}": amount for name, amount in found.items()}
    return found


_USAGE: dict[str, Callable[[Document, datetime], Amounts]] = {
    "pods": _of_pod,
    "services": _of_service,
    "persistentvolumeclaims": _of_claim,
}


def untold(pod: Mapping[str, Any], names: set[str]) -> str:
    """Which containers do not say what a quota for processors or memory must know; "" when all do."""
    spec = pod["spec"]
    if own_resources(spec, "requests") or own_resources(spec, "limits"):
        return ""
    asked = {name for name in names if name.rpartition(".")[2] in _MUST_BE_TOLD}
    silent: dict[str, list[str]] = {}
    for container in containers_of(spec):
        resources = container.get("resources") or {}
        told = _told(read_amounts(resources.get("requests")), read_amounts(resources.get("limits")))
        for name in asked - told.keys():
            silent.setdefault(name, []).append(container["name"])
    return "; ".join(f"{name} for: {','.join(sorted(silent[name]))}" for name in sorted(silent))
