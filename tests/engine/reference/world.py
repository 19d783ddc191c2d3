"""Where every task stands during a cycle, with undo; and the room that leaves on nodes and in queues."""

from dataclasses import dataclass, field

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import WHOLE_GPU
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import ACTIVE, ON_NODE, Task, TaskState

Vector = tuple[int, int, int]
NONE: Vector = (0, 0, 0)
S = TaskState


def plus(one: Vector, other: Vector) -> Vector:
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2])


def minus(one: Vector, other: Vector) -> Vector:
    return (one[0] - other[0], one[1] - other[1], one[2] - other[2])


@dataclass(frozen=True)
class Place:
    """Where one task stands."""

    state: TaskState
    node: str = ""
    groups: tuple[str, ...] = ()
    was: "Place | None" = field(default=None, compare=False)
    """Of an evicted task: the place it was evicted from."""


@dataclass
class Device:
    """A device open for sharing: MiB of tasks that stay, that leave, and that were promised room."""

    held: int = 0
    leaving: int = 0
    promised: int = 0

    @property
    def used(self) -> int:
        return self.held + self.leaving + self.promised


@dataclass
class Room:
    """What is free on a node now, and what is being released and not promised yet. Amounts by resource name."""

    memory: int
    idle: dict[str, int] = field(default_factory=dict)
    releasing: dict[str, int] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)

    def change(self, name: str, idle: int, releasing: int) -> None:
        self.idle[name] = self.idle.get(name, 0) + idle
        self.releasing[name] = self.releasing.get(name, 0) + releasing

    def has_overfull_device(self) -> bool:
        return any(device.held + device.leaving > self.memory for device in self.devices.values())

    def later(self, name: str) -> int:
        return self.idle.get(name, 0) + self.releasing.get(name, 0)


