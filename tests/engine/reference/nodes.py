"""Whether a task may run on a node, how well the node suits it, and which devices it gets there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scheduling.engine.model.constraints import PodAffinityTerm, SpreadConstraint, Taint, Toleration
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.tasks import ACTIVE, Task, TaskRequest, TaskState
from tests.engine.reference import fragmentation
from tests.engine.reference.world import Device, Place, Room, World

S = TaskState
SCORES = {"nominated": 1_000_000, "wish": 100_000, "shared": 1_000, "now": 100, "cpu_node": 10, "density": 9}
NEW_DEVICE = "a whole device"


@dataclass(frozen=True)
class Fit:
    """How a task fits on a node: at once or after a release, and for shared GPUs on which devices."""

    now: bool
    groups: tuple[str, ...] = ()


# -- may it run there? ---------------------------------------------------------------------------------------------


def may_run_on(world: World, task: Task, node: Node) -> bool:
    """Everything besides amounts: readiness, taints, labels, other pods."""
    wanted = task.constraints
    if not node.ready or (node.cordoned and not any(_passes_cordon(one) for one in wanted.tolerations)):
        return False
    if any(
        taint.effect in ("NoSchedule", "NoExecute")
        and not any(t.tolerates(taint) for t in wanted.tolerations)
        for taint in node.taints
    ):
        return False
    if any(node.labels.get(key) != value for key, value in wanted.node_selector):
        return False
    if wanted.node_terms and not any(term.matches(node.labels, node.name) for term in wanted.node_terms):
        return False
    return _other_pods_allow(world, task, node) and all(
        _spread_allows(world, task, node, one) for one in wanted.spread
    )


def _passes_cordon(toleration: Toleration) -> bool:
    """A cordon is the taint node.kubernetes.io/unschedulable; only those who tolerate it by its mere existence pass."""
    return toleration.operator == "Exists" and toleration.tolerates(
        Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")
    )


def _other_pods_allow(world: World, task: Task, node: Node) -> bool:
    others = [
        (world.tasks[uid], world.nodes[place.node])
        for uid, place in world.place.items()
        if uid != task.uid and place.node in world.nodes and place.state in ACTIVE
    ]
    for term in task.constraints.pod_affinity:
        near = [other for other, where in others if _selects(term, task, other) and _same(term, node, where)]
        first_of_its_kind = _selects(term, task, task) and not any(
            _selects(term, task, other) for other, _ in others
        )
        if term.topology_key not in node.labels or not (near or first_of_its_kind):
            return False
    for term in task.constraints.pod_anti_affinity:
        if any(_selects(term, task, other) and _same(term, node, where) for other, where in others):
            return False
    return not any(
        _selects(term, other, task) and _same(term, node, where)
        for other, where in others
        for term in other.constraints.pod_anti_affinity
    )


def _spread_allows(world: World, task: Task, node: Node, one: SpreadConstraint) -> bool:
    """Counted anew for every question: the selected pods that stay, by domain, on the nodes that count."""
    wanted, key = task.constraints, one.topology_key
    if key not in node.labels:
        return False
    counting = [
        other
        for other in world.nodes.values()
        if all(each.topology_key in other.labels for each in wanted.spread)
        and (
            not one.honor_node_affinity
            or (wanted.selects_node(other.labels) and wanted.has_affinity_to(other.labels, other.name))
        )
        and (not one.honor_taints or _tolerates_all(wanted.tolerations, other))
    ]
    numbers = {other.labels[key]: 0 for other in counting}
    for uid, place in world.place.items():
        kin = world.tasks[uid].namespace == task.namespace and one.selects(world.tasks[uid].labels)
        if kin and place.state in ACTIVE and any(place.node == other.name for other in counting):
            numbers[world.nodes[place.node].labels[key]] += 1
    least = min(numbers.values(), default=0) if len(numbers) >= one.min_domains else 0
    return numbers.get(node.labels[key], 0) + one.selects(task.labels) - least <= one.max_skew


def _tolerates_all(tolerations: Sequence[Toleration], node: Node) -> bool:
    hard = [taint for taint in node.taints if taint.effect != "PreferNoSchedule"]
    return all(any(one.tolerates(taint) for one in tolerations) for taint in hard)


def _selects(term: PodAffinityTerm, owner: Task, other: Task) -> bool:
    return term.selects(other.labels, other.namespace, owner.namespace)


def _same(term: PodAffinityTerm, one: Node, other: Node) -> bool:
    """Both in one domain of the term's topology key."""
    value = one.labels.get(term.topology_key)
    return value is not None and value == other.labels.get(term.topology_key)


