"""What becomes of a world when plans are carried out, cycle after cycle."""

from collections.abc import Callable
from dataclasses import replace

from scheduling.engine.model.tasks import Task, TaskState
from scheduling.engine.plan import Plan
from tests.engine.laws.worlds import NOW, World

S = TaskState
Decide = Callable[[World], Plan]


def applied(world: World, plan: Plan, *, evicted_are_gone: bool, nominated_are_there: bool) -> World:
    """The world with the plan carried out: bound tasks run; evicted ones are leaving, or gone and waiting again."""
    binds = {bind.task: bind for bind in plan.binds}
    nominations = {one.task: one for one in plan.nominations}
    evicted = {one.task for one in plan.evictions}

    def after(task: Task) -> Task:
        if task.uid in binds:
            bind = binds[task.uid]
            return replace(task, state=S.RUNNING, node=bind.node, gpu_groups=bind.gpu_groups)
        if nominated_are_there and task.uid in nominations:
            place = nominations[task.uid]
            return replace(task, state=S.RUNNING, node=place.node, gpu_groups=place.gpu_groups)
        if task.uid in evicted:
            if evicted_are_gone:
                return replace(task, state=S.PENDING, node="", gpu_groups=())
            return replace(task, state=S.RELEASING)
        if evicted_are_gone and nominated_are_there and task.state is S.RELEASING:
            return replace(task, state=S.SUCCEEDED, node="", gpu_groups=())
        return task

    started = set(plan.started)
    return replace(
        world,
        gangs=[
            replace(
                gang,
                tasks=[after(task) for task in gang.tasks],
                last_start=NOW - 60 if gang.uid in started else gang.last_start,
            )
            for gang in world.gangs
        ],
    )


def lived(world: World, rounds: int, decide: Decide) -> list[Plan]:
    """The plans of repeated cycles: bindings run, evicted tasks wait again, promises are forgotten, time stands still."""
    plans = []
    for _ in range(rounds):
        plan = decide(world)
        plans.append(plan)
        world = applied(world, plan, evicted_are_gone=True, nominated_are_there=False)
    return plans
