"""How much of a node's free GPU capacity is lost to what the pool is usually asked for, in thousandths of a GPU.

Two parts are added: what typical tasks could not use now (Weng et al., Beware of Fragmentation, USENIX ATC 2023), and what is
expected to be left over when the node has been filled: ends of devices that nobody takes, and devices for which CPU or memory
will be lacking.
"""

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from scheduling.engine.model.demand import Demand
from scheduling.engine.model.resources import WHOLE_GPU
from scheduling.engine.model.tasks import TaskRequest
from scheduling.engine.plugins.fragmentation.prior import Beside, with_prior
from scheduling.engine.plugins.fragmentation.waste import expected_waste

TYPICAL = 0.95
"""The most frequent kinds that together make up this part of the GPU tasks are the typical ones."""
MOST_TYPICAL = 100


class Kind(NamedTuple):
    """What a GPU task needs of a node: devices, thousandths of each, cores in thousandths, bytes."""

    devices: int
    share: int
    cpu: int
    memory: int


class NodeState(NamedTuple):
    """What is free on a node: cores in thousandths, bytes, untouched devices, and thousandths left on the shared ones, in order."""

    cpu: int
    memory: int
    whole: int
    rooms: tuple[int, ...]


class _Usable(NamedTuple):
    """For nodes with CPU and memory for the same typical kinds: weight of the kinds of one device by rank of share, of several by devices."""

    single: list[float]
    several: list[float]


class Measure:
    """The tables of one demand. Everything here is a pure function of its arguments."""

    def __init__(self, demand: Demand, device_memory: int, beside: Beside) -> None:
        kinds = kinds_of(demand, device_memory, beside)
        self.waste = expected_waste(_shares(kinds))
        self._typical = typical(kinds)
        self._cpus = sorted({kind.cpu for kind, _ in self._typical})
        self._memories = sorted({kind.memory for kind, _ in self._typical})
        self._most_devices = max((kind.devices for kind, _ in self._typical), default=0)
        self._shares = sorted({kind.share for kind, _ in self._typical if kind.devices == 1})
        self._rank = [bisect_right(self._shares, room) for room in range(WHOLE_GPU + 1)]
        self._usable: dict[tuple[int, int], _Usable] = {}
        milli = sum(kind.devices * kind.share * weight for kind, weight in kinds.items())
        self.cpu_per_milli = sum(kind.cpu * weight for kind, weight in kinds.items()) / milli
        self.memory_per_milli = sum(kind.memory * weight for kind, weight in kinds.items()) / milli
        self.whole_requests = sorted({kind.devices for kind, _ in self._typical if kind.share == WHOLE_GPU})

    def can_take(self, state: NodeState, gpus: int) -> bool:
        """Whether some typical request of so many whole GPUs finds its devices, cores and memory there."""
        return state.whole >= gpus and any(
            kind.cpu <= state.cpu and kind.memory <= state.memory
            for kind, _ in self._typical
            if kind.devices == gpus and kind.share == WHOLE_GPU
        )

    def lost(self, state: NodeState) -> float:
        """Thousandths of a GPU that are lost on a node, counted by both parts."""
        cpu, memory, whole, rooms = state
        usable = self._usable_with(cpu, memory)
        single, rank, waste = usable.single, self._rank, self.waste
        ends = whole * waste[WHOLE_GPU]
        free = whole * WHOLE_GPU
        lost = 0.0
        if whole:
            several = usable.several[min(whole, self._most_devices)]
            lost = free * (1.0 - single[rank[WHOLE_GPU]] - several)
        for room in rooms:
            free += room
            ends += waste[room]
            lost += room * (1.0 - single[rank[room]])
        return lost + ends + self._stranded(cpu, memory, free - ends)

    def _stranded(self, cpu: int, memory: int, wanted: float) -> float:
        """The part of `wanted` thousandths that CPU or memory will not suffice for, when tasks ask for the usual amounts beside a GPU."""
        covered = 1.0
        if wanted > 0:
            needed = wanted * self.cpu_per_milli
            if needed > cpu:
                covered = max(0, cpu) / needed
            needed = wanted * self.memory_per_milli
            if needed * covered > memory:
                covered = max(0, memory) / needed
        return wanted * (1.0 - covered)

    def _usable_with(self, cpu: int, memory: int) -> _Usable:
        key = (bisect_right(self._cpus, cpu), bisect_right(self._memories, memory))
        known = self._usable.get(key)
        if known is None:
            known = self._usable[key] = self._sum_up(cpu, memory)
        return known

    def _sum_up(self, cpu: int, memory: int) -> _Usable:
        single = [0.0] * (len(self._shares) + 1)
        several = [0.0] * (self._most_devices + 1)
        for kind, weight in self._typical:
            if kind.cpu > cpu or kind.memory > memory:
                continue
            if kind.devices == 1:
                for rank in range(bisect_right(self._shares, kind.share), len(single)):
                    single[rank] += weight
            else:
                for devices in range(kind.devices, len(several)):
                    several[devices] += weight
        return _Usable(single, several)


