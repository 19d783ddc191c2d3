"""Which tasks of a gang are tried, which are taken, and in which order."""

from collections.abc import Callable, Iterable

from scheduling.engine.model.gangs import Gang, PodSet
from scheduling.engine.model.tasks import ACTIVE, ALIVE, ON_NODE, Task, TaskState
from tests.engine.reference.world import World

S = TaskState


def pod_sets(gang: Gang) -> tuple[PodSet, ...]:
    return gang.tree().all_pod_sets()


def members(gang: Gang, pod_set: PodSet) -> list[Task]:
    return [task for task in gang.tasks if task.pod_set == pod_set.name]


def task_key(task: Task) -> tuple[bool, bool, int, float, str]:
    """Leaders, then higher task priority (those that have one first), then older, then name."""
    return (not task.leader, task.priority is None, -(task.priority or 0), task.created_at, task.uid)


def count(world: World, tasks: Iterable[Task], states: frozenset[TaskState]) -> int:
    return sum(world.state(task.uid) in states for task in tasks)


def is_ready(world: World, gang: Gang) -> bool:
    """Enough tasks exist for every minimum."""
    return all(count(world, members(gang, one), ALIVE) >= one.min_available for one in pod_sets(gang))


def may_be_placed(world: World, task: Task, revivable: frozenset[str]) -> bool:
    """Waiting, or evicted by the simulation that asks (`revivable`)."""
    state = world.state(task.uid)
    return state is S.PENDING or (state is S.RELEASING and task.uid in revivable)


def pod_set_key(world: World, gang: Gang, pod_set: PodSet) -> tuple[bool, float, str]:
    """Below the minimum first, then the one with the smaller part of its minimum, then name."""
    active = count(world, members(gang, pod_set), ACTIVE)
    minimum = pod_set.min_available
    return (active >= minimum, active / minimum if minimum else float(active), pod_set.name)


def tasks_to_place(
    world: World,
    gang: Gang,
    *,
    revivable: frozenset[str] = frozenset(),
    only: frozenset[str] | None = None,
) -> list[Task]:
    """All that is missing to the minimums together; if nothing is missing, one more task. `only` limits the choice."""
    waiting = {
        one.name: sorted(
            (
                task
                for task in members(gang, one)
                if may_be_placed(world, task, revivable) and (only is None or task.uid in only)
            ),
            key=task_key,
        )
        for one in pod_sets(gang)
    }
    ordered = sorted(pod_sets(gang), key=lambda one: pod_set_key(world, gang, one))
    if only is not None:
        return [task for one in ordered for task in waiting[one.name]]
    missing = []
    for one in ordered:
        lacking = one.min_available - count(world, members(gang, one), ACTIVE)
        if lacking > 0:
            missing += waiting[one.name][:lacking]
    if missing or any(count(world, members(gang, one), ACTIVE) < one.min_available for one in pod_sets(gang)):
        return missing
    return next(([waiting[one.name][0]] for one in ordered if waiting[one.name]), [])


def elastic_rank(world: World, gang: Gang, taken: Callable[[Task], bool] = lambda _: False) -> int:
    """0 below a minimum, 1 exactly at all, 2 above one; `taken` tasks count as gone."""
    gaps = [
        sum(world.state(task.uid) in ACTIVE and not taken(task) for task in members(gang, one))
        - one.min_available
        for one in pod_sets(gang)
    ]
    if any(gap < 0 for gap in gaps):
        return 0
    return 2 if any(gap > 0 for gap in gaps) else 1


def next_victim_unit(world: World, gang: Gang, taken: set[str]) -> list[Task]:
    """The tasks a gang loses next, last started first: one above a minimum, else all."""
    left = {
        one.name: [
            task
            for task in sorted(members(gang, one), key=task_key, reverse=True)
            if world.state(task.uid) in ACTIVE and task.uid not in taken
        ]
        for one in pod_sets(gang)
    }

    def fullness(one: PodSet) -> tuple[float, str]:
        return (len(left[one.name]) / max(1, one.min_available), one.name)

    above = [one for one in pod_sets(gang) if len(left[one.name]) > one.min_available]
    if above:
        return [left[max(above, key=fullness).name][0]]
    return [task for one in pod_sets(gang) for task in reversed(left[one.name])]


def is_stale(world: World, gang: Gang) -> bool:
    """Runs with fewer tasks than a minimum, and none has succeeded."""
    if any(world.state(task.uid) is S.SUCCEEDED for task in gang.tasks):
        return False
    if not count(world, gang.tasks, ACTIVE):
        return False
    return any(count(world, members(gang, one), ON_NODE) < one.min_available for one in pod_sets(gang))
