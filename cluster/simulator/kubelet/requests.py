"""What pods ask of a node, summed, and whether one more fits: the kubelet's own admission. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from cluster.labels import GPU_RESOURCE
from cluster.quantities import milli, whole

Requests = dict[str, int]
"""cpu in millicores, memory in bytes, pods and devices as counts."""


def requests_of(pod: Mapping[str, Any]) -> Requests:
    """The sum over the containers, or the largest init container where that is more; one pod."""
    total: Requests = {"pods": 1}
    for container in pod["spec"]["containers"]:
        for resource, amount in _of_container(container).items():
            total[resource] = total.get(resource, 0) + amount
    for container in pod["spec"].get("initContainers") or []:
        for resource, amount in _of_container(container).items():
            total[resource] = max(total.get(resource, 0), amount)
    for resource, text in (pod["spec"].get("overhead") or {}).items():
        total[resource] = total.get(resource, 0) + _amount(resource, text)
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
        free = _amount(resource, allocatable.get(resource, "0")) - used.get(resource, 0)
        if wanted[resource] > free:
            return resource, wanted[resource], free
    return None


def _of_container(container: Mapping[str, Any]) -> Requests:
    resources = container.get("resources") or {}
    # a limit without a request is the request, which the API server has filled in already on a real cluster
    told = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {resource: _amount(resource, text) for resource, text in told.items()}


def _amount(resource: str, text: str) -> int:
    return milli(text) if resource == "cpu" else whole(text)
