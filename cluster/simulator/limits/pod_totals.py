"""What a whole pod asks for and what it may use at most, for LimitRanges and ResourceQuotas. Pure."""

from collections.abc import Mapping
from typing import Any

from cluster.simulator.limits.amounts import Amounts, largest, read_amounts, total

OF_THE_POD = ("cpu", "memory")
"""What may be given for the pod as a whole, besides huge pages."""
HUGE_PAGES = "hugepages-"


def containers_of(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its containers, then its init containers."""
    return [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]


def own_resources(spec: Mapping[str, Any], side: str) -> Amounts:
    """What the pod as a whole is given: it counts instead of its containers' sum."""
    listed = read_amounts((spec.get("resources") or {}).get(side))
    return {
        name: amount for name, amount in listed.items() if name in OF_THE_POD or name.startswith(HUGE_PAGES)
    }


def pod_total(spec: Mapping[str, Any], side: str) -> Amounts:
    """`side` is requests or limits: containers and sidecars together, or more where an init container needs it."""
    together = total(*(_listed(one, side) for one in spec.get("containers") or []))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or []:
        listed = _listed(container, side)
        if container.get("restartPolicy") == "Always":
            together = total(together, listed)
            sidecars = total(sidecars, listed)
            peak = largest(peak, sidecars)
        else:
            peak = largest(peak, total(listed, sidecars))
    return largest(together, peak) | own_resources(spec, side)


def with_overhead(spec: Mapping[str, Any], side: str) -> Amounts:
    """The same and what running the pod costs; a resource without a limit stays without one."""
    amounts, overhead = pod_total(spec, side), read_amounts(spec.get("overhead"))
    if side == "limits":
        overhead = {name: more for name, more in overhead.items() if name in amounts}
    return total(amounts, overhead)


def _listed(container: Mapping[str, Any], side: str) -> Amounts:
    return read_amounts((container.get("resources") or {}).get(side))
