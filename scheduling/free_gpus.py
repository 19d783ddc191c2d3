"""Pure: how much of a pool's free GPUs typical requests could use: its fragmentation as people read it."""

from scheduling.engine import ClusterSnapshot
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.resources import WHOLE_GPU
from scheduling.engine.plugins.fragmentation.measure import Kind, share_of

SIZES = (8000, 4000, 1000, 500)
"""Thousandths of GPUs: eight, four and one whole device, half a device."""
FREE = "free"
"""Key of all that is free; the sizes, as text, are the other keys."""


def free_gpus(snapshot: ClusterSnapshot) -> dict[str, int]:
    """Thousandths of GPUs that are free on nodes that take work, and of them what as many requests of each size as fit would use."""
    seen = _seen(snapshot)
    usual = {size: _usual(size, seen) for size in SIZES}
    sums = dict.fromkeys([FREE, *map(str, SIZES)], 0)
    for node, one in zip(snapshot.nodes, snapshot.occupancy, strict=True):
        if not _takes_work(node):
            continue
        rooms = _rooms(one)
        sums[FREE] += max(0, one.idle_gpus) * WHOLE_GPU + sum(rooms)
        for size, kind in usual.items():
            sums[str(size)] += size * _fitting(kind, one, rooms)
    return sums


def _seen(snapshot: ClusterSnapshot) -> dict[Kind, int]:
    """The pool's own requests only: a guess at cores and memory would be no statement about this pool."""
    kinds: dict[Kind, int] = {}
    for shape in snapshot.demand.shapes:
        request = shape.request
        share = share_of(request, snapshot.min_device_memory)
        kind = Kind(request.gpu.devices, share, request.cpu_milli, request.memory_bytes)
        kinds[kind] = kinds.get(kind, 0) + shape.tasks
    return kinds


def _takes_work(node: Node) -> bool:
    return node.ready and not node.cordoned and node.gpus > 0


def _usual(size: int, kinds: dict[Kind, int]) -> Kind:
    """With the cores and memory of the most frequent request of that many GPUs (of any part of one, for a half); else GPUs alone."""
    devices = max(1, size // WHOLE_GPU)
    alike = {
        kind: weight
        for kind, weight in kinds.items()
        if kind.devices == devices and (kind.share < WHOLE_GPU) == (size < WHOLE_GPU)
    }
    if not alike:
        return Kind(devices, min(size, WHOLE_GPU), 0, 0)
    most = max(alike, key=lambda kind: (alike[kind], kind))
    return most._replace(share=min(size, WHOLE_GPU))


def _rooms(one: Occupancy) -> list[int]:
    return [
        max(0, device.room_now(one.device_memory)) * WHOLE_GPU // one.device_memory
        for device in one.shared.values()
        if device.is_staying
    ]


def _fitting(kind: Kind, one: Occupancy, rooms: list[int]) -> int:
    """How many such tasks the node takes now."""
    whole = max(0, one.idle_gpus)
    if kind.share < WHOLE_GPU:
        most = whole * (WHOLE_GPU // kind.share) + sum(room // kind.share for room in rooms)
    else:
        most = whole // kind.devices
    if kind.cpu:
        most = min(most, one.idle_cpu // kind.cpu)
    if kind.memory:
        most = min(most, one.idle_memory // kind.memory)
    return max(0, min(most, one.idle_pods))
