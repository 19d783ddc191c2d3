"""What pods ask of a node, summed, and whether one more fits: the kubelet's own admission. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from cluster.labels import GPU_RESOURCE
from cluster.quantities import milli, whole

Requests = dict[str, int]
"""cpu in millicores, memory in bytes, pods and devices as counts."""


def requests_of(pod: Mapping[str, Any]) -> Requests:
    """The sum over containers and sidecars, or what an init container needs beside earlier sidecars where that is more; one pod.

    What the pod asks for as a whole counts instead of its containers' sum.
    """
    total: Requests = {"pods": 1}
    for container in pod["spec"]["containers"]:
        _add(total, _asked(container))
    sidecars: Requests = {}
    peak: Requests = {}
    for container in pod["spec"].get("initContainers") or []:
        needed = dict(sidecars)
        _add(needed, _asked(container))
        if container.get("restartPolicy") == "Always":
            sidecars = needed
        peak = {name: max(peak.get(name, 0), needed.get(name, 0)) for name in {*peak, *needed}}
    _add(total, sidecars)
    total |= {name: max(amount, total.get(name, 0)) for name, amount in peak.items()}
    total |= _asked(pod["spec"])
    for resource, text in (pod["spec"].get("overhead") or {}).items():
        total[resource] = total.get(resource, 0) + amount_of(resource, text)
    return total


def gpus_of(pod: Mapping[str, Any]) -> int:
    """Whole devices the pod asks for."""
    return requests_of(pod).get(GPU_RESOURCE, 0)


def too_much(
    wanted: Requests, taken: Iterable[Requests], allocatable: Mapping[str, str]
) -> tuple[str, int, int] | None:
    """The first resource that does not fit as (name, wanted, free), else None."""
    used: Requests = {}
    for requests in taken:
        for resource, amount in requests.items():
            used[resource] = used.get(resource, 0) + amount
    for resource in sorted(wanted):
        free = amount_of(resource, allocatable.get(resource, "0")) - used.get(resource, 0)
        if wanted[resource] > free:
            return resource, wanted[resource], free
    return None


def _add(total: Requests, more: Requests) -> None:
    for resource, amount in more.items():
        total[resource] = total.get(resource, 0) + amount


def _asked(holder: Mapping[str, Any]) -> Requests:
    """By a container, or by the pod as a whole."""
    resources = holder.get("resources") or {}
    # a limit without a request is the request, which the API server has filled in already on a real cluster
    told = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {resource: amount_of(resource, text) for resource, text in told.items()}


def amount_of(resource: str, text: str) -> int:
    """In the units of Requests."""
    return milli(text) if resource == "cpu" else whole(text)