# -- is there room? ------------------------------------------------------------------------------------------------


def fit(world: World, task: Task, node: Node) -> Fit | None:
    """How the task fits, or None. What fits now must also fit later: room may already be promised."""
    request, room = task.request, world.room(node.name)
    amounts = {"cpu": request.cpu_milli, "memory": request.memory_bytes, **dict(request.extended)}
    if not any(amounts.values()) and not request.gpu.devices:
        amounts = {}
    groups: tuple[str, ...] = ()
    now = True
    if request.gpu.is_shared:
        chosen = choose_devices(world, task, node)
        if chosen is None:
            return None
        groups, now, opened = chosen
        amounts["pods"] = 1 + opened
    else:
        amounts["gpu"] = request.gpu.devices
        amounts["pods"] = 1
    if any(amount > room.later(name) for name, amount in amounts.items() if amount):
        return None
    now = now and all(amount <= room.idle.get(name, 0) for name, amount in amounts.items() if amount)
    return Fit(now, groups)


def choose_devices(world: World, task: Task, node: Node) -> tuple[tuple[str, ...], bool, int] | None:
    """Devices for a shared request: (groups, whether at once, how many newly opened). None when there are too few."""
    request, room = task.request.gpu, world.room(node.name)
    if request.memory_mib and node.gpu_memory_mib is None:
        return None
    need = request.memory_on(room.memory)
    if need > room.memory:
        return None
    whole = max(0, min(room.later("gpu"), room.later("pods") - 1))  # a new device takes a pod slot of its own
    entries = [(name, device) for name, device in sorted(room.devices.items()) if _joins(device, room, need)]
    if len(entries) + whole < request.devices:
        return None
    candidates: list[tuple[str, Device | None]] = [*entries, *[(NEW_DEVICE, None)] * whole]

    def order(entry: tuple[str, Device | None]) -> tuple[float, bool, str]:
        return (-device_score(world, task.request, entry[1], room), entry[1] is None, entry[0])

    ranked = sorted(candidates, key=order)
    now, opened, groups, idle = True, 0, [], room.idle.get("gpu", 0)
    for name, device in ranked[: request.devices]:
        if device is None:
            opened += 1
            now = now and opened <= idle
            groups.append(NEW_DEVICE)
        else:
            is_open = device.held + device.leaving > 0
            now = now and is_open and room.memory - device.held - device.leaving >= need
            groups.append(name)
    return tuple(groups), now, opened


def _joins(device: Device, room: Room, need: int) -> bool:
    """Someone stays on it, and there is room once those who leave have left."""
    return _stays(device) and room.memory - device.held - device.promised >= need


def device_score(world: World, request: TaskRequest, device: Device | None, room: Room) -> float:
    """Packing: the fullest first, a whole device last. Spreading: a whole device first. Or what is lost there decides."""
    way = options_of(world, "gpu_sharing").get("devices", "pack")
    used = 0.0 if device is None else device.used / room.memory
    points = {"pack": used, "spread": 1.0 - used}.get(way, 0.0)
    if "fragmentation" in world.config.plugins:
        points += fragmentation.device_points(world, request, device, room)
    return points


def options_of(world: World, plugin: str) -> dict[str, Any]:
    return world.config.options.get(plugin, {})


# -- how good is it? -----------------------------------------------------------------------------------------------


def ranked_nodes(world: World, task: Task, names: Sequence[str], bonus: dict[str, float]) -> list[str]:
    """Nodes best first, ties by name. `bonus` is the topology's part of the score."""
    density = densities(world, task, names)
    scores = {
        name: score(world, task, world.nodes[name]) + density.get(name, 0.0) + bonus.get(name, 0.0)
        for name in names
    }
    return sorted(names, key=lambda name: (-scores[name], name))


