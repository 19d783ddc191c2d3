"""Does a shape fit a node: now, once what is being released is gone, or not; and how often."""

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

from scheduling.engine.model.occupancy import Occupancy, SharedDevice
from scheduling.engine.model.tasks import TaskRequest


class Fit(IntEnum):
    """Truth value: whether it fits at all in an allocation."""

    NO = 0
    LATER = 1
    NOW = 2


class Device(NamedTuple):
    """One device for a shared request: an open one by name, or "" for one nobody uses yet; and whether it has room now."""

    name: str
    now: bool


DeviceScore = Callable[[TaskRequest, Occupancy, SharedDevice | None], float]


def pick_devices(node: Occupancy, request: TaskRequest, score: DeviceScore) -> list[Device] | None:
    """The best devices with room once those who leave have left; None when there are too few.

    Open ones before new ones of the same score, then by name. A new device takes a pod slot of its own.
    """
    gpu, total = request.gpu, node.device_memory
    need = gpu.memory_on(total)
    if need > total:
        return None
    ranked: list[tuple[float, bool, str, bool]] = []
    for name, device in node.shared.items():
        if device.is_staying and device.room_later(total) >= need:
            ranked.append((-score(request, node, device), False, name, device.room_now(total) >= need))
    new = min(gpu.devices, node.idle_gpus + node.releasing_gpus, node.idle_pods + node.releasing_pods - 1)
    if len(ranked) + max(0, new) < gpu.devices:
        return None
    if new > 0:
        fresh = -score(request, node, None)
        ranked.extend((fresh, True, "", number < node.idle_gpus) for number in range(new))
    ranked.sort(key=lambda entry: entry[:3])
    return [Device(name, now) for _, _, name, now in ranked[: gpu.devices]]


class Fitting:
    """The amounts of one shape, unpacked once. Nothing else decides here: who may run on a node is for the gates.

    What fits now must fit later too: room that is idle may be promised already, and a promise kept is worth more than a start.
    """

    __slots__ = ("cpu", "devices", "extended", "gpu", "memory", "request", "score", "shared")

    def __init__(self, request: TaskRequest, score: DeviceScore) -> None:
        self.request = request
        self.gpu = request.gpu
        self.devices = request.gpu.devices
        self.shared = request.gpu.is_shared
        self.cpu = request.cpu_milli
        self.memory = request.memory_bytes
        self.extended = request.extended
        self.score = score

    def of(self, node: Occupancy) -> Fit:
        """A resource that is not asked for is not looked at, so that one that is overdrawn stops nobody else."""
        pods, now = 1, True
        if self.shared:
            chosen = pick_devices(node, self.request, self.score)
            if chosen is None:
                return Fit.NO
            pods += sum(not device.name for device in chosen)
            now = all(device.now for device in chosen)
        elif self.devices:
            idle = node.idle_gpus
            if idle + node.releasing_gpus < self.devices:
                return Fit.NO
            now = idle >= self.devices
        idle = node.idle_pods
        if idle + node.releasing_pods < pods:
            return Fit.NO
        now = now and idle >= pods
        if self.cpu:
            idle = node.idle_cpu
            if idle + node.releasing_cpu < self.cpu:
                return Fit.NO
            now = now and idle >= self.cpu
        if self.memory:
            idle = node.idle_memory
            if idle + node.releasing_memory < self.memory:
                return Fit.NO
            now = now and idle >= self.memory
        for name, amount in self.extended:
            idle, releasing = node.extended.get(name, (0, 0))
            if amount and idle + releasing < amount:
                return Fit.NO
            now = now and idle >= amount
        return Fit.NOW if now else Fit.LATER

    def slots(self, node: Occupancy) -> int:
        """How many such tasks fit at most once what is being released is gone: never too few."""
        most = node.idle_pods + node.releasing_pods
        if self.shared:
            most = min(most, self.shared_slots(node))
        elif self.devices and (places := (node.idle_gpus + node.releasing_gpus) // self.devices) < most:
            most = places
        if most <= 0:
            return 0
        if self.cpu and (places := (node.idle_cpu + node.releasing_cpu) // self.cpu) < most:
            most = places
        if self.memory and (places := (node.idle_memory + node.releasing_memory) // self.memory) < most:
            most = places
        for name, amount in self.extended:
            if amount:
                most = min(most, sum(node.extended.get(name, (0, 0))) // amount)
        return max(0, most)

    def shared_slots(self, node: Occupancy) -> int:
        """By devices alone."""
        whole = node.idle_gpus + node.releasing_gpus
        total = node.device_memory
        need = self.gpu.memory_on(total)
        if need > total:
            return 0
        places = max(0, whole) * (total // need)
        for device in node.shared.values():
            if device.is_staying:
                places += max(0, device.room_later(total) // need)
        return places // self.devices
