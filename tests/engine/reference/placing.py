"""Placing the tasks of one attempt of a gang: all of them, or nothing changes."""

from collections.abc import Sequence

from scheduling.engine.model.gangs import Gang, PodSet, SubGroup
from scheduling.engine.model.tasks import ACTIVE, Task, TaskState
from tests.engine.reference.gangs import count, members, pod_sets, task_key
from tests.engine.reference.nodes import fit, may_run_on, place_on, ranked_nodes
from tests.engine.reference.orders import Bounds, fits
from tests.engine.reference.topology import Bonus, node_sets
from tests.engine.reference.world import NONE, Place, Vector, World, plus

S = TaskState


def place_gang(world: World, gang: Gang, tasks: Sequence[Task], *, promise_only: bool) -> bool:
    """Place all of `tasks`, or leave the world as it was."""
    if not tasks or not within_capacity(world, gang, total_charge(world, tasks)):
        return False
    mark = world.mark()
    if _place_group(world, gang, gang.tree(), tasks, sorted(world.nodes), {}, promise_only=promise_only):
        return True
    world.undo(mark)
    return False


def total_charge(world: World, tasks: Sequence[Task]) -> Vector:
    total = NONE
    for task in tasks:
        total = plus(total, world.charge(task.uid))
    return total


def within_capacity(world: World, gang: Gang, request: Vector) -> bool:
    """Limits of the queue and all above it, and for non-preemptible gangs the quotas."""
    if "fair_share" not in world.config.plugins:
        return True
    for name in world.path(gang.queue):
        if not _keeps(world.allocated(name), request, world.queues[name].effective_limit()):
            return False
    return within_quotas(world, gang, request)


def within_quotas(world: World, gang: Gang, request: Vector) -> bool:
    """What may not be taken back must be deserved, at every level."""
    return gang.is_preemptible or all(
        _keeps(world.allocated(name, firm_only=True), request, world.queues[name].deserved)
        for name in world.path(gang.queue)
    )


def _keeps(used: Vector, request: Vector, bounds: Bounds) -> bool:
    """Only what is asked for is checked."""
    asked = tuple(bound if amount else None for amount, bound in zip(request, bounds, strict=True))
    return fits(plus(used, request), (asked[0], asked[1], asked[2]))


def _place_group(
    world: World,
    gang: Gang,
    group: SubGroup,
    tasks: Sequence[Task],
    names: Sequence[str],
    bonus: Bonus,
    *,
    promise_only: bool,
) -> bool:
    """Groups first, then pod sets, each inside one of the node sets its topology constraint allows."""
    inside = {one.name for one in group.all_pod_sets()}
    mine = [task for task in tasks if task.pod_set in inside]
    if not mine:
        return True
    for node_set, scores in node_sets(world, gang, group.topology, group.all_pod_sets(), mine, names, bonus):
        mark = world.mark()
        if all(
            _place_group(world, gang, child, mine, node_set, scores, promise_only=promise_only)
            for child in sorted(group.groups, key=lambda child: child.name)
        ) and all(
            _place_pod_set(world, gang, one, mine, node_set, scores, promise_only=promise_only)
            for one in _ordered(world, gang, group.pod_sets)
        ):
            return True
        world.undo(mark)
    return False


def _ordered(world: World, gang: Gang, sets: Sequence[PodSet]) -> list[PodSet]:
    def key(one: PodSet) -> tuple[bool, float, str]:
        active = count(world, members(gang, one), ACTIVE)
        return (
            active >= one.min_available,
            active / one.min_available if one.min_available else float(active),
            one.name,
        )

    return sorted(sets, key=key)


def _place_pod_set(
    world: World,
    gang: Gang,
    pod_set: PodSet,
    tasks: Sequence[Task],
    names: Sequence[str],
    bonus: Bonus,
    *,
    promise_only: bool,
) -> bool:
    mine = sorted((task for task in tasks if task.pod_set == pod_set.name), key=task_key)
    if not mine:
        return True
    for node_set, scores in node_sets(world, gang, pod_set.topology, (pod_set,), mine, names, bonus):
        mark = world.mark()
        if all(place_task(world, gang, task, node_set, scores, promise_only=promise_only) for task in mine):
            return True
        world.undo(mark)
    return False


def place_task(
    world: World,
    gang: Gang,
    task: Task,
    names: Sequence[str],
    bonus: Bonus,
    *,
    promise_only: bool,
) -> bool:
    """The first node by score on which it fits, now or later."""
    for name in ranked_nodes(world, task, names, bonus):
        node = world.nodes[name]
        if not may_run_on(world, task, node) or not within_capacity(
            world, gang, world.charge(task.uid, name)
        ):
            continue
        how = fit(world, task, node)
        if how is not None:
            place_on(world, task, node, how, promise_only=promise_only)
            return True
    return False


def promise_whole_gang(world: World, gang: Gang) -> bool:
    """When part of a minimum waits for a release, nothing of the gang starts yet. True when that was so."""
    for one in pod_sets(gang):
        states = [world.state(task.uid) for task in members(gang, one)]
        started = sum(state in ACTIVE and state is not S.PIPELINED for state in states)
        if S.PIPELINED in states and started < one.min_available:
            break
    else:
        return False
    for task in gang.tasks:
        place = world.place[task.uid]
        if place.state is S.ALLOCATED:
            world.put(task.uid, Place(S.PIPELINED, place.node, place.groups))
    return True
