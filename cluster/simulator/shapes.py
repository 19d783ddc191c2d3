"""The shapes of simulated nodes: which GPUs, how much of the rest, and the labels NVIDIA's tools would give them. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cluster.documents import Document
from cluster.labels import GPU_COUNT, GPU_MEMORY_OF_NODE, GPU_PRODUCT, GPU_RESOURCE, NODE_POOL_OF_NODE
from cluster.simulator.annotations import SHAPE, AnnotationWrong

_DRIVER = ("580", "95", "05")
_CUDA = ("13", "0")


@dataclass(frozen=True)
class NodeShape:
    """What a node has. Memory in MiB; power in watts; `cpus` in cores."""

    name: str
    cpus: int
    memory_mib: int
    gpus: int = 0
    gpu_product: str = ""
    gpu_memory_mib: int = 0
    gpu_family: str = ""
    compute_capability: str = ""
    idle_watts: float = 0.0
    peak_watts: float = 0.0
    machine: str = "simulated"
    pods: int = 110


SHAPES: dict[str, NodeShape] = {
    shape.name: shape
    for shape in (
        NodeShape("h200", 192, 2_097_152, 8, "NVIDIA-H200", 143_771, "hopper", "9.0", 75, 700, "DGXH200"),
        NodeShape(
            "h100", 192, 2_097_152, 8, "NVIDIA-H100-80GB-HBM3", 81_559, "hopper", "9.0", 70, 700, "DGXH100"
        ),
        NodeShape(
            "a100", 128, 1_048_576, 8, "NVIDIA-A100-SXM4-40GB", 40_960, "ampere", "8.0", 55, 400, "DGXA100"
        ),
        NodeShape("l40s", 64, 524_288, 4, "NVIDIA-L40S", 46_068, "ada-lovelace", "8.9", 35, 350, "AS-4125GS"),
        NodeShape("cpu", 64, 262_144),
    )
}
_LIMITS = {
    "cpus": (1, 4096),
    "memory_mib": (128, 67_108_864),
    "gpus": (0, 64),
    "gpu_memory_mib": (0, 4_194_304),
    "pods": (1, 1000),
}


def shape_named(text: str) -> NodeShape:
    """A shape by its name or as JSON of the fields above; raises AnnotationWrong naming what is wrong."""
    if text in SHAPES:
        return SHAPES[text]
    try:
        fields = json.loads(text)
        shape = NodeShape(**fields)
    except (ValueError, TypeError) as error:
        raise AnnotationWrong(
            f"annotation {SHAPE}: {text!r} is neither one of {', '.join(SHAPES)} nor JSON of a node shape ({error})"
        ) from error
    for field, (least, most) in _LIMITS.items():
        value = getattr(shape, field)
        if not isinstance(value, int) or not least <= value <= most:
            raise AnnotationWrong(f"annotation {SHAPE}: {field} is {value!r}, allowed is {least} to {most}")
    return shape


def shape_text(shape: NodeShape) -> str:
    """What the annotation says: the name of a known shape, else all fields."""
    return shape.name if SHAPES.get(shape.name) == shape else json.dumps(asdict(shape), separators=(",", ":"))


def parse_node_counts(text: str) -> dict[str, int]:
    """`h100=4,a100=2` as counts by shape; raises ValueError naming the part that is wrong."""
    counts: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"([a-z0-9]+)=(\d{1,5})", part.strip())
        if match is None or match[1] not in SHAPES:
            raise ValueError(f"nodes: {part!r} is not <shape>=<count> with a shape of {', '.join(SHAPES)}")
        counts[match[1]] = counts.get(match[1], 0) + int(match[2])
    return counts


def node_document(name: str, shape: NodeShape, *, pool: str | None = None) -> Document:
    """A Node object of that shape, to be created; its status is the kubelet's to write."""
    labels = labels_of_shape(name, shape)
    if pool:
        labels[NODE_POOL_OF_NODE] = pool
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {SHAPE: shape_text(shape)}},
        "spec": {},
    }


def labels_of_shape(name: str, shape: NodeShape) -> dict[str, str]:
    """The labels kubelet, node feature discovery and GPU feature discovery would put on such a node."""
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": shape.machine if shape.gpus else "cpu",
    }
    if not shape.gpus:
        return labels
    major, _, minor = (shape.compute_capability or "8.0").partition(".")
    return labels | {
        "feature.node.kubernetes.io/pci-10de.present": "true",
        "nvidia.com/gpu.present": "true",
        GPU_PRODUCT: shape.gpu_product,
        GPU_MEMORY_OF_NODE: str(shape.gpu_memory_mib),
        GPU_COUNT: str(shape.gpus),
        "nvidia.com/gpu.family": shape.gpu_family,
        "nvidia.com/gpu.machine": shape.machine,
        "nvidia.com/gpu.replicas": "1",
        "nvidia.com/gpu.sharing-strategy": "none",
        "nvidia.com/gpu.compute.major": major,
        "nvidia.com/gpu.compute.minor": minor,
        "nvidia.com/cuda.driver-version.full": ".".join(_DRIVER),
        "nvidia.com/cuda.driver-version.major": _DRIVER[0],
        "nvidia.com/cuda.driver-version.minor": _DRIVER[1],
        "nvidia.com/cuda.driver-version.revision": _DRIVER[2],
        "nvidia.com/cuda.runtime-version.full": ".".join(_CUDA),
        "nvidia.com/cuda.runtime-version.major": _CUDA[0],
        "nvidia.com/cuda.runtime-version.minor": _CUDA[1],
        "nvidia.com/mig.capable": "true" if shape.gpu_family in ("hopper", "ampere") else "false",
        "nvidia.com/mig.strategy": "single",
        "nvidia.com/gfd.timestamp": "0",
    }


def capacity_of(shape: NodeShape, *, dead_devices: int = 0) -> tuple[dict[str, str], dict[str, str]]:
    """(capacity, allocatable). The system keeps a little; a dead device stays in the capacity, as with NVIDIA's plug-in."""
    capacity = {
        "cpu": str(shape.cpus),
        "memory": f"{shape.memory_mib}Mi",
        "ephemeral-storage": "1000Gi",
        "pods": str(shape.pods),
    }
    reserved_mib = min(1024, shape.memory_mib // 16)
    allocatable: dict[str, str] = {**capacity, "memory": f"{shape.memory_mib - reserved_mib}Mi"}
    if shape.cpus > 2:
        allocatable["cpu"] = f"{shape.cpus * 1000 - 500}m"
    if shape.gpus:
        capacity[GPU_RESOURCE] = str(shape.gpus)
        allocatable[GPU_RESOURCE] = str(shape.gpus - dead_devices)
    return capacity, allocatable


def pool_of(shape: NodeShape) -> str | None:
    """The pool a node of the demo belongs to: GPU nodes by their shape; CPU nodes are left to the default pool."""
    return shape.name if shape.gpus else None


def wanted_nodes(counts: Mapping[str, int]) -> list[Document]:
    """The Node objects for `h100=4,a100=2`: h100-1 … h100-4, a100-1, a100-2."""
    return [
        node_document(f"{name}-{number}", SHAPES[name], pool=pool_of(SHAPES[name]))
        for name, count in counts.items()
        for number in range(1, count + 1)
    ]


def read_shape(node: Mapping[str, Any]) -> NodeShape | None:
    """The shape a node's annotation tells, None when it is not one of ours; raises AnnotationWrong."""
    text = (node["metadata"].get("annotations") or {}).get(SHAPE)
    return None if text is None else shape_named(text)
