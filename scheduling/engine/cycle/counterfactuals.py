"""What would have to be different for a waiting gang to start: the smallest change of one kind, tried by running the cycle with it.

Kinds, in the order they are tried: fewer devices, fewer workers, preemptible instead of not, more quota or a higher limit at one
level, one constraint dropped. A change that was not seen to work is never stated.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.cycle.deciding import decide
from scheduling.engine.model.changes import with_gang, with_queue
from scheduling.engine.model.constraints import Constraints
from scheduling.engine.model.gangs import Gang, SubGroup
from scheduling.engine.model.resources import Bounds
from scheduling.engine.model.snapshot import NOWHERE, ClusterSnapshot
from scheduling.engine.model.tasks import Task, TaskState
from scheduling.engine.plan import Counterfactual, Reason, Refusal
from scheduling.engine.session.gangs import IS_ACTIVE

HOPELESS = frozenset(
    {Reason.QUEUE_NOT_FOUND, Reason.NOT_READY, Reason.BIND_BACK_OFF, Reason.WAITING_FOR_RELEASE}
)
"""Reasons that no change of the request would remove."""


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of change. `apply(step)` gives the world with it; steps run from 1 to `most`, the smallest first."""

    kind: str
    most: int
    apply: Callable[[int], ClusterSnapshot]
    say: Callable[[int], str]
    subject: str = ""
    amount: Callable[[int], int] = int


def add_counterfactuals(
    refusals: dict[str, Refusal], snapshot: ClusterSnapshot, config: SchedulerConfig, now: float
) -> None:
    """For the first waiting gangs of the configuration; gangs with the same refusal share the answer."""
    known: dict[tuple[object, ...], Counterfactual | None] = {}
    numbers = {gang.uid: number for number, gang in enumerate(snapshot.gangs)}
    for uid, refusal in list(refusals.items())[: config.explained_gangs]:
        number = numbers[uid]
        first = snapshot.gang_first[number]
        key = (
            refusal.message,
            snapshot.gang_queue[number],
            snapshot.gangs[number].priority,
            snapshot.gangs[number].is_preemptible,
            len(snapshot.tasks_of(number)),
            snapshot.task_shape[first] if snapshot.tasks_of(number) else NOWHERE,
        )
        if key not in known:
            known[key] = find_counterfactual(refusal, number, snapshot, config, now)
        refusals[uid] = replace(refusal, counterfactual=known[key])


def find_counterfactual(
    refusal: Refusal, number: int, snapshot: ClusterSnapshot, config: SchedulerConfig, now: float
) -> Counterfactual | None:
    """The first kind of change that works, at its smallest step; None when none of them does."""
    if refusal.reason in HOPELESS:
        return None
    plain = replace(config, explain=False)

    def works(change: Change, step: int) -> bool:
        session = decide(change.apply(step), plain, now)
        states = session.state.states
        before = snapshot.task_state
        return any(
            IS_ACTIVE[states[task]] and before[task] is TaskState.PENDING
            for task in snapshot.tasks_of(number)
        )

    for change in possible_changes(refusal, number, snapshot):
        step = smallest_step(change.most, partial(works, change))
        if step:
            return Counterfactual(change.kind, change.say(step), change.amount(step), change.subject)
    return None


def smallest_step(most: int, works: Callable[[int], bool]) -> int:
    """The smallest step that works, 0 if none: one by one up to four, then doubling, then between the last two halving.

    Beyond four steps a larger change is taken to work where a smaller one does.
    """
    for step in range(1, min(most, 4) + 1):
        if works(step):
            return step
    low, high = 4, 8
    while low < most:
        high = min(high, most)
        if works(high):
            break
        low, high = high, 2 * high
    else:
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def possible_changes(refusal: Refusal, number: int, snapshot: ClusterSnapshot) -> Iterator[Change]:
    """The changes worth a try for this gang, the least painful kind first."""
    gang = snapshot.gangs[number]
    tasks = gang.tasks
    if not tasks or any(task.state is not TaskState.PENDING for task in tasks):
        return
    if refusal.reason is Reason.OVER_QUOTA_NON_PREEMPTIBLE:
        yield Change(
            "preemptible",
            1,
            lambda _: with_gang(snapshot, number, replace(gang, preemptible=True), tasks),
            lambda _: "It would start if it might be interrupted.",
        )
    yield from _fewer_devices(snapshot, number, gang)
    yield from _fewer_workers(snapshot, number, gang)
    yield from _more_quota(refusal, snapshot)
    yield from _without_constraints(snapshot, number, gang)


