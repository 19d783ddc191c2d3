"""The status a kubelet writes for its node. Pure."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cluster.documents import Condition, Document, format_time, with_condition
from cluster.simulator.shapes import NodeShape, capacity_of

_VERSION = "v1.36.3"
_IDENTITIES = uuid.UUID("0f0f8e0c-9a54-4a2f-9d3a-0b9b3a0c7f11")


def node_status(
    node: Mapping[str, Any], shape: NodeShape, *, dead_devices: int, ip: str, port: int, now: datetime
) -> Document:
    """Capacity, conditions, addresses and where the kubelet answers; conditions of others are kept."""
    name = str(node["metadata"]["name"])
    capacity, allocatable = capacity_of(shape, dead_devices=dead_devices)
    return {
        "capacity": capacity,
        "allocatable": allocatable,
        "conditions": _conditions(node, now),
        "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "declaredFeatures": ["ExtendWebSocketsToKubelet"],
        "nodeInfo": {
            "machineID": uuid.uuid5(_IDENTITIES, name).hex,
            "systemUUID": str(uuid.uuid5(_IDENTITIES, f"system/{name}")),
            "bootID": str(uuid.uuid5(_IDENTITIES, f"boot/{name}")),
            "kernelVersion": "6.8.0-simulated",
            "osImage": "Simulated Linux",
            "containerRuntimeVersion": "containerd://2.1.0",
            "kubeletVersion": _VERSION,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
    }


def _conditions(node: Mapping[str, Any], now: datetime) -> list[Condition]:
    conditions: list[Condition] = list((node.get("status") or {}).get("conditions") or [])
    stamp = format_time(now)
    for kind, status, reason, message in (
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ):
        conditions = with_condition(
            conditions,
            {
                "type": kind,
                "status": status,
                "reason": reason,
                "message": message,
                "lastHeartbeatTime": stamp,
                "lastTransitionTime": stamp,
            },
        )
    return conditions
