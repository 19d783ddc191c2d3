"""The quality of service a pod gets. Pure."""

from typing import Any


def qos_class(spec: dict[str, Any]) -> str:
    """Guaranteed, Burstable or BestEffort, from requests and limits of CPU and memory: the pod's own, where it has any."""
    own = spec.get("resources") or {}
    containers = (
        [spec]
        if own.get("requests") or own.get("limits")
        else [*spec.get("containers", []), *spec.get("initContainers", [])]
    )
    guaranteed, any_set = True, False
    for container in containers:
        resources = container.get("resources", {})
        requests, limits = (_given(resources.get(side, {})) for side in ("requests", "limits"))
        for name in ("cpu", "memory"):
            any_set = any_set or name in requests or name in limits
            if name not in limits or requests.get(name) != limits[name]:
                guaranteed = False
    if not any_set:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def _given(listed: dict[str, str]) -> dict[str, str]:
    """Nothing of something is as good as not asked for."""
    return {name: text for name, text in listed.items() if text != "0"}