def kinds_of(demand: Demand, device_memory: int, beside: Beside) -> dict[Kind, float]:
    """The GPU tasks among what was seen, with their weights; memory requests as parts of a device of `device_memory` MiB."""
    kinds: dict[Kind, float] = {}
    for request, weight in with_prior(demand, beside):
        if not request.gpu.devices:
            continue
        kind = Kind(
            request.gpu.devices, share_of(request, device_memory), request.cpu_milli, request.memory_bytes
        )
        kinds[kind] = kinds.get(kind, 0.0) + weight
    return kinds or {Kind(1, WHOLE_GPU, 0, 0): 1.0}


def share_of(request: TaskRequest, device_memory: int) -> int:
    """Thousandths of each device, rounded up for requests by memory; more than a device is a whole one."""
    if not request.gpu.memory_mib:
        return request.gpu.portion_milli
    return min(WHOLE_GPU, -(-request.gpu.memory_mib * WHOLE_GPU // max(1, device_memory)))


def typical(kinds: dict[Kind, float]) -> list[tuple[Kind, float]]:
    """The most frequent kinds, with weights that add up to one."""
    total = sum(kinds.values())
    chosen: list[tuple[Kind, float]] = []
    covered = 0.0
    for kind, weight in sorted(kinds.items(), key=lambda item: (-item[1], item[0])):
        if covered >= TYPICAL * total or len(chosen) == MOST_TYPICAL:
            break
        chosen.append((kind, weight))
        covered += weight
    return [(kind, weight / covered) for kind, weight in chosen]


def _shares(kinds: dict[Kind, float]) -> dict[int, float]:
    """Of tasks of one device. Where nobody asks for one, whole devices are what is asked for."""
    shares: dict[int, float] = {}
    for kind, weight in kinds.items():
        if kind.devices == 1:
            shares[kind.share] = shares.get(kind.share, 0.0) + weight
    return shares or {WHOLE_GPU: 1.0}


@lru_cache(maxsize=16)
def measure_of(demand: Demand, device_memory: int, beside: Beside) -> Measure:
    """Kept from cycle to cycle: the tables take some 20 ms to make."""
    return Measure(demand, device_memory, beside)


def after(state: NodeState, cpu: int, memory: int, devices: int) -> NodeState:
    """With a task of whole devices (or none) more."""
    return NodeState(state.cpu - cpu, state.memory - memory, state.whole - devices, state.rooms)


def after_share(state: NodeState, cpu: int, memory: int, rooms: Iterable[int], share: int) -> NodeState:
    """With a task more that takes `share` of each of these rooms; a room of WHOLE_GPU that is not shared yet is a whole device."""
    left = list(state.rooms)
    whole = state.whole
    for room in rooms:
        if room in left:
            left.remove(room)
        else:
            whole -= 1
        left.append(room - share)
    return NodeState(state.cpu - cpu, state.memory - memory, whole, tuple(sorted(left)))
