"""What the page of one node shows: its state, what is held and used, and each GPU as it was read last."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitoring.gpu_grid import Named, memory_of, names_of, problem_of
from monitoring.models import Device, NodeUse
from monitoring.queries import Sight
from monitoring.tiles import stale_after
from organization.models import Node
from ui.wording import DASH, duration, gibibytes, number, percent


@dataclass(frozen=True)
class NodeShown:
    """`state` is a word of the status vocabulary; `facts` pairs for the key–value list; `gpus` rows for the table."""

    state: str
    reason: str
    facts: list[tuple[str, str]]
    gpus: list[dict[str, Any]]
    note: str


def node_now(sight: Sight, node: Node, *, person_id: int, now: datetime) -> NodeShown:
    use = NodeUse.objects.filter(cluster=node.cluster_id, node=node.name).first()
    devices = list(Device.objects.filter(cluster=node.cluster_id, node=node.name).order_by("index"))
    names = names_of(sight, devices, person_id)
    fresh = use is not None and now - use.sampled_at <= stale_after()
    return NodeShown(
        state="Ready" if node.ready and not node.cordoned else "Cordoned" if node.ready else "Not ready",
        reason=node.status_message or problem_of(node, now),
        facts=facts_of(node, use, fresh=fresh),
        gpus=[gpu_row(one, names.get(one.workload) if one.workload else None, now) for one in devices],
        note="" if fresh else stale_sentence(use, now),
    )


def stale_sentence(use: NodeUse | None, now: datetime) -> str:
    if use is None:
        return "This node was not measured yet."
    return f"The last reading is {duration(now - use.sampled_at)} old."


def facts_of(node: Node, use: NodeUse | None, *, fresh: bool) -> list[tuple[str, str]]:
    """Held of what there is, and what is used of it now; a dash is unknown."""
    cores = node.cpu_milli / 1000
    used_cores = use.cpu_used_milli / 1000 if use and fresh and use.cpu_used_milli is not None else None
    used_memory = use.memory_used_bytes if use and fresh else None
    held = use.gpus_allocated if use else None
    return [
        ("Node pool", node.pool.name if node.pool else "default"),
        ("GPU model", node.gpu_product or DASH),
        ("GPUs held", f"{number(held)} of {number(node.gpu_count)}"),
        (
            "CPU asked for",
            f"{number(use.cpu_allocated_milli / 1000 if use else None)} of {number(cores)} cores",
        ),
        ("CPU in use", f"{number(used_cores)} cores"),
        (
            "Memory asked for",
            f"{gibibytes(use.memory_allocated_bytes if use else None)} of {gibibytes(node.memory_bytes)}",
        ),
        ("Memory in use", gibibytes(used_memory)),
    ]


def gpu_row(device: Device, named: Named | None, now: datetime) -> dict[str, Any]:
    return {
        "index": device.index,
        "holder": named.name if named else f"{device.namespace}/{device.pod}" if device.pod else "",
        "url": named.url if named else "",
        "project": named.project if named else "",
        "use": percent(device.utilisation),
        "memory": memory_of(device),
        "temperature": DASH if device.temperature is None else f"{number(device.temperature, 0)} °C",
        "power": DASH if device.power_watts is None else f"{number(device.power_watts, 0)} W",
        "fault": f"XID {device.fault}" if device.fault else "",
        "idle": duration(now - device.idle_since) if device.idle_since else "",
    }
