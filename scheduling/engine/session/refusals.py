"""Why each waiting gang waits: one dominant reason with its numbers, and what stands in the way on how many nodes."""

from collections import Counter

from scheduling.engine.model.nodes import Node
from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.plan import Reason, Refusal
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import asked_by, is_ready, tasks_to_start
from scheduling.engine.session.placement import ShapePlacement


def refuse_waiting(session: Session) -> dict[str, Refusal]:
    """Per gang with pending tasks after the actions. Gangs of equal shape and queue share their refusal but for `ahead`."""
    snapshot, states = session.snapshot, session.state.states
    pending, promised = TaskState.PENDING, TaskState.PIPELINED
    waiting: dict[int, list[int]] = {}
    for task in [task for task, state in enumerate(states) if state is pending or state is promised]:
        waiting.setdefault(snapshot.task_gang[task], []).append(task)
    ahead: Counter[int] = Counter()
    known: dict[tuple[object, ...], Refusal] = {}
    refusals: dict[str, Refusal] = {}
    for gang in sorted(waiting, key=session.gang_key):
        if all(states[task] is TaskState.PIPELINED for task in waiting[gang]) and _is_moved(
            session, waiting[gang]
        ):
            continue
        queue = snapshot.gang_queue[gang]
        key = _likeness(session, gang, waiting[gang])
        if key not in known:
            known[key] = refuse(session, gang)
        refusals[snapshot.gangs[gang].uid] = _with_place(known[key], ahead[queue])
        ahead[queue] += 1
    return refusals


def _is_moved(session: Session, tasks: list[int]) -> bool:
    return all(session.state.initial_position(task).state is not TaskState.PENDING for task in tasks)


def _likeness(session: Session, gang: int, tasks: list[int]) -> tuple[object, ...]:
    """Gangs with equal keys wait for the same reason."""
    snapshot = session.snapshot
    states = session.state.states
    members = session.gang_tasks(gang)
    if members.is_constrained or snapshot.gangs[gang].bind_retry_at is not None:
        return (gang,)
    if any(plugin.judges_gangs for plugin in session.plugins):
        return (gang,)
    return (
        snapshot.gang_queue[gang],
        session.state.is_preemptible(gang),
        tuple(sorted((snapshot.task_shape[task], states[task]) for task in tasks)),
        tuple((one.minimum, len(one.tasks)) for one in members.pod_sets),
        session.asked(gang),
    )


def _with_place(refusal: Refusal, ahead: int) -> Refusal:
    return Refusal(
        refusal.reason,
        refusal.message,
        refusal.numbers,
        refusal.tally,
        refusal.queue,
        ahead,
        refusal.counterfactual,
    )


def refuse(session: Session, gang: int) -> Refusal:
    """The dominant reason for one gang, as things stand after the actions."""
    snapshot = session.snapshot
    one = snapshot.gangs[gang]
    if snapshot.gang_queue[gang] == NOWHERE:
        return Refusal(
            Reason.QUEUE_NOT_FOUND,
            f"There is no queue {one.queue} for workloads in node pool {snapshot.pool}.",
        )
    if any(session.state.states[task] is TaskState.PIPELINED for task in snapshot.tasks_of(gang)):
        return Refusal(
            Reason.WAITING_FOR_RELEASE, "Its place is found; it starts when those who leave have left."
        )
    if one.bind_retry_at is not None and one.bind_retry_at > session.now:
        return Refusal(
            Reason.BIND_BACK_OFF,
            f"Binding failed; the next attempt is in {one.bind_retry_at - session.now:.0f} s.",
            numbers={"seconds": int(one.bind_retry_at - session.now)},
        )
    if not is_ready(session, session.gang_tasks(gang)):
        return _not_ready(session, gang)
    tasks = tasks_to_start(session, gang)
    asked = asked_by(session, tasks)
    refusal = session.may_start(gang, asked)
    if refusal is not None:
        return refusal
    refusal = _no_room(session, gang, tasks)
    if refusal.reason is Reason.NO_ROOM and "reclaim" in session.config.actions:
        share = session.may_take("reclaim", gang, asked)
        if share is not None and share.reason is Reason.BEHIND_OTHERS:
            return _behind_others(refusal, share)
    return refusal


def _behind_others(room: Refusal, share: Refusal) -> Refusal:
    """Nothing is free, and its queue has what it is entitled to: others go first."""
    return Refusal(
        share.reason,
        f"{room.message} {share.message}",
        {**room.numbers, **share.numbers},
        room.tally,
        share.queue,
    )


def _not_ready(session: Session, gang: int) -> Refusal:
    short = [
        (one.name, sum(session.state.states[task] in {0, 2, 3, 4, 5, 6} for task in one.tasks), one.minimum)
        for one in session.gang_tasks(gang).pod_sets
    ]
    name, present, minimum = next(row for row in short if row[1] < row[2])
    return Refusal(
        Reason.NOT_READY,
        f"{present} of at least {minimum} pods exist" + ("" if name == "default" else f" in {name}") + ".",
        numbers={"present": present, "minimum": minimum},
    )


