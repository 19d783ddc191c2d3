"""What is possible at all in a small world of whole GPUs, found by trying everything. Nothing of the engine or the reference is used.

Worlds are plain: no shared devices, no topology, no pod affinity; gangs of one pod set.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, combinations

from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import Bounds, Resources
from scheduling.engine.model.tasks import Task, TaskState
from tests.engine.laws.worlds import World

S = TaskState
Amounts = tuple[int, int, int]
HELD = {S.ALLOCATED, S.PIPELINED, S.BINDING, S.BOUND, S.RUNNING}


def amounts_of(task: Task) -> Amounts:
    """GPUs in thousandths, CPU in thousandths, bytes."""
    request = task.request
    return (request.gpu.devices * 1000, request.cpu_milli, request.memory_bytes)


def added(*parts: Amounts) -> Amounts:
    gpu, cpu, memory = (sum(part[unit] for part in parts) for unit in range(3))
    return (gpu, cpu, memory)


def may_run(task: Task, node: Node) -> bool:
    """Readiness, cordon, taints and labels."""
    wanted = task.constraints
    hard = [taint for taint in node.taints if taint.effect != "PreferNoSchedule"]
    return (
        node.ready
        and not node.cordoned
        and all(any(one.tolerates(taint) for one in wanted.tolerations) for taint in hard)
        and all(node.labels.get(key) == value for key, value in wanted.node_selector)
        and (not wanted.node_terms or any(term.matches(node.labels, node.name) for term in wanted.node_terms))
    )


def rooms(world: World, gone: frozenset[str] = frozenset()) -> dict[str, list[int]]:
    """Per node what will be free once those who leave have left: GPUs, CPU, memory, pods, network cards."""
    free = {
        node.name: [
            node.gpus - node.foreign.gpus,
            node.cpu_milli - node.foreign.cpu_milli,
            node.memory_bytes - node.foreign.memory_bytes,
            node.max_pods - node.foreign.pods,
            node.extended.get("nic", 0),
        ]
        for node in world.nodes
    }
    for gang in world.gangs:
        for task in gang.tasks:
            if task.state in HELD and task.uid not in gone and task.node in free:
                room = free[task.node]
                room[:] = [have - need for have, need in zip(room, _needs(task), strict=True)]
    return free


def _needs(task: Task) -> list[int]:
    request = task.request
    return [
        request.gpu.devices,
        request.cpu_milli,
        request.memory_bytes,
        1,
        dict(request.extended).get("nic", 0),
    ]


def can_be_placed(tasks: Sequence[Task], world: World, free: dict[str, list[int]]) -> bool:
    """Whether all of them find places together, by trying every node for every task."""
    if not tasks:
        return True
    first, rest = tasks[0], tasks[1:]
    needs = _needs(first)
    for node in world.nodes:
        room = free[node.name]
        if may_run(first, node) and all(
            not need or need <= have for need, have in zip(needs, room, strict=True)
        ):
            left = {**free, node.name: [have - need for have, need in zip(room, needs, strict=True)]}
            if can_be_placed(rest, world, left):
                return True
    return False


def needed(gang: Gang) -> list[Task]:
    """The tasks that have to start together."""
    (pod_set,) = gang.tree().all_pod_sets()
    return [task for task in gang.tasks if task.state is S.PENDING][: pod_set.min_available]


def path(world: World, queue: str) -> list[Queue]:
    """The queue and those above it."""
    known = {one.name: one for one in world.queues}
    found = []
    while queue in known:
        found.append(known[queue])
        queue = known[queue].parent
    return found


def held(world: World, queue: str, gone: frozenset[str] = frozenset(), *, firm: bool = False) -> Amounts:
    """What runs below a queue; `firm`: of that what may not be interrupted."""
    tasks = (
        task
        for gang in world.gangs
        if any(level.name == queue for level in path(world, gang.queue))
        and not (firm and gang.is_preemptible)
        for task in gang.tasks
    )
    return added((0, 0, 0), *(amounts_of(one) for one in tasks if one.state in HELD and one.uid not in gone))


def is_allowed(world: World, gang: Gang, tasks: Sequence[Task], gone: frozenset[str] = frozenset()) -> bool:
    """Limits and, for the non-preemptible, quotas, at every level, for what is asked for."""
    asked = added((0, 0, 0), *map(amounts_of, tasks))
    return all(
        _keeps(added(held(world, level.name, gone), asked), asked, level.effective_limit())
        and (
            gang.is_preemptible
            or _keeps(added(held(world, level.name, gone, firm=True), asked), asked, level.deserved)
        )
        for level in path(world, gang.queue)
    )


def _keeps(after: Amounts, asked: Amounts, bounds: Bounds) -> bool:
    return all(
        not amount or top is None or total <= top
        for total, amount, top in zip(after, asked, bounds, strict=True)
    )


def groups_of(gangs: Sequence[Gang]) -> Iterator[tuple[Gang, ...]]:
    """Every set of them but the empty one."""
    return chain.from_iterable(combinations(gangs, count) for count in range(1, len(gangs) + 1))


def tasks_held(gangs: Sequence[Gang]) -> frozenset[str]:
    return frozenset(task.uid for gang in gangs for task in gang.tasks if task.state in HELD)


# -- reclaim, by the words of the rule ---------------------------------------------------------------------------


def may_reclaim(
    world: World,
    shares: dict[str, Resources],
    gang: Gang,
    asked: Amounts,
    units: Sequence[tuple[str, Amounts]],
) -> bool:
    """Whether these units (leaf queue, amounts; in the order they go) may be taken for the gang."""
    leaf = path(world, gang.queue)[0]
    if not _within(added(held(world, leaf.name), asked), tuple(shares[leaf.name])):
        return False
    left = {one.name: held(world, one.name) for one in world.queues}
    touched: dict[str, set[int]] = {}
    for queue, amounts in units:
        mine, theirs = _meeting(world, gang.queue, queue)
        line = _line(theirs, shares[theirs.name])
        over_line = not _within(left[theirs.name], line)
        keeps_quota = _within(added(held(world, mine.name), asked), mine.deserved)
        over_quota = not _within(left[theirs.name], theirs.deserved)
        if not over_line and not (keeps_quota and over_quota):
            return False
        for level in path(world, queue):
            have = left[level.name]
            left[level.name] = (have[0] - amounts[0], have[1] - amounts[1], have[2] - amounts[2])
            touched.setdefault(level.name, set()).update(unit for unit in range(3) if amounts[unit])
    return all(
        not _fuller(
            world, shares, level, name, added(left[level.name], asked), left[name], units_of | _asked(asked)
        )
        for level in path(world, gang.queue)
        for name, units_of in touched.items()
    )


def _fuller(
    world: World,
    shares: dict[str, Resources],
    level: Queue,
    name: str,
    mine: Amounts,
    theirs: Amounts,
    units: set[int],
) -> bool:
    """Whether the taker's level ends above its share and no less full than a sibling that lost something."""
    sibling = next(one for one in world.queues if one.name == name)
    if name == level.name or sibling.parent != level.parent:
        return False
    for unit in units:
        own, other = shares[level.name][unit], shares[name][unit]
        if other and mine[unit] > own and (own == 0 or mine[unit] * other >= theirs[unit] * own):
            return True
    return False


def _asked(asked: Amounts) -> set[int]:
    return {unit for unit in range(3) if asked[unit]}


def _within(amounts: Amounts, bounds: Sequence[int | None]) -> bool:
    return all(top is None or amount <= top for amount, top in zip(amounts, bounds, strict=True))


def _line(queue: Queue, share: Resources) -> list[int | None]:
    """The larger of quota and share, capped by the limit; the limit where the quota is unlimited."""
    line: list[int | None] = []
    for deserved, limit, part in zip(queue.deserved, queue.effective_limit(), share, strict=True):
        top = None if deserved is None else max(deserved, part)
        line.append(limit if top is None else top if limit is None else min(top, limit))
    return line


def _meeting(world: World, one: str, other: str) -> tuple[Queue, Queue]:
    """The two queues just below the lowest common ancestor."""
    pairs = zip(reversed(path(world, one)), reversed(path(world, other)), strict=False)
    return next(pair for pair in pairs if pair[0].name != pair[1].name)