def _fewer_devices(snapshot: ClusterSnapshot, number: int, gang: Gang) -> Iterator[Change]:
    """Of each task, for tasks that are all alike and ask for several whole devices."""
    request = gang.tasks[0].request
    devices = request.gpu.devices
    if devices < 2 or any(task.request != request for task in gang.tasks):
        return

    def apply(step: int) -> ClusterSnapshot:
        smaller = replace(request, gpu=request.gpu._replace(devices=devices - step))
        return with_gang(snapshot, number, gang, [replace(task, request=smaller) for task in gang.tasks])

    each = " for each pod" if len(gang.tasks) > 1 else ""
    yield Change(
        "fewer-devices",
        devices - 1,
        apply,
        lambda step: (
            f"It would start with {devices - step} GPUs{each} instead of {devices}."
            if devices - step > 1
            else f"It would start with 1 GPU{each} instead of {devices}."
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
        lambda step: f"It would start with {minimum - step} pods instead of {minimum}.",
        amount=lambda step: minimum - step,
    )


def _more_quota(refusal: Refusal, snapshot: ClusterSnapshot) -> Iterator[Change]:
    """Exactly what is missing at the level that objected."""
    is_limit = refusal.reason is Reason.OVER_LIMIT
    if not is_limit and refusal.reason is not Reason.OVER_QUOTA_NON_PREEMPTIBLE:
        return
    queue = snapshot.queues[snapshot.queue_index[refusal.queue]]
    unit = refusal.numbers["unit"]
    bound = refusal.numbers["limit" if is_limit else "quota"]
    held = refusal.numbers["allocated" if is_limit else "held_non_preemptible"]
    missing = held + refusal.numbers["asked"] - bound

    def raised(bounds: Bounds) -> Bounds:
        amounts = list(bounds)
        amounts[unit] = bound + missing
        return Bounds(*amounts)

    def apply(_: int) -> ClusterSnapshot:
        if not is_limit:
            return with_queue(snapshot, replace(queue, deserved=raised(queue.deserved)))
        higher = replace(queue, limit=raised(queue.limit))
        if higher.effective_limit()[unit] == bound:
            higher = replace(higher, deserved=raised(queue.deserved))
        return with_queue(snapshot, higher)

    what = "a limit" if is_limit else "a quota"
    size = f"{(bound + missing) / 1000:g} GPUs" if unit == 0 else f"{bound + missing}"
    yield Change(
        "more-limit" if is_limit else "more-quota",
        1,
        apply,
        lambda _: f"It would start if {queue.name} had {what} of {size}.",
        subject=queue.name,
        amount=lambda _: missing,
    )


def _without_constraints(snapshot: ClusterSnapshot, number: int, gang: Gang) -> Iterator[Change]:
    """Each constraint of the tasks dropped alone, and the required topology level."""

    def drop(edit: Callable[[Constraints], Constraints]) -> Callable[[int], ClusterSnapshot]:
        tasks: list[Task] = [replace(task, constraints=edit(task.constraints)) for task in gang.tasks]
        return lambda _: with_gang(snapshot, number, gang, tasks)

    constraints = gang.tasks[0].constraints
    for key, value in constraints.node_selector:
        yield _dropped(f"node selector {key}={value}", drop(partial(_without_label, key)))
    if constraints.node_terms:
        yield _dropped("node affinity", drop(lambda one: replace(one, node_terms=())))
    if constraints.pod_affinity:
        yield _dropped("pod affinity", drop(lambda one: replace(one, pod_affinity=())))
    if constraints.pod_anti_affinity:
        yield _dropped("pod anti-affinity", drop(lambda one: replace(one, pod_anti_affinity=())))
    topology = gang.tree().topology
    if topology is not None and topology.required_level:
        tree = replace(gang.tree(), topology=None)
        yield _dropped(
            f"required topology level {topology.required_level}",
            lambda _: with_gang(snapshot, number, replace(gang, root=tree), gang.tasks),
        )


def _dropped(what: str, apply: Callable[[int], ClusterSnapshot]) -> Change:
    return Change(
        "without-constraint", 1, apply, lambda _: f"It would start without its {what}.", subject=what
    )


def _without_label(key: str, constraints: Constraints) -> Constraints:
    kept = tuple(pair for pair in constraints.node_selector if pair[0] != key)
    return replace(constraints, node_selector=kept)