class World:
    """The state of all tasks. `put` is the only way to change it; `undo` goes back to a mark."""

    def __init__(self, snapshot: ClusterSnapshot, config: SchedulerConfig, now: float) -> None:
        self.snapshot, self.config, self.now = snapshot, config, now
        self.nodes: dict[str, Node] = {node.name: node for node in snapshot.nodes}
        self.queues: dict[str, Queue] = {queue.name: queue for queue in snapshot.queues}
        self.gangs: dict[str, Gang] = {gang.uid: gang for gang in snapshot.gangs}
        self.tasks: dict[str, Task] = {task.uid: task for gang in snapshot.gangs for task in gang.tasks}
        self.gang_of: dict[str, Gang] = {task.uid: gang for gang in snapshot.gangs for task in gang.tasks}
        self.start: dict[str, Place] = {
            uid: Place(task.state, task.node if task.state in ON_NODE else "", task.gpu_groups)
            for uid, task in self.tasks.items()
        }
        self.place: dict[str, Place] = dict(self.start)
        self.log: list[tuple[str, Place]] = []
        self.left: set[str] = set()
        """Tasks that no longer hold where they stood when the cycle began, even as releasing."""
        self.children: dict[str, list[str]] = {name: [] for name in [*self.queues, ""]}
        for queue in snapshot.queues:
            self.children[queue.parent].append(queue.name)
        self._rooms: dict[str, Room] = {}
        self._used: dict[tuple[str, bool], Vector] = {}
        self.ranks: dict[str, int] = {}
        """Per gang, until one of its tasks moves: see `elastic_rank`."""

    # -- changing it ---------------------------------------------------------------------------------------------

    def put(self, uid: str, place: Place) -> None:
        old = self.place[uid]
        self.log.append((uid, old))
        self._forget(uid, old, place)
        self.place[uid] = place

    def mark(self) -> int:
        return len(self.log)

    def undo(self, mark: int) -> None:
        while len(self.log) > mark:
            uid, old = self.log.pop()
            self._forget(uid, self.place[uid], old)
            self.place[uid] = old

    def evict(self, uid: str) -> None:
        """Take a task off its place. What only this cycle put there waits again; what ran holds its place until it left."""
        place, start = self.place[uid], self.start[uid]
        assert place.state in ACTIVE
        if start.state in ACTIVE:
            self.put(uid, Place(S.RELEASING, start.node, start.groups, was=place))
        else:
            self.put(uid, Place(S.PENDING, was=place))

    def _forget(self, uid: str, *places: Place) -> None:
        for place in places:
            self._rooms.pop(place.node, None)
        self._used.clear()
        self.ranks.pop(self.gang_of[uid].uid, None)

    def let_leave(self, uids: set[str]) -> None:
        """As if these had left the places they held when the cycle began."""
        self.left = uids
        self._rooms.clear()

    # -- looking at it -------------------------------------------------------------------------------------------

    def state(self, uid: str) -> TaskState:
        return self.place[uid].state

    def is_leaf(self, queue: str) -> bool:
        return queue in self.queues and not self.children[queue]

    def path(self, queue: str) -> list[str]:
        """The queue and its ancestors, leaf first."""
        names = []
        while queue:
            names.append(queue)
            queue = self.queues[queue].parent
        return names

    def below(self, queue: str) -> list[str]:
        """The leaves under a queue, or itself."""
        children = self.children[queue]
        return [leaf for child in children for leaf in self.below(child)] if children else [queue]

    def charge(self, uid: str, node: str = "") -> Vector:
        """What a task counts in its queue, on a node or while it waits."""
        request = self.tasks[uid].request
        memory = self.nodes[node].device_memory_mib if node else self.snapshot.min_device_memory
        return (request.gpu.milli(memory), request.cpu_milli, request.memory_bytes)

    def allocated(self, queue: str, *, firm_only: bool = False) -> Vector:
        """What tasks under a queue hold or were promised; `firm_only` counts non-preemptible gangs only."""
        key = (queue, firm_only)
        if key not in self._used:
            leaves, total = set(self.below(queue)), NONE
            for uid, place in self.place.items():
                gang = self.gang_of[uid]
                if place.state in ACTIVE and gang.queue in leaves and not (firm_only and gang.is_preemptible):
                    total = plus(total, self.charge(uid, place.node))
            self._used[key] = total
        return self._used[key]

    def room(self, name: str) -> Room:
        if name not in self._rooms:
            self._rooms[name] = self._look(self.nodes[name])
        return self._rooms[name]

    def _look(self, node: Node) -> Room:
        foreign = node.foreign
        room = Room(memory=node.device_memory_mib)
        room.change("gpu", node.gpus - foreign.gpus, 0)
        room.change("cpu", node.cpu_milli - foreign.cpu_milli, 0)
        room.change("memory", node.memory_bytes - foreign.memory_bytes, 0)
        room.change("pods", node.max_pods - foreign.pods, 0)
        for key, amount in node.extended.items():
            room.change(key, amount, 0)
        for key, amount in foreign.extended:
            room.change(key, -amount, 0)
        for uid, place in self.place.items():
            if place.node == node.name and place.state in ON_NODE:
                self._take(room, self.tasks[uid], place)
            if self._still_leaves(uid, node.name):
                start = self.start[uid]
                self._take(room, self.tasks[uid], Place(S.RELEASING, start.node, start.groups))
        for device in room.devices.values():
            if device.held or device.leaving:
                room.change("gpu", -1, 0)
                room.change("pods", -1, 0)
                if not device.held and not device.promised:
                    room.change("gpu", 0, 1)
                    room.change("pods", 0, 1)
            elif device.promised:
                room.change("gpu", 0, -1)
                room.change("pods", 0, -1)
        return room

    def _still_leaves(self, uid: str, node: str) -> bool:
        """A task that moves away, or within the node, still holds its old place until it has left."""
        place, start = self.place[uid], self.start[uid]
        if start.node != node or start.state not in ACTIVE or uid in self.left:
            return False
        return place.node != node or place.state is S.PIPELINED

    def _take(self, room: Room, task: Task, place: Place) -> None:
        """A task that stays takes idle room; one that leaves as well, but gives it back; a promise takes what is given back."""
        idle = 0 if place.state is S.PIPELINED else -1
        releasing = {S.RELEASING: 1, S.PIPELINED: -1}.get(place.state, 0)
        request = task.request
        amounts = {
            "cpu": request.cpu_milli,
            "memory": request.memory_bytes,
            "pods": 1,
            **dict(request.extended),
        }
        if not place.groups:
            amounts["gpu"] = request.gpu.devices
        for name, amount in amounts.items():
            room.change(name, idle * amount, releasing * amount)
        for group in place.groups:
            device = room.devices.setdefault(group, Device())
            amount = request.gpu.memory_on(room.memory)
            if place.state is S.RELEASING:
                device.leaving += amount
            elif place.state is S.PIPELINED:
                device.promised += amount
            else:
                device.held += amount

    def total(self) -> Vector:
        """What there is to divide: the ready nodes, less what other schedulers hold."""
        total = NONE
        for node in self.nodes.values():
            if node.ready:
                total = plus(
                    total,
                    (
                        (node.gpus - node.foreign.gpus) * WHOLE_GPU,
                        node.cpu_milli - node.foreign.cpu_milli,
                        node.memory_bytes - node.foreign.memory_bytes,
                    ),
                )
        return total