def _no_room(session: Session, gang: int, tasks: list[int]) -> Refusal:
    """Nodes judged one by one for the largest task, and how many of the tasks would find a place."""
    placements = {session.snapshot.task_shape[task]: session.placement_of(task) for task in tasks}
    for placement in placements.values():
        placement.refresh()
    largest = max(
        placements.values(), key=lambda placement: (placement.fitting.devices, placement.fitting.cpu)
    )
    example = next(task for task in tasks if session.placement_of(task) is largest)
    objections = _objections(session, largest, example)
    tally = _tally(session, largest, objections)
    free, hole = _free_devices(session, largest)
    numbers = {
        "asked_devices": largest.fitting.devices,
        "tasks": len(tasks),
        "placeable": min(len(tasks), largest.total_slots),
        "free_devices": free,
        "largest_hole": hole,
    }
    reason, sentence = _judge(session, gang, largest, len(tasks), free, hole)
    closed = sum(largest.slots_on(node) for node in objections)
    if objections and reason in {Reason.POD_AFFINITY, Reason.GANG_NOT_WHOLE, Reason.TOPOLOGY}:
        (told, words), _ = Counter(objections.values()).most_common(1)[0]
        if told is not Reason.POD_AFFINITY and largest.total_slots - closed < len(tasks):
            reason, sentence = told, f"There is room, but: {words}."
    nodes = len(session.snapshot.nodes)
    detail = ", ".join(f"{count} {what}" for what, count in tally.items())
    return Refusal(
        reason, f"{sentence} {nodes} nodes: {detail}." if nodes else sentence, numbers=numbers, tally=tally
    )


def _judge(
    session: Session, gang: int, largest: ShapePlacement, tasks: int, free: int, hole: int
) -> tuple[Reason, str]:
    snapshot, fitting = session.snapshot, largest.fitting
    candidates = [node for node, obstacle in enumerate(largest.obstacles) if obstacle is None]
    what = f"{fitting.devices} GPUs on one node" if fitting.devices != 1 else "1 GPU"
    if not any(fitting.slots(Occupancy(snapshot.nodes[node])) for node in range(len(snapshot.nodes))):
        most = max((node.gpus for node in snapshot.nodes), default=0)
        return Reason.NEVER_FITS, f"Never fits: needs {what}; the largest node has {most}."
    if not candidates:
        return Reason.NODES_EXCLUDED, "No node of the pool may take it."
    if not any(fitting.slots(Occupancy(snapshot.nodes[node])) for node in candidates):
        return Reason.NEVER_FITS, f"Never fits: no node it may run on could give {what}."
    if session.gang_tasks(gang).is_constrained and largest.total_slots >= tasks:
        return Reason.TOPOLOGY, "There is room, but not inside one domain of the required topology level."
    if 0 < largest.total_slots < tasks:
        return (
            Reason.GANG_NOT_WHOLE,
            f"{largest.total_slots} of {tasks} pods would find room; none starts until all do.",
        )
    if largest.total_slots >= tasks:
        return (
            Reason.POD_AFFINITY,
            "There is room, but not where its pod affinity or the rest of the gang allows.",
        )
    if fitting.shared and fitting.gpu.memory_mib:
        return Reason.DEVICE_MEMORY, f"No device has {fitting.gpu.memory_mib} MiB of memory free."
    if fitting.devices > 1 and free >= fitting.devices:
        return (
            Reason.FRAGMENTED,
            f"Needs {what}; {free} are free in all, but the most on one node is {hole}.",
        )
    return (
        Reason.NO_ROOM,
        f"Needs {what}; {free} are free." if fitting.devices else "Not enough CPU or memory is free.",
    )


def _free_devices(session: Session, placement: ShapePlacement) -> tuple[int, int]:
    """Whole devices free on nodes the shape may use: in all, and the most on one node."""
    free = [
        max(0, session.state.occupancy[node].idle_gpus)
        for node, obstacle in enumerate(placement.obstacles)
        if obstacle is None
    ]
    return sum(free), max(free, default=0)


Objections = dict[int, tuple[Reason, str]]


def _objections(session: Session, placement: ShapePlacement, task: int) -> Objections:
    """Nodes that have room for such a task but may not take it as others stand now, and why."""
    if not placement.is_checked_in_place:
        return {}
    open_nodes = [
        node
        for node, obstacle in enumerate(placement.obstacles)
        if obstacle is None and placement.slots_on(node) > 0
    ]
    answers = ((node, session.objection(task, node)) for node in open_nodes)
    return {node: answer for node, answer in answers if answer is not None}


def _tally(session: Session, placement: ShapePlacement, objections: Objections) -> dict[str, int]:
    """Nodes per obstacle, most frequent first."""
    counts = Counter(
        obstacle
        or (objections[node][1] if node in objections else None)
        or _shortage(placement, session.state.occupancy[node], session.snapshot.nodes[node])
        for node, obstacle in enumerate(placement.obstacles)
    )
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _shortage(placement: ShapePlacement, free: Occupancy, node: Node) -> str:
    fitting = placement.fitting
    if fitting.slots(free):
        return "with room"
    if fitting.devices and not node.gpus:
        return "without GPUs"
    if fitting.shared:
        if not fitting.shared_slots(free):
            return "without a device with enough free memory"
    elif free.idle_gpus + free.releasing_gpus < fitting.devices:
        return "with no free GPU" if free.idle_gpus + free.releasing_gpus <= 0 else "with too few free GPUs"
    if free.idle_cpu + free.releasing_cpu < fitting.cpu:
        return "with too little CPU"
    if free.idle_memory + free.releasing_memory < fitting.memory:
        return "with too little memory"
    if free.idle_pods + free.releasing_pods <= 0:
        return "with no pod slot"
    return "without an extended resource"
