"""The kinds of change that could let a waiting gang start, each as a snapshot with it, step by step.

In the order they are tried: preemptible instead of not, fewer devices, fewer workers, another pool, more quota or a higher limit at
one level, one constraint dropped.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from scheduling.engine.cycle.constraints_dropped import without_each_constraint
from scheduling.engine.model.changes import with_gang, with_newcomer, with_queue
from scheduling.engine.model.gangs import Gang, SubGroup
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import WHOLE_GPU, Bounds
from scheduling.engine.model.snapshot import NOWHERE, ClusterSnapshot
from scheduling.engine.model.tasks import ON_NODE, TaskState
from scheduling.engine.plan import Reason, Refusal

COULD_TAKE = frozenset({Reason.NO_ROOM, Reason.GANG_NOT_WHOLE, Reason.FRAGMENTED, Reason.BEHIND_OTHERS})
"""Reasons for which a queue that deserved more might take what others hold."""


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of change. `apply(step)` gives the world with it; steps run from 1 to `most`, the smallest first.

    `queue(step)` is the queue as it would be, where that is all that changes: then one cycle answers for every gang.
    """

    kind: str
    most: int
    apply: Callable[[int], ClusterSnapshot]
    say: Callable[[int], str]
    subject: str = ""
    amount: Callable[[int], int] = int
    unit: int = 0
    queue: Callable[[int], Queue] | None = None


def possible_changes(
    refusal: Refusal, number: int, snapshot: ClusterSnapshot, elsewhere: Sequence[ClusterSnapshot] = ()
) -> Iterator[Change]:
    """The changes worth a try for this gang, the least painful kind first."""
    gang = snapshot.gangs[number]
    tasks = gang.tasks
    if not tasks or any(task.state is not TaskState.PENDING for task in tasks):
        return
    if not gang.is_preemptible:
        yield Change(
            "preemptible",
            1,
            lambda _: with_gang(snapshot, number, replace(gang, preemptible=True), tasks),
            lambda _: "It would start if it might be interrupted.",
        )
    yield from _fewer_devices(snapshot, number, gang)
    yield from _fewer_workers(snapshot, number, gang)
    yield from _other_pools(gang, elsewhere)
    yield from _more_quota(refusal, snapshot)
    if refusal.reason in COULD_TAKE:
        yield from _more_to_take_with(snapshot, number)
    for what, freed in without_each_constraint(gang):
        yield Change(
            "without-constraint",
            1,
            lambda _, freed=freed: with_gang(snapshot, number, freed, freed.tasks),  # type: ignore[misc]  # likewise
            lambda _, what=what: f"It would start without its {what}.",  # type: ignore[misc]  # likewise
            subject=what,
        )


def _fewer_devices(snapshot: ClusterSnapshot, number: int, gang: Gang) -> Iterator[Change]:
    """Of each task, for tasks that are all alike and ask for several devices, or for a part of several."""
    request = gang.tasks[0].request
    devices = request.gpu.devices
    if devices < 2 or any(task.request != request for task in gang.tasks):
        return

    def apply(step: int) -> ClusterSnapshot:
        smaller = replace(request, gpu=request.gpu._replace(devices=devices - step))
        return with_gang(snapshot, number, gang, [replace(task, request=smaller) for task in gang.tasks])

    each = " for each pod" if len(gang.tasks) > 1 else ""
    what = "device" if request.gpu.is_shared else "GPU"
    yield Change(
        "fewer-devices",
        devices - 1,
        apply,
        lambda step: (
            f"It would start with {devices - step} {what}{'s' * (devices - step > 1)}{each} instead of {devices}."
        ),
        amount=lambda step: devices - step,
    )


def _fewer_workers(snapshot: ClusterSnapshot, number: int, gang: Gang) -> Iterator[Change]:
    """The last tasks left away and the minimum lowered with them, for gangs of one pod set."""
    pod_sets = gang.tree().all_pod_sets()
    minimum = pod_sets[0].min_available
    if len(pod_sets) != 1 or minimum < 2:
        return

    def apply(step: int) -> ClusterSnapshot:
        tree = SubGroup(
            pod_sets=(replace(pod_sets[0], min_available=minimum - step),), topology=gang.tree().topology
        )
        return with_gang(
            snapshot, number, replace(gang, root=tree), gang.tasks[: max(1, len(gang.tasks) - step)]
        )

    yield Change(
        "fewer-workers",
        minimum - 1,
        apply,
        lambda step: (
            f"It would start with {minimum - step} pod{'s' * (minimum - step > 1)} instead of {minimum}."
        ),
        amount=lambda step: minimum - step,
    )