def score(world: World, task: Task, node: Node) -> float:
    """The tiers above density; they differ so much that they never mix."""
    total, room, plugins = 0.0, world.room(node.name), world.config.plugins
    if "nominated_node" in plugins and task.nominated_node == node.name:
        total += SCORES["nominated"]
    if "node_fit" in plugins:
        total += SCORES["wish"] * node_wishes(task, node)
    if "pod_affinity" in plugins:
        total += SCORES["wish"] * pod_wishes(world, task, node)
    gpu = task.request.gpu
    need = gpu.memory_on(room.memory) if gpu.devices else 0
    if (
        "gpu_sharing" in plugins
        and options_of(world, "gpu_sharing").get("join", True)
        and any(_joins(device, room, need) for device in room.devices.values())
    ):
        total += SCORES["shared"]
    placed = fit(world, task, node)
    if "availability" in plugins and placed is not None and placed.now:
        total += SCORES["now"]
    if "resource_type" in plugins and not gpu.devices and not node.gpus:
        total += SCORES["cpu_node"]
    return total


def node_wishes(task: Task, node: Node) -> float:
    """The part of its wishes, by weight, that the node meets; less one where a taint asks others to stay away."""
    wishes, tolerations = task.constraints.preferred_nodes, task.constraints.tolerations
    whole = sum(wish.weight for wish in wishes)
    met = sum(wish.weight for wish in wishes if wish.term.matches(node.labels, node.name))
    unwelcome = any(
        taint.effect == "PreferNoSchedule" and not any(one.tolerates(taint) for one in tolerations)
        for taint in node.taints
    )
    return (met / whole if whole else 0.0) - unwelcome


def pod_wishes(world: World, task: Task, node: Node) -> float:
    """The part of its wishes for neighbours that are met there; unwelcome ones count against the node."""
    near = [
        world.tasks[uid]
        for uid, place in world.place.items()
        if uid != task.uid and place.node in world.nodes and place.state in ACTIVE
    ]
    wishes, points = task.constraints.preferred_pods, 0
    for wish in wishes:
        places = [
            world.nodes[world.place[other.uid].node] for other in near if _selects(wish.term, task, other)
        ]
        points += wish.weight if any(_same(wish.term, place, node) for place in places) else 0
    whole = sum(abs(wish.weight) for wish in wishes)
    return points / whole if whole else 0.0


def densities(world: World, task: Task, names: Sequence[str]) -> dict[str, float]:
    """Bin packing: the fuller the better, 0..9 over the candidates that have the resource. Spread: the free part, 0..1."""
    unit = "gpu" if task.request.gpu.devices else "cpu"

    def has(node: Node) -> int:
        return node.gpus if unit == "gpu" else node.cpu_milli

    free = {name: world.room(name).later(unit) for name in names if has(world.nodes[name]) > 0}
    least, most = min(free.values(), default=0), max(free.values(), default=0)
    if "fragmentation" in world.config.plugins:
        return {name: fragmentation.node_points(world, task.request, world.nodes[name]) for name in names}
    density = dict.fromkeys(free, 0.0)
    for name, amount in free.items():
        if _strategy(world, "bin_packing", unit):
            part = (amount - least) / (most - least) if most > least else 0.0
            density[name] += SCORES["density"] * (1 - part)
        if _strategy(world, "spreading", unit):
            density[name] += amount / has(world.nodes[name])
    return density


def _strategy(world: World, plugin: str, unit: str) -> bool:
    return plugin in world.config.plugins and bool(options_of(world, plugin).get(unit, True))


def place_on(world: World, task: Task, node: Node, how: Fit, *, promise_only: bool) -> None:
    """Put the task there: allocated when it fits now, else promised. Back on the place it was evicted from, it just stays."""
    before, devices = world.place[task.uid], world.room(node.name).devices
    own = [name for name in before.groups if before.node == node.name and not _stays(devices[name])]
    fresh = iter([*own, *(name for number in range(99) if (name := f"{task.uid}-{number}") not in devices)])
    groups = [next(fresh) if name == NEW_DEVICE else name for name in how.groups]
    was = before.was
    if was is not None and was.node == node.name and set(was.groups) == set(groups):
        world.put(task.uid, was)
        return
    now = how.now and not promise_only
    world.put(task.uid, Place(S.ALLOCATED if now else S.PIPELINED, node.name, tuple(groups)))


def _stays(device: Device) -> bool:
    """Whether somebody stays on that device; if not, who leaves it may also come back to it."""
    return device.held + device.promised > 0
