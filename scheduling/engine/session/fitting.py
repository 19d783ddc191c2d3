"""Does a shape fit a node: now, once what is being released is gone, or not; and how often."""

from enum import IntEnum

from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.tasks import TaskRequest


class Fit(IntEnum):
    """Truth value: whether it fits at all in an allocation."""

    NO = 0
    LATER = 1
    NOW = 2


class Fitting:
    """The amounts of one shape, unpacked once. Nothing else decides here: who may run on a node is for the gates."""

    __slots__ = ("cpu", "devices", "empty", "extended", "gpu", "memory", "shared")

    def __init__(self, request: TaskRequest) -> None:
        self.gpu = request.gpu
        self.devices = request.gpu.devices
        self.shared = request.gpu.is_shared
        self.cpu = request.cpu_milli
        self.memory = request.memory_bytes
        self.extended = request.extended
        self.empty = not (self.devices or self.cpu or self.memory or self.extended)

    def of(self, node: Occupancy) -> Fit:
        """A task that asks for nothing but a pod slot fits wherever there is one; negative releasing never blocks what is idle."""
        if self.shared:
            fit = self._of_shared(node)
            if not fit:
                return fit
        elif node.idle_gpus >= self.devices:
            fit = Fit.NOW
        elif node.idle_gpus + node.releasing_gpus >= self.devices:
            fit = Fit.LATER
        else:
            return Fit.NO
        if (
            node.idle_cpu >= self.cpu
            and node.idle_memory >= self.memory
            and node.idle_pods > 0
            and not self.extended
        ):
            return fit
        return self._of_rest(node, fit)

    def later(self, node: Occupancy) -> bool:
        """Whether it fits counting what is being released, as a nomination has to."""
        if self.shared:
            if not self._of_shared(node):
                return False
        elif node.idle_gpus + node.releasing_gpus < self.devices and self.devices:
            return False
        if self.empty:
            return node.idle_pods + node.releasing_pods > 0
        return (
            node.idle_cpu + node.releasing_cpu >= self.cpu
            and node.idle_memory + node.releasing_memory >= self.memory
            and node.idle_pods + node.releasing_pods > 0
            and all(sum(node.extended.get(name, (0, 0))) >= amount for name, amount in self.extended)
        )

    def _of_rest(self, node: Occupancy, fit: Fit) -> Fit:
        if self.empty:
            return (
                fit
                if node.idle_pods > 0
                else Fit.LATER
                if node.idle_pods + node.releasing_pods > 0
                else Fit.NO
            )
        pairs = [
            (self.cpu, node.idle_cpu, node.releasing_cpu),
            (self.memory, node.idle_memory, node.releasing_memory),
            (1, node.idle_pods, node.releasing_pods),
        ]
        pairs += [(amount, *node.extended.get(name, (0, 0))) for name, amount in self.extended]
        for amount, idle, releasing in pairs:
            if idle < amount:
                if idle + releasing < amount:
                    return Fit.NO
                fit = Fit.LATER
        return fit

    def _of_shared(self, node: Occupancy) -> Fit:
        total = node.device_memory
        need = self.gpu.memory_on(total)
        if need > total:
            return Fit.NO
        now = later = 0
        for device in node.shared.values():
            if device.is_staying and device.room_later(total) >= need:
                later += 1
                now += device.room_now(total) >= need
        new = max(0, self.devices - now)
        if now + max(0, node.idle_gpus) >= self.devices and node.idle_pods > new:
            return Fit.NOW
        new = max(0, self.devices - later)
        if later + max(0, node.idle_gpus + node.releasing_gpus) < self.devices:
            return Fit.NO
        return Fit.LATER if node.idle_pods + node.releasing_pods > new else Fit.NO

    def slots(self, node: Occupancy) -> int:
        """How many such tasks fit at most once what is being released is gone: never too few."""
        most = node.idle_pods + node.releasing_pods
        if self.devices:
            whole = node.idle_gpus + node.releasing_gpus
            most = min(most, whole // self.devices) if not self.shared else min(most, self.shared_slots(node))
        if most <= 0:
            return 0
        if self.cpu:
            most = min(most, (node.idle_cpu + node.releasing_cpu) // self.cpu)
        if self.memory:
            most = min(most, (node.idle_memory + node.releasing_memory) // self.memory)
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
