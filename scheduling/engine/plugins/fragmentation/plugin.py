"""Place each task where the fewest GPUs are lost to what the pool is usually asked for; see measure.py for "lost"."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from scheduling.engine.model.demand import NO_DEMAND
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.occupancy import Occupancy, SharedDevice
from scheduling.engine.model.resources import WHOLE_GPU
from scheduling.engine.model.shapes import Shape
from scheduling.engine.model.tasks import TaskRequest
from scheduling.engine.plugin import Plugin
from scheduling.engine.plugins.fragmentation.measure import (
    Measure,
    NodeState,
    after,
    after_share,
    measure_of,
    share_of,
)
from scheduling.engine.plugins.fragmentation.prior import Beside
from scheduling.engine.session import Session

MIDDLE_POINTS = 4.5
"""Of a placement that loses and gains nothing: the scores of all placements lie between 0 and 9, as those of bin packing."""
FULLNESS_MILLI = 0.5
"""How much an empty node is behind a full one where both lose the same: never as much as a thousandth of a GPU."""


class _KnownState:
    """A state that nodes are or were in, what is lost in it, and what each request (by its id: the snapshot keeps it) would add to that."""

    __slots__ = ("added", "lost", "rooms", "state")

    def __init__(self, state: NodeState, lost: float) -> None:
        self.state = state
        self.lost = lost
        self.added: dict[int, int] = {}
        self.rooms: dict[int, dict[int, int]] = {}


class _Kept(NamedTuple):
    """So many nodes can take the largest usual request that any node can take; `is_alone`: one task changed in the whole cycle."""

    nodes: int
    gpus: int
    is_alone: bool


@dataclass
class Fragmentation(Plugin):
    """`cpu` is what decides between nodes without GPUs: "pack" or "spread"."""

    name = "fragmentation"
    cpu: str = "pack"
    measure: Measure = field(default_factory=lambda: measure_of(NO_DEMAND, 1, Beside(0, 0)))
    most_gpus: int = 1
    most_cpu: int = 1
    _states: dict[NodeState, _KnownState] = field(default_factory=dict)
    _of_node: list[_KnownState | None] = field(default_factory=list)
    _read: int = 0
    _counted_at: int = -1
    _largest: _Kept | None = None

    def opened(self, session: Session) -> None:
        snapshot = session.snapshot
        self.measure = measure_of(snapshot.demand, snapshot.min_device_memory, beside_gpus(snapshot.nodes))
        self.most_gpus = max((node.gpus for node in snapshot.nodes), default=0) or 1
        self.most_cpu = max((node.cpu_milli for node in snapshot.nodes), default=0) or 1
        self._of_node = [None] * len(snapshot.nodes)

    def node_score(self, session: Session, shape: Shape, node: int, *, fits_now: bool) -> float:
        """From 9 for the largest gain to 0 for the largest loss; of equal ones the fullest."""
        one = session.state.occupancy[node]
        if not session.snapshot.nodes[node].gpus:
            free = (one.idle_cpu + one.releasing_cpu) / self.most_cpu
            return 2 * MIDDLE_POINTS * (free if self.cpu == "spread" else 1.0 - free)
        known = self._state(session, node)
        request = shape.request
        added = known.added.get(id(request))
        if added is None:
            added = known.added[id(request)] = self._added(known, request, one.device_memory)
        emptiness = known.state.whole / self.most_gpus
        return MIDDLE_POINTS - (added + FULLNESS_MILLI * emptiness) / self._scale

    @property
    def _scale(self) -> float:
        """Thousandths per point: a node can lose (or gain) all its free GPUs in each of the two parts of the measure."""
        return 2 * WHOLE_GPU * (self.most_gpus + 1) / MIDDLE_POINTS

    def device_score(
        self, session: Session, request: TaskRequest, node: Occupancy, device: SharedDevice | None
    ) -> float:
        """The device on which the fewest thousandths are lost."""
        known = self._known(state_of(node))
        by_room = known.rooms.get(id(request))
        if by_room is None:
            by_room = known.rooms[id(request)] = self._added_by_room(known, request, node.device_memory)
        room = WHOLE_GPU if device is None else room_of(device, node.device_memory)
        return -float(by_room.get(room, WHOLE_GPU * self.most_gpus * 4))

    def reason_for_place(self, session: Session, task: int, node: int) -> str:
        """By what it keeps: nodes that can still take the largest usual request of whole GPUs."""
        if not session.snapshot.nodes[node].gpus:
            return ""
        name = session.snapshot.nodes[node].name
        kept = self._kept(session)
        if kept is None:
            return f"Placed on node {name}: of the nodes with room, the fewest GPUs are lost to others there."
        able = "1 node" if kept.nodes == 1 else f"{kept.nodes} nodes"
        gpus = f"{kept.gpus} GPU{'s' if kept.gpus > 1 else ''}"
        if kept.is_alone:
            return f"Placed on node {name}: it keeps {able} able to take {gpus}."
        are = "is" if kept.nodes == 1 else "are"
        return f"Placed on node {name}: after this cycle {able} {are} still able to take {gpus}."

    def _kept(self, session: Session) -> _Kept | None:
        """As things stand; None when no node can take any usual request."""
        changes = len(session.state.node_changes)
        if self._counted_at != changes:
            self._counted_at = changes
            self._largest = self._count_able(session)
        return self._largest

    def _count_able(self, session: Session) -> _Kept | None:
        able = [
            self._state(session, node).state
            for node, one in enumerate(session.snapshot.nodes)
            if one.gpus and one.ready and not one.cordoned
        ]
        for gpus in reversed(self.measure.whole_requests):
            nodes = sum(self.measure.can_take(state, gpus) for state in able)
            if nodes:
                return _Kept(nodes, gpus, sum(1 for _ in session.state.changed_tasks()) == 1)
        return None

    def _state(self, session: Session, node: int) -> _KnownState:
        """The node's state, worked out anew where the log of changes says so."""
        changes = session.state.node_changes
        if self._read != len(changes):
            for changed in changes[self._read :]:
                self._of_node[changed] = None
            self._read = len(changes)
        known = self._of_node[node]
        if known is None:
            known = self._of_node[node] = self._known(state_of(session.state.occupancy[node]))
        return known

    def _known(self, state: NodeState) -> _KnownState:
        known = self._states.get(state)
        if known is None:
            known = self._states[state] = _KnownState(state, self.measure.lost(state))
        return known

    def _added(self, known: _KnownState, request: TaskRequest, device_memory: int) -> int:
        """Thousandths of a GPU that are lost more with the request on such a node; shared devices as they would be chosen."""
        if not request.gpu.is_shared:
            return self._more(
                known, after(known.state, request.cpu_milli, request.memory_bytes, request.gpu.devices)
            )
        by_room = self._added_by_room(known, request, device_memory)
        known.rooms[id(request)] = by_room
        if request.gpu.devices == 1:
            return min(by_room.values(), default=0)
        rooms = self._best_rooms(known.state, by_room, request.gpu.devices)
        return self._more(known, self._with(known.state, request, rooms, device_memory))

    def _added_by_room(self, known: _KnownState, request: TaskRequest, device_memory: int) -> dict[int, int]:
        """For one device with that much room, each room that will do."""
        share = share_of(request, device_memory)
        choices = {room for room in known.state.rooms if room >= share}
        if known.state.whole > 0:
            choices.add(WHOLE_GPU)
        return {
            room: self._more(known, self._with(known.state, request, (room,), device_memory))
            for room in sorted(choices)
        }

    def _best_rooms(self, state: NodeState, by_room: dict[int, int], devices: int) -> list[int]:
        """Of a task that takes a share of several devices."""
        rooms = [*state.rooms, *[WHOLE_GPU] * state.whole]
        return sorted((room for room in rooms if room in by_room), key=by_room.__getitem__)[:devices]

    def _with(
        self, state: NodeState, request: TaskRequest, rooms: Iterable[int], device_memory: int
    ) -> NodeState:
        share = share_of(request, device_memory)
        return after_share(state, request.cpu_milli, request.memory_bytes, rooms, share)

    def _more(self, known: _KnownState, state: NodeState) -> int:
        return round(self.measure.lost(state) - known.lost)


def beside_gpus(nodes: Iterable[Node]) -> Beside:
    """What the nodes with GPUs have for each of them."""
    gpus = cpu = memory = 0
    for node in nodes:
        if node.gpus:
            gpus, cpu, memory = gpus + node.gpus, cpu + node.cpu_milli, memory + node.memory_bytes
    return Beside(cpu // gpus, memory // gpus) if gpus else Beside(0, 0)


def state_of(node: Occupancy) -> NodeState:
    """Free once what is being released is gone, as the other strategies see it."""
    memory = node.device_memory
    rooms = (
        [room_of(device, memory) for device in node.shared.values() if device.is_staying]
        if node.shared
        else []
    )
    rooms.sort()
    return NodeState(
        node.idle_cpu + node.releasing_cpu,
        node.idle_memory + node.releasing_memory,
        max(0, node.idle_gpus + node.releasing_gpus),
        tuple(rooms),
    )


def room_of(device: SharedDevice, memory: int) -> int:
    """Thousandths free on a shared device of `memory` MiB."""
    return max(0, device.room_later(memory) * WHOLE_GPU // memory)
