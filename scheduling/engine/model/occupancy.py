"""What of a node is taken, being released and promised. The snapshot holds the sums, a session changes copies of them."""

from scheduling.engine.model.nodes import Node
from scheduling.engine.model.tasks import TaskRequest, TaskState


class SharedDevice:
    """One device open for sharing, in MiB: `held` by tasks that stay, `leaving` with tasks being released, `promised` to nominated ones."""

    __slots__ = ("held", "leaving", "promised")

    def __init__(self, held: int = 0, leaving: int = 0, promised: int = 0) -> None:
        self.held = held
        self.leaving = leaving
        self.promised = promised

    def copy(self) -> "SharedDevice":
        return SharedDevice(self.held, self.leaving, self.promised)

    @property
    def is_staying(self) -> bool:
        """Whether someone remains on it: only then may others join."""
        return self.held > 0 or self.promised > 0

    def room_later(self, memory: int) -> int:
        """MiB free once those who leave have left."""
        return memory - self.held - self.promised

    def room_now(self, memory: int) -> int:
        """MiB free at this moment; a device that is only promised is not there yet."""
        return memory - self.held - self.leaving if self.held or self.leaving else 0


class Occupancy:
    """The running sums of one node. `idle_*` is free now; `releasing_*` will be free soon and not promised yet (may be negative).

    Fits later: request <= idle + releasing. Fits now: that, and request <= idle. A shared device counts as one whole device that is not idle,
    and takes one pod slot for the reservation that holds it.
    """

    __slots__ = (
        "device_memory",
        "extended",
        "idle_cpu",
        "idle_gpus",
        "idle_memory",
        "idle_pods",
        "releasing_cpu",
        "releasing_gpus",
        "releasing_memory",
        "releasing_pods",
        "shared",
    )

    def __init__(self, node: Node) -> None:
        foreign = node.foreign
        self.idle_gpus = node.gpus - foreign.gpus
        self.idle_cpu = node.cpu_milli - foreign.cpu_milli
        self.idle_memory = node.memory_bytes - foreign.memory_bytes
        self.idle_pods = node.max_pods - foreign.pods
        self.releasing_gpus = self.releasing_cpu = self.releasing_memory = self.releasing_pods = 0
        self.device_memory = node.device_memory_mib
        self.shared: dict[str, SharedDevice] = {}
        self.extended: dict[str, tuple[int, int]] = {
            name: (amount, 0) for name, amount in node.extended.items()
        }
        for name, amount in foreign.extended:
            idle, releasing = self.extended.get(name, (0, 0))
            self.extended[name] = (idle - amount, releasing)

    def copy(self) -> "Occupancy":
        """Own sums; devices are copied only where there are any."""
        twin = Occupancy.__new__(Occupancy)
        twin.idle_gpus, twin.idle_cpu, twin.idle_memory, twin.idle_pods = (
            self.idle_gpus,
            self.idle_cpu,
            self.idle_memory,
            self.idle_pods,
        )
        twin.releasing_gpus, twin.releasing_cpu, twin.releasing_memory, twin.releasing_pods = (
            self.releasing_gpus,
            self.releasing_cpu,
            self.releasing_memory,
            self.releasing_pods,
        )
        twin.device_memory = self.device_memory
        twin.shared = {name: device.copy() for name, device in self.shared.items()} if self.shared else {}
        twin.extended = self.extended.copy() if self.extended else {}
        return twin

    def alter(self, before: Node, after: Node) -> None:
        """The node offers more or less than before, on devices of the same memory."""
        was, now = Occupancy(before), Occupancy(after)
        self.idle_gpus += now.idle_gpus - was.idle_gpus
        self.idle_cpu += now.idle_cpu - was.idle_cpu
        self.idle_memory += now.idle_memory - was.idle_memory
        self.idle_pods += now.idle_pods - was.idle_pods
        for name in {*was.extended, *now.extended}:
            idle, releasing = self.extended.get(name, (0, 0))
            more = now.extended.get(name, (0, 0))[0] - was.extended.get(name, (0, 0))[0]
            self.extended[name] = (idle + more, releasing)

    def change(self, request: TaskRequest, groups: tuple[str, ...], state: TaskState, sign: int) -> None:
        """Add (`sign` 1) or take back (-1) a task that is on this node in `state`."""
        whole = 0 if groups else request.gpu.devices
        if groups:
            self._change_shared(request, groups, state, sign)
        idle, releasing = _EFFECT[state]
        idle *= sign
        releasing *= sign
        if idle:
            self.idle_gpus += idle * whole
            self.idle_cpu += idle * request.cpu_milli
            self.idle_memory += idle * request.memory_bytes
            self.idle_pods += idle
        if releasing:
            self.releasing_gpus += releasing * whole
            self.releasing_cpu += releasing * request.cpu_milli
            self.releasing_memory += releasing * request.memory_bytes
            self.releasing_pods += releasing
        if request.extended:
            for name, amount in request.extended:
                free, soon = self.extended.get(name, (0, 0))
                self.extended[name] = (free + idle * amount, soon + releasing * amount)

    def _change_shared(
        self, request: TaskRequest, groups: tuple[str, ...], state: TaskState, sign: int
    ) -> None:
        memory = sign * request.gpu.memory_on(self.device_memory)
        for group in groups:
            device = self.shared.get(group)
            if device is None:
                device = self.shared[group] = SharedDevice()
            self._count_device(device, -1)
            if state is TaskState.RELEASING:
                device.leaving += memory
            elif state is TaskState.PIPELINED:
                device.promised += memory
            else:
                device.held += memory
            self._count_device(device, 1)
            if not (device.held or device.leaving or device.promised):
                del self.shared[group]

    def _count_device(self, device: SharedDevice, sign: int) -> None:
        """Count the whole device: taken when used, being released when all its users leave, promised when only promised."""
        if device.held or device.leaving:
            self.idle_gpus -= sign
            self.idle_pods -= sign
            if not device.held and not device.promised:
                self.releasing_gpus += sign
                self.releasing_pods += sign
        elif device.promised:
            self.releasing_gpus -= sign
            self.releasing_pods -= sign

    def is_overdrawn(self) -> bool:
        """Whether more has been started here than there is at this moment."""
        return (
            min(self.idle_gpus, self.idle_cpu, self.idle_memory, self.idle_pods) < 0
            or any(device.held + device.leaving > self.device_memory for device in self.shared.values())
            or any(idle < 0 for idle, _ in self.extended.values())
        )


_EFFECT: tuple[tuple[int, int], ...] = tuple(
    {
        TaskState.RELEASING: (-1, 1),
        TaskState.PIPELINED: (0, -1),
        TaskState.ALLOCATED: (-1, 0),
        TaskState.BINDING: (-1, 0),
        TaskState.BOUND: (-1, 0),
        TaskState.RUNNING: (-1, 0),
    }.get(state, (0, 0))
    for state in TaskState
)
"""Per state: what a task of one unit does to (idle, releasing)."""