def _other_pools(gang: Gang, elsewhere: Sequence[ClusterSnapshot]) -> Iterator[Change]:
    """Each pool that it is not offered to anyway, tried with the whole gang added to it; what holds a place stays where it is."""
    if any(task.state in ON_NODE for task in gang.tasks):
        return
    for pool in elsewhere:
        if pool.pool not in gang.pools:
            yield Change(
                "other-pool",
                1,
                lambda _, pool=pool: with_newcomer(pool, gang),  # type: ignore[misc]  # a default argument in a lambda
                lambda _, name=pool.pool: f"It would start in node pool {name}.",  # type: ignore[misc]  # likewise
                subject=pool.pool,
            )


def _more_to_take_with(snapshot: ClusterSnapshot, number: int) -> Iterator[Change]:
    """Whole GPUs more of quota, up to what the gang asks for, at one level: with them it could take from others."""
    tasks = snapshot.tasks_of(number)
    asked = sum(snapshot.charge_of(snapshot.tasks[task]).gpu_milli for task in tasks)
    level = snapshot.gang_queue[number]
    while level != NOWHERE:
        queue = snapshot.queues[level]
        if queue.deserved.gpu_milli is not None and asked:
            yield Change(
                "more-quota",
                -(-asked // WHOLE_GPU),
                lambda step, queue=queue: with_queue(snapshot, _with_gpus(queue, step)),  # type: ignore[misc]  # likewise
                partial(_say_quota, queue),
                subject=queue.name,
                amount=lambda step: step * WHOLE_GPU,
                queue=partial(_with_gpus, queue),
            )
        level = snapshot.queue_parent[level]


def _with_gpus(queue: Queue, more: int) -> Queue:
    deserved = queue.deserved._replace(gpu_milli=(queue.deserved.gpu_milli or 0) + more * WHOLE_GPU)
    return replace(queue, deserved=deserved)


def _say_quota(queue: Queue, more: int) -> str:
    quota = _amount(0, (queue.deserved.gpu_milli or 0) + more * WHOLE_GPU)
    return f"It would start if {queue.name} had a quota of {quota}."


STEPS = (WHOLE_GPU, 1000, 2**30)
"""By how much a bound is raised at a time: a GPU, a core, a GiB."""


def _more_quota(refusal: Refusal, snapshot: ClusterSnapshot) -> Iterator[Change]:
    """Up to what is missing at the level that objected; less may do, as others who are ahead then get less too."""
    is_limit = refusal.reason is Reason.OVER_LIMIT
    if "unit" not in refusal.numbers or not (is_limit or refusal.reason is Reason.OVER_QUOTA_NON_PREEMPTIBLE):
        return
    queue = snapshot.queues[snapshot.queue_index[refusal.queue]]
    unit = refusal.numbers["unit"]
    bound = refusal.numbers["limit" if is_limit else "quota"]
    held = refusal.numbers["allocated" if is_limit else "held_non_preemptible"]
    missing = held + refusal.numbers["asked"] - bound

    def more(step: int) -> int:
        return min(missing, step * STEPS[unit])

    def raised(bounds: Bounds, step: int) -> Bounds:
        amounts = list(bounds)
        amounts[unit] = bound + more(step)
        return Bounds(*amounts)

    def changed(step: int) -> Queue:
        if not is_limit:
            return replace(queue, deserved=raised(queue.deserved, step))
        higher = replace(queue, limit=raised(queue.limit, step))
        if higher.effective_limit()[unit] == bound:
            higher = replace(higher, deserved=raised(queue.deserved, step))
        return higher

    what = "a limit" if is_limit else "a quota"
    yield Change(
        "more-limit" if is_limit else "more-quota",
        -(-missing // STEPS[unit]),
        lambda step: with_queue(snapshot, changed(step)),
        lambda step: f"It would start if {queue.name} had {what} of {_amount(unit, bound + more(step))}.",
        subject=queue.name,
        amount=more,
        unit=unit,
        queue=changed,
    )


def _amount(unit: int, value: int) -> str:
    if unit == 2:
        return f"{value / 2**30:.6g} GiB of memory"
    return f"{value / 1000:g} {'GPUs' if unit == 0 else 'CPU cores'}"
