"""Values of this moment for the API: nodes and GPUs, by cluster, node pool or node; projects by what they hold and deserve."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.models import Device, NodeUse
from monitoring.queries import Sight
from organization.models import Node

GROUPS = ("ClusterId", "Nodepool", "Node")
GROUPS_AT_MOST = 2


@dataclass(frozen=True)
class NodeNow:
    """One node with everything that telemetry counts; None is unknown."""

    node: Node
    pool: str
    use: NodeUse | None
    devices: Sequence[Device]

    @property
    def gpus(self) -> int:
        return self.use.gpus if self.use else self.node.gpu_count

    @property
    def held(self) -> int | None:
        return self.use.gpus_allocated if self.use else None


Amount = Callable[[NodeNow], float | None]


def _idle(now: NodeNow) -> float | None:
    return sum(one.idle_since is not None for one in now.devices)


def _memory(now: NodeNow, name: str) -> float | None:
    """A sum over devices; unknown while one of them is."""
    amounts = [getattr(one, name) for one in now.devices]
    return None if any(amount is None for amount in amounts) else float(sum(amounts))


TYPES: dict[str, Amount] = {
    "READY_GPU_NODES": lambda now: float(bool(now.gpus and now.node.ready)),
    "READY_GPUS": lambda now: now.gpus if now.node.ready else 0,
    "TOTAL_GPU_NODES": lambda now: float(bool(now.gpus)),
    "TOTAL_GPUS": lambda now: now.gpus,
    "IDLE_ALLOCATED_GPUS": _idle,
    "ALLOCATED_GPUS": lambda now: now.held,
    "FREE_GPUS": lambda now: None if now.held is None else max(0, now.gpus - now.held),
    "FULLY_FREE_GPU_NODES": lambda now: None if now.held is None else float(bool(now.gpus and not now.held)),
    "TOTAL_CPU_CORES": lambda now: now.node.cpu_milli / 1000,
    "USED_CPU_CORES": lambda now: (
        None if now.use is None or now.use.cpu_used_milli is None else now.use.cpu_used_milli / 1000
    ),
    "ALLOCATED_CPU_CORES": lambda now: None if now.use is None else now.use.cpu_allocated_milli / 1000,
    "TOTAL_CPU_MEMORY_BYTES": lambda now: now.node.memory_bytes,
    "USED_CPU_MEMORY_BYTES": lambda now: now.use.memory_used_bytes if now.use else None,
    "ALLOCATED_CPU_MEMORY_BYTES": lambda now: now.use.memory_allocated_bytes if now.use else None,
    "TOTAL_GPU_MEMORY_BYTES": lambda now: _memory(now, "memory_total_bytes"),
    "USED_GPU_MEMORY_BYTES": lambda now: _memory(now, "memory_used_bytes"),
}


def nodes_now(sight: Sight) -> list[NodeNow]:
    uses = {one.node: one for one in NodeUse.objects.filter(cluster=sight.cluster)}
    devices: dict[str, list[Device]] = {}
    for device in Device.objects.filter(cluster=sight.cluster):
        devices.setdefault(device.node, []).append(device)
    rows = Node.objects.filter(cluster=sight.cluster).select_related("pool")
    return [
        NodeNow(row, row.pool.name if row.pool else "default", uses.get(row.name), devices.get(row.name, []))
        for row in rows
    ]


def node_telemetry(sights: Sequence[Sight], wanted: str, groups: Sequence[str]) -> list[dict[str, Any]]:
    """Sums by group; a sum with an unknown part is unknown (null)."""
    sums: dict[tuple[str, ...], float | None] = {}
    for sight in sights:
        for now in nodes_now(sight):
            names = {"ClusterId": str(sight.cluster.pk), "Nodepool": now.pool, "Node": now.node.name}
            key = tuple(names[group] for group in groups)
            amount, before = TYPES[wanted](now), sums.get(key, 0.0)
            sums[key] = None if amount is None or before is None else before + amount
    if not groups and not sums:
        sums[()] = 0.0
    return [
        {
            "value": None if total is None else f"{total:g}",
            "groups": [{"key": group, "value": value} for group, value in zip(groups, key, strict=True)],
        }
        for key, total in sorted(sums.items())
    ]
