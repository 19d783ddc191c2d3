"""Names of resources in LimitRanges and ResourceQuotas: which there are, and which are counted in whole numbers."""

from collections.abc import Iterator

from cluster.simulator.problems import Cause, wrong

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
WHOLE = (
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
)
QUOTA = (
    *_COMPUTE,
    *(f"{side}.{name}" for side in ("requests", "limits") for name in _COMPUTE),
    "requests.storage",
    *WHOLE,
)
_HUGE = ("hugepages-", "requests.hugepages-")


def name_causes(name: str, place: str) -> Iterator[Cause]:
    """A name without a slash is one of Kubernetes' own."""
    if "/" not in name and name not in (*QUOTA, "storage") and not name.startswith(_HUGE):
        yield wrong(place, name, "must be a standard resource type or fully qualified")


def container_name_causes(name: str, place: str) -> Iterator[Cause]:
    """What a container may ask for."""
    yield from name_causes(name, place)
    if "/" not in name and name not in _COMPUTE and not name.startswith("hugepages-"):
        yield wrong(place, name, "must be a standard resource for containers")


def quota_name_causes(name: str, place: str) -> Iterator[Cause]:
    yield from name_causes(name, place)
    if "/" not in name and name not in QUOTA and not name.startswith(_HUGE):
        yield wrong(place, name, "must be a standard resource for quota")


def is_whole(name: str) -> bool:
    """Objects and devices come one by one."""
    return name in WHOLE or (
        "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")
    )


def is_divisible(name: str) -> bool:
    """A node may promise more of it than it has: not so huge pages and devices."""
    return ("/" not in name or "kubernetes.io/" in name) and not name.startswith("hugepages-")
