"""A snapshot with one thing changed: for asking what would have been. Everything else is shared with the original."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from scheduling.engine.model.following import following
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import Resources
from scheduling.engine.model.shapes import Shape
from scheduling.engine.model.snapshot import NOWHERE, ClusterSnapshot
from scheduling.engine.model.tasks import Task, TaskState

T = TypeVar("T")


def with_queue(snapshot: ClusterSnapshot, queue: Queue) -> ClusterSnapshot:
    """The same world with another queue of that name and parent."""
    queues = snapshot.queues.copy()
    queues[snapshot.queue_index[queue.name]] = queue
    return replace(snapshot, queues=queues)


def with_gang(snapshot: ClusterSnapshot, number: int, gang: Gang, tasks: Sequence[Task]) -> ClusterSnapshot:
    """The same world with another waiting gang in place of that number; it may have fewer tasks, never more.

    Tasks beyond the new ones stay as deleted, so that nobody else's index moves.
    """
    first, end = snapshot.gang_first[number], snapshot.gang_first[number + 1]
    gone = [replace(task, state=TaskState.DELETED) for task in snapshot.tasks[first + len(tasks) : end]]
    gang = replace(gang, tasks=[*tasks, *gone])
    changed = replace(
        snapshot,
        gangs=_put(snapshot.gangs, number, [gang]),
        tasks=_put(snapshot.tasks, first, gang.tasks),
        task_state=_put(snapshot.task_state, first, [task.state for task in gang.tasks]),
        task_shape=snapshot.task_shape.copy(),
        shapes=snapshot.shapes.copy(),
    )
    for index, task in enumerate(tasks, start=first):
        changed.task_shape[index] = _shape_of(changed, snapshot.shapes[snapshot.task_shape[index]], task)
    _count_request(snapshot, changed, number)
    return changed


def with_newcomer(snapshot: ClusterSnapshot, gang: Gang) -> ClusterSnapshot:
    """The same world with one more gang."""
    return following(
        snapshot,
        nodes=snapshot.nodes,
        queues=snapshot.queues,
        gangs=[*snapshot.gangs, gang],
        topologies=snapshot.topologies.values(),
        history=snapshot.history,
        demand=snapshot.demand,
        pool=snapshot.pool,
    )


def _put(values: list[T], start: int, new: Sequence[T]) -> list[T]:
    copied = values.copy()
    copied[start : start + len(new)] = new
    return copied


def _shape_of(changed: ClusterSnapshot, before: Shape, task: Task) -> int:
    shape = replace(before, request=task.request, constraints=task.constraints)
    if shape in changed.shapes:
        return changed.shapes.index(shape)
    changed.shapes.append(shape)
    return len(changed.shapes) - 1


def _count_request(before: ClusterSnapshot, after: ClusterSnapshot, number: int) -> None:
    """Move the queues' requests by what the gang now asks for more or less."""
    queue = before.gang_queue[number]
    change = [0, 0, 0]
    for index in before.tasks_of(number):
        for snapshot, sign in ((before, -1), (after, 1)):
            if snapshot.task_state[index] is TaskState.PENDING:
                for unit, amount in enumerate(snapshot.charge_of(snapshot.tasks[index])):
                    change[unit] += sign * amount
    after.queue_sums = after.queue_sums.copy()
    while queue != NOWHERE:
        sums = after.queue_sums[queue] = after.queue_sums[queue].copy()
        sums.charge(1, Resources(*change), 1)
        queue = before.queue_parent[queue]
