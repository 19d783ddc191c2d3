"""Pure: one node's JSON -> the engine's node."""

from collections.abc import Mapping
from typing import Any

from cluster.documents import labels_of, name_of
from cluster.labels import GPU_MEMORY_OF_NODE, GPU_RESOURCE
from cluster.nodes import allocatable, is_ready
from scheduling.constraints import read_taints
from scheduling.engine.model.nodes import Node
from scheduling.requests import UnreadablePod, read_amount

MIB_AT_MOST = 1 << 24
"""16 TiB: a device memory label above is in bytes, as some exporters write it."""


def read_node(document: Mapping[str, Any]) -> tuple[Node, str]:
    """The node, and a sentence on what is wrong with it or "". Unreadable amounts make it a node that takes nothing."""
    name, problem = name_of(document), ""
    amounts: dict[str, int] = {}
    try:
        amounts = {key: read_amount(key, text, name) for key, text in allocatable(document).items()}
    except UnreadablePod as error:
        problem = str(error)
    node = Node(
        name=name,
        gpus=amounts.pop(GPU_RESOURCE, 0),
        cpu_milli=amounts.pop("cpu", 0),
        memory_bytes=amounts.pop("memory", 0),
        gpu_memory_mib=_device_memory(labels_of(document)),
        max_pods=amounts.pop("pods", 0 if problem else 110),
        extended=amounts,
        labels=labels_of(document),
        taints=read_taints(document),
        ready=is_ready(document) and not problem,
        cordoned=bool(document["spec"].get("unschedulable")),
    )
    return node, problem


def _device_memory(labels: Mapping[str, str]) -> int | None:
    """MiB of one device, None when the node does not say it in a number that can be."""
    text = labels.get(GPU_MEMORY_OF_NODE, "")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        return None
    amount = int(text)
    amount = amount if amount < MIB_AT_MOST else amount >> 20
    return amount or None


def matters(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether a change of a node could change a decision: heartbeats do not."""
    return bool(
        new["spec"] != old["spec"]
        or labels_of(new) != labels_of(old)
        or allocatable(new) != allocatable(old)
        or is_ready(new) != is_ready(old)
    )
