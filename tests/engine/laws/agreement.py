"""Whether two engines decide alike, told as differences between their plans."""

from collections.abc import Callable, Sequence

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import Task
from scheduling.engine.plan import Bind, Nomination, Plan
from tests.engine.laws.worlds import NOW, World

Engine = Callable[[ClusterSnapshot, SchedulerConfig, float], Plan]


def plan_differences(world: World, one: Engine, other: Engine) -> list[str]:
    """What the first engine decides otherwise than the second."""
    first, second = (engine(world.snapshot(), world.config, NOW) for engine in (one, other))
    return (
        _differences("bind", _places(world, first, first.binds), _places(world, second, second.binds))
        + _differences(
            "nomination",
            _places(world, first, first.nominations),
            _places(world, second, second.nominations),
        )
        + _differences("eviction", {e.task for e in first.evictions}, {e.task for e in second.evictions})
        + _differences("eviction with cause", _causes(first), _causes(second))
        + _differences("start", set(first.started), set(second.started))
        + _differences("stale gang", set(first.stale), set(second.stale))
        + _differences(
            "share",
            set(first.shares.items()),
            set(second.shares.items()),
        )
    )


def _causes(plan: Plan) -> set[tuple[str, str, str]]:
    return {(eviction.task, eviction.action, eviction.beneficiary) for eviction in plan.evictions}


def _places(world: World, plan: Plan, decisions: Sequence[Bind | Nomination]) -> set[tuple[str, str, str]]:
    """Task, node and devices. A new device is told by who shares it in this plan: its name means nothing."""
    known = {name for gang in world.gangs for task in gang.tasks for name in task.gpu_groups}
    users: dict[str, list[str]] = {}
    every: list[Bind | Nomination] = [*plan.binds, *plan.nominations]
    for one in every:
        for name in one.gpu_groups:
            users.setdefault(name, []).append(one.task)
    return {
        (one.task, one.node, str(sorted(_device(name, known, users[name]) for name in one.gpu_groups)))
        for one in decisions
    }


def _device(name: str, known: set[str], users: list[str]) -> str:
    return name if name in known else f"new with {sorted(users)}"


def _differences(what: str, first: set, second: set) -> list[str]:  # type: ignore[type-arg]
    return [f"only the first has {what} {_told(one)}" for one in sorted(first - second, key=str)] + [
        f"only the second has {what} {_told(one)}" for one in sorted(second - first, key=str)
    ]


def _told(one: object) -> str:
    return " ".join(str(part) for part in one if part) if isinstance(one, tuple) else str(one)


def describe(world: World) -> str:
    """The world in lines, for a report."""
    lines = [
        f"node {n.name}: {n.gpus} gpus of {n.gpu_memory_mib} MiB, {n.cpu_milli} m, {n.memory_bytes} B, pods {n.max_pods}, "
        f"{dict(n.labels)} {n.taints} ready={n.ready} cordoned={n.cordoned} {n.extended} {n.foreign}"
        for n in world.nodes
    ]
    lines += [
        f"queue {q.name} in {q.parent or '-'}: deserved {tuple(q.deserved)} limit {tuple(q.effective_limit())} weights {(q.weights.gpu, q.weights.cpu)}"
        f" rank {q.rank} created {q.created_at - NOW:.0f} runtime {q.reclaim_min_runtime}"
        for q in world.queues
    ]
    for gang in world.gangs:
        lines.append(
            f"gang {gang.uid} in {gang.queue}: priority {gang.priority} preemptible {gang.is_preemptible} created {gang.created_at - NOW:.0f}"
            f" start {gang.last_start and gang.last_start - NOW} stale {gang.stale_since and gang.stale_since - NOW} {gang.tree()}"
        )
        lines += [f"    {_task(task)}" for task in gang.tasks]
    return "\n".join([*lines, *map(str, world.history.queues.items()), str(world.config)])


def _task(task: Task) -> str:
    r = task.request
    return (
        f"{task.uid} {task.state.name} {task.node} {task.gpu_groups} {task.pod_set} gpu {tuple(r.gpu)} cpu {r.cpu_milli} "
        f"mem {r.memory_bytes} {r.extended} prio {task.priority} {'leader' if task.leader else ''} {task.constraints if task.constraints.__class__ and task.constraints != type(task.constraints)() else ''} {task.labels or ''}"
    )
