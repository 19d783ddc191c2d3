"""A node, and the topologies that group nodes into domains."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduling.engine.model.constraints import Taint
from scheduling.engine.model.tasks import TaskRequest

UNKNOWN_DEVICE_MEMORY_MIB = 100
"""What a device counts as when the node does not say; requests by memory are not placed there."""


@dataclass(frozen=True, slots=True)
class ForeignUse:
    """What pods of other schedulers hold on a node: taken from it, and from what there is to divide."""

    gpus: int = 0
    cpu_milli: int = 0
    memory_bytes: int = 0
    pods: int = 0
    extended: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, requests: list[TaskRequest]) -> "ForeignUse":
        """The sum of such pods; shared devices of other schedulers count whole."""
        extended: dict[str, int] = {}
        for request in requests:
            for name, amount in request.extended:
                extended[name] = extended.get(name, 0) + amount
        return cls(
            gpus=sum(request.gpu.devices for request in requests),
            cpu_milli=sum(request.cpu_milli for request in requests),
            memory_bytes=sum(request.memory_bytes for request in requests),
            pods=len(requests),
            extended=tuple(sorted(extended.items())),
        )


@dataclass(slots=True)
class Node:
    """Allocatable amounts and what decides who may run here.

    `gpu_memory_mib` is that of one device; None when the node does not say. A node that is not ready adds nothing to what is
    divided and takes no one; a cordoned one still counts but takes no one new.
    """

    name: str
    gpus: int = 0
    cpu_milli: int = 0
    memory_bytes: int = 0
    gpu_memory_mib: int | None = None
    max_pods: int = 110
    extended: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    ready: bool = True
    cordoned: bool = False
    foreign: ForeignUse = ForeignUse()

    @property
    def device_memory_mib(self) -> int:
        """Memory of one device, floored to a hundred MiB so that equal cards compare equal."""
        if self.gpu_memory_mib is None:
            return UNKNOWN_DEVICE_MEMORY_MIB
        rest = self.gpu_memory_mib % 100
        return self.gpu_memory_mib - rest if self.gpu_memory_mib >= 100 else self.gpu_memory_mib


@dataclass(frozen=True, slots=True)
class Topology:
    """Node label keys from the coarsest level (region) to the finest (host)."""

    name: str
    levels: tuple[str, ...]
