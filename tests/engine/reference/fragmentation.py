"""Fragmentation-aware placement, worked out anew at every question: what a placement adds to the GPUs that are lost to others."""

from scheduling.engine.model.nodes import Node
from scheduling.engine.model.resources import WHOLE_GPU
from scheduling.engine.model.tasks import TaskRequest
from scheduling.engine.plugins.fragmentation.measure import (
    Measure,
    NodeState,
    after,
    after_share,
    measure_of,
    share_of,
)
from scheduling.engine.plugins.fragmentation.plugin import FULLNESS_MILLI, MIDDLE_POINTS, beside_gpus
from tests.engine.reference.world import Device, Room, World


def node_points(world: World, request: TaskRequest, node: Node) -> float:
    """9 for the largest gain to 0 for the largest loss; of equal ones the fullest. Nodes without GPUs: by their cores."""
    room, nodes = world.room(node.name), world.snapshot.nodes
    if not node.gpus:
        free = room.later("cpu") / (max(one.cpu_milli for one in nodes) or 1)
        spreads = world.config.options.get("fragmentation", {}).get("cpu", "pack") == "spread"
        return 2 * MIDDLE_POINTS * (free if spreads else 1.0 - free)
    most = max(one.gpus for one in nodes)
    scale = 2 * WHOLE_GPU * (most + 1) / MIDDLE_POINTS
    state = state_of(room)
    if not request.gpu.is_shared and request.gpu.devices > state.whole:
        return 0.0  # nobody asks what would be lost where it does not fit
    added = _added(_measure(world), state, request, room.memory)
    return MIDDLE_POINTS - (added + FULLNESS_MILLI * (state.whole / most)) / scale


def device_points(world: World, request: TaskRequest, device: Device | None, room: Room) -> float:
    """The fewer thousandths are lost with the request on it, the better."""
    free = WHOLE_GPU if device is None else _free(device, room)
    return -float(_added_by_room(_measure(world), state_of(room), request, room.memory).get(free, 10**9))


def state_of(room: Room) -> NodeState:
    staying = [device for device in room.devices.values() if device.held + device.promised]
    rooms = tuple(sorted(_free(device, room) for device in staying))
    return NodeState(room.later("cpu"), room.later("memory"), max(0, room.later("gpu")), rooms)


def _free(device: Device, room: Room) -> int:
    return max(0, (room.memory - device.held - device.promised) * WHOLE_GPU // room.memory)


def _measure(world: World) -> Measure:
    snapshot = world.snapshot
    return measure_of(snapshot.demand, snapshot.min_device_memory, beside_gpus(snapshot.nodes))


def _added(measure: Measure, state: NodeState, request: TaskRequest, memory: int) -> int:
    gpu = request.gpu
    if not gpu.is_shared:
        new = after(state, request.cpu_milli, request.memory_bytes, gpu.devices)
        return round(measure.lost(new) - measure.lost(state))
    by_room = _added_by_room(measure, state, request, memory)
    if gpu.devices == 1:
        return min(by_room.values(), default=0)
    rooms = [room for room in (*state.rooms, *[WHOLE_GPU] * state.whole) if room in by_room]
    best = sorted(rooms, key=lambda room: by_room[room])[: gpu.devices]
    return _with(measure, state, request, best, memory)


def _added_by_room(measure: Measure, state: NodeState, request: TaskRequest, memory: int) -> dict[int, int]:
    share = share_of(request, memory)
    rooms = {room for room in state.rooms if room >= share} | ({WHOLE_GPU} if state.whole else set())
    return {room: _with(measure, state, request, [room], memory) for room in rooms}


def _with(measure: Measure, state: NodeState, request: TaskRequest, rooms: list[int], memory: int) -> int:
    share = share_of(request, memory)
    new = after_share(state, request.cpu_milli, request.memory_bytes, rooms, share)
    return round(measure.lost(new) - measure.lost(state))
