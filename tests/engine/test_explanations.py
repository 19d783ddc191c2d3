"""What those who wait are told, and that it is true."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import pytest

from scheduling.engine import SchedulerConfig, explain_one, run_cycle
from scheduling.engine.cycle.counterfactuals import HOPELESS, Trials, smallest_step
from scheduling.engine.cycle.trials import TrialCycles
from scheduling.engine.model.gangs import Gang, SubGroup
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import UNBOUNDED, Bounds
from scheduling.engine.plan import Bind, Counterfactual, Nomination, Reason, Refusal
from tests.engine.laws.worlds import NOW, SIZES, Features, World, random_world
from tests.engine.world import NOON, read_scenario, schedule

COMPANY = """
    node a: 8 gpus
    node b: 8 gpus
    queue research: quota 8
    queue vision in research: quota 4, limit 12
    queue speech in research: quota 4
"""


@pytest.mark.parametrize(
    ("lines", "reason", "kind", "amount"),
    [
        pytest.param(
            "running note-1 in vision: 3 gpus on a, priority 100\npending it in vision: 2 gpus, priority 100",
            Reason.OVER_QUOTA_NON_PREEMPTIBLE,
            "preemptible",
            1,
            id="not preemptible and over the quota",
        ),
        pytest.param(
            "running t-1 in vision: 8 gpus on a\npending it in vision: 6 gpus",
            Reason.OVER_LIMIT,
            "fewer-devices",
            4,
            id="over the limit of its queue",
        ),
        pytest.param(
            "running n-1 in speech: 6 gpus on a, non-preemptible\nrunning n-2 in speech: 5 gpus on b, non-preemptible\n"
            "pending it in vision: 4 gpus",
            Reason.FRAGMENTED,
            "fewer-devices",
            3,
            id="free, but not on one node",
        ),
        pytest.param(
            "running n-1 in speech: 8 gpus on a, non-preemptible\nrunning n-2 in speech: 5 gpus on b, non-preemptible\n"
            "pending it in vision: 4 x 1 gpu",
            Reason.GANG_NOT_WHOLE,
            "fewer-workers",
            3,
            id="three of four find a place",
        ),
    ],
)
def test_a_waiting_gang_is_told_the_reason_and_the_smallest_change_that_helps(
    lines: str, reason: Reason, kind: str, amount: int
) -> None:
    refusal = schedule(COMPANY + lines, explain=True).refusal("it")

    assert refusal.reason is reason
    assert refusal.counterfactual is not None
    assert (refusal.counterfactual.kind, refusal.counterfactual.amount) == (kind, amount)


def test_a_gang_larger_than_any_node_is_told_that_it_never_fits() -> None:
    refusal = schedule("node a: 8 gpus\nqueue vision: quota 16\npending it in vision: 16 gpus").refusal("it")

    assert refusal.reason is Reason.NEVER_FITS
    assert "largest node has 8" in refusal.message


def test_nodes_are_counted_by_what_stands_in_the_way() -> None:
    refusal = schedule(
        """
        node a: 8 gpus
        node b: 8 gpus, taint only=them
        node c: 0 gpus
        queue vision: quota 16
        running n-1 in vision: 8 gpus on a, priority 100
        pending it in vision: 1 gpu, priority 100
        """
    ).refusal("it")

    assert refusal.tally == {"taint only not tolerated": 1, "with no free GPU": 1, "without GPUs": 1}


def test_who_is_evicted_is_told_for_whom_by_which_rule_and_with_which_numbers() -> None:
    (eviction,) = schedule(
        """
        node a: 4 gpus
        queue vision: quota 2
        queue speech: quota 2
        running train-1 in vision: 2 gpus on a, since 09:00
        running train-2 in vision: 2 gpus on a, since 10:00
        pending talk-1 in speech: 2 x 1 gpu
        """
    ).plan.evictions

    assert (eviction.gang, eviction.beneficiary, eviction.rule) == ("train-2", "talk-1", "over-fair-share")
    assert (eviction.numbers["allocated"], eviction.numbers["fair_share"]) == (4000, 2000)
    assert "vision held 4 GPUs, its fair share is 2 GPUs" in eviction.message


OFTEN = Features(node_rules=0.6, limits=0.7, topology=0.4, pod_affinity=0.3, spreading=0.0, settings=0.0)
KINDS = {
    "preemptible",
    "fewer-devices",
    "fewer-workers",
    "other-pool",
    "more-quota",
    "more-limit",
    "without-constraint",
}


@dataclass(frozen=True)
class Told:
    """One stated change, with the two pools it was stated in."""

    world: World
    other: World
    gang: Gang
    refusal: Refusal
    change: Counterfactual


def told(seeds: range) -> Iterator[Told]:
    """Of the first waiting gangs of random worlds every kind of change that helps; each world has a second node pool beside it."""
    for seed in seeds:
        world, other = (
            random_world(seed, SIZES["small"], OFTEN),
            _renamed(random_world(seed + 500_000, SIZES["tiny"])),
        )
        snapshot, elsewhere = world.snapshot(), [replace(other.snapshot(), pool="other")]
        refusals = run_cycle(snapshot, world.config, NOW).refusals
        gangs = {gang.uid: gang for gang in world.gangs}
        cycles = TrialCycles(snapshot, world.config, NOW)
        for number, gang in enumerate(snapshot.gangs):
            refusal = refusals.get(gang.uid)
            if refusal is None or refusal.reason in HOPELESS:
                continue
            trials = Trials(refusal, number, cycles, elsewhere)
            for found in trials.every_kind():
                yield Told(world, other, gangs[gang.uid], refusal, found.told)


def _renamed(world: World) -> World:
    """Another pool has other workloads."""
    gangs = [
        replace(gang, uid=f"o-{gang.uid}", tasks=[replace(task, uid=f"o-{task.uid}") for task in gang.tasks])
        for gang in world.gangs
    ]
    return replace(world, gangs=gangs)


def test_what_a_gang_is_told_to_change_works_and_nothing_smaller_of_that_kind_does() -> None:
    """The change is made to the world itself, and the snapshot built anew: nothing of how the engine tried it is used."""
    seen: Counter[str] = Counter()
    for one in told(range(60)):
        seen[one.change.kind] += 1
        at = (one.gang.uid, one.change, one.refusal)
        assert starts(changed(one, one.change.amount), one.gang.uid, one.world.config), at
        for smaller in smaller_changes(one):
            assert not starts(changed(one, smaller), one.gang.uid, one.world.config), (*at, smaller)
    assert set(seen) == KINDS, seen


def smaller_changes(one: Told) -> Iterable[int]:
    """The amounts that smaller changes of the same kind would come to."""
    change = one.change
    if change.kind == "fewer-devices":
        return range(change.amount + 1, one.gang.tasks[0].request.gpu.devices)
    if change.kind == "fewer-workers":
        return range(change.amount + 1, one.gang.tree().all_pod_sets()[0].min_available)
    if change.kind in {"more-quota", "more-limit"}:
        return range(0, change.amount, (1000, 1000, 2**30)[change.unit])
    return ()


def starts(world: World, uid: str, config: SchedulerConfig) -> bool:
    plan = run_cycle(world.snapshot(), config, NOW)
    places: list[Bind | Nomination] = [*plan.binds, *plan.nominations]
    return any(one.gang == uid for one in places)


def changed(one: Told, amount: int) -> World:
    """The world with the stated change made by hand."""
    gang, change, world = one.gang, one.change, one.world
    if change.kind == "other-pool":
        assert change.subject == "other"
        return replace(one.other, gangs=[*one.other.gangs, gang])
    if change.kind in {"more-quota", "more-limit"}:
        queues = [
            _raised(one, queue, amount) if queue.name == change.subject else queue for queue in world.queues
        ]
        return replace(world, queues=queues)
    if change.kind == "preemptible":
        other = replace(gang, preemptible=True)
    elif change.kind == "fewer-devices":
        request = gang.tasks[0].request
        smaller = replace(request, gpu=request.gpu._replace(devices=amount))
        other = replace(gang, tasks=[replace(task, request=smaller) for task in gang.tasks])
    elif change.kind == "fewer-workers":
        (pod_set,) = gang.tree().all_pod_sets()
        tree = replace(gang.tree(), pod_sets=(replace(pod_set, min_available=amount),), groups=())
        kept = len(gang.tasks) - (pod_set.min_available - amount)
        other = replace(gang, tasks=gang.tasks[: max(1, kept)], root=tree)
    else:
        other = _freed(gang, change.subject)
    return replace(world, gangs=[other if one.uid == gang.uid else one for one in world.gangs])


def _raised(one: Told, queue: Queue, amount: int) -> Queue:
    unit = one.change.unit
    if one.change.kind == "more-limit":
        top = one.refusal.numbers["limit"] + amount
        raised = replace(queue, limit=_with(queue.limit, unit, top))
        return (
            raised
            if raised.effective_limit()[unit] == top
            else replace(raised, deserved=_with(queue.deserved, unit, top))
        )
    return replace(queue, deserved=_with(queue.deserved, unit, (queue.deserved[unit] or 0) + amount))


def _with(bounds: Bounds, unit: int, amount: int) -> Bounds:
    return Bounds(*(amount if index == unit else bound for index, bound in enumerate(bounds)))


def _freed(gang: Gang, what: str) -> Gang:
    """The gang without one constraint, by its name in the sentence."""
    if what.startswith("required topology level"):
        return replace(gang, root=_loosened(gang.tree(), what.partition(" of ")[2]))
    field = {
        "node affinity": "node_terms",
        "pod affinity": "pod_affinity",
        "pod anti-affinity": "pod_anti_affinity",
        "topology spread": "spread",
    }.get(what, "node_selector")
    return replace(
        gang,
        tasks=[replace(task, constraints=replace(task.constraints, **{field: ()})) for task in gang.tasks],
    )


def _loosened(tree: SubGroup, part: str) -> SubGroup:
    """Without the topology of the part of that name; "" is the whole, or the only pod set of a whole that has none."""
    if not part and tree.topology is not None and tree.topology.required_level:
        return replace(tree, topology=None)
    return replace(
        tree,
        topology=None if part and tree.name == part else tree.topology,
        groups=tuple(_loosened(one, part) for one in tree.groups if part) or tree.groups,
        pod_sets=tuple(
            replace(one, topology=None) if one.name == (part or "default") else one for one in tree.pod_sets
        ),
    )


def test_never_fits_is_never_wrong() -> None:
    """Alone in the pool, without quotas, limits or rules of the queue, it does not start either."""
    seen = 0
    for seed in range(120):
        world = random_world(seed, SIZES["small"], OFTEN)
        plan = run_cycle(world.snapshot(), world.config, NOW)
        for gang in world.gangs:
            refusal = plan.refusals.get(gang.uid)
            if refusal is not None and refusal.reason is Reason.NEVER_FITS:
                seen += 1
                queues = [replace(one, deserved=UNBOUNDED, limit=UNBOUNDED) for one in world.queues]
                alone = replace(world, queues=queues, gangs=[gang])
                assert not starts(alone, gang.uid, world.config), (seed, gang)
    assert seen > 10


def test_on_demand_a_gang_far_back_in_the_line_is_explained_as_well() -> None:
    lines = "\n".join(f"pending p-{number:02d} in vision: 16 gpus" for number in range(12))
    said = read_scenario(f"node a: 8 gpus\nqueue vision: quota 20\n{lines}")
    config = SchedulerConfig(explain=True, explained_gangs=3)

    told_at_once = [
        uid for uid, one in run_cycle(said.snapshot(), config, NOON).refusals.items() if one.counterfactual
    ]
    on_demand = explain_one(said.snapshot(), config, NOON, "p-11")

    assert len(told_at_once) == 3
    assert on_demand is not None
    assert on_demand.counterfactual is not None
    assert on_demand.counterfactual.sentence == "It would start with 8 GPUs instead of 16."
    assert explain_one(said.snapshot(), config, NOON, "nobody") is None


@pytest.mark.parametrize(
    ("lines", "kind", "sentence"),
    [
        pytest.param(
            "running n-1 in speech: 8 gpus on a, non-preemptible\nrunning n-2 in speech: 8 gpus on b, non-preemptible\n"
            "pending it in vision: 4 gpus, non-preemptible",
            "other-pool",
            "It would start in node pool spare.",
            id="room in another pool",
        ),
        pytest.param(
            "running n-1 in sales: 8 gpus on a\nrunning n-2 in sales: 8 gpus on b\npending it in art: 2 gpus",
            "more-quota",
            "It would start if art had a quota of 2 GPUs.",
            id="a quota to reclaim with",
        ),
        pytest.param(
            "running n-1 in speech: 4 gpus on a, non-preemptible\npending it in vision: 1 gpu, needs disk=fast",
            "without-constraint",
            "It would start without its node selector disk=fast.",
            id="a label no node has",
        ),
    ],
)
def test_the_other_kinds_of_change_read_as_sentences(lines: str, kind: str, sentence: str) -> None:
    said = read_scenario(
        COMPANY.replace(
            "queue research: quota 8",
            "queue research: quota 8\nqueue sales: quota 8\nqueue art: quota 0, weight 0",
        )
        + lines
    )
    spare = read_scenario("node z: 4 gpus\nqueue research: quota 8\nqueue vision in research: quota 4" + "")
    elsewhere = [replace(spare.snapshot(), pool="spare")] if kind == "other-pool" else []

    refusal = run_cycle(said.snapshot(), SchedulerConfig(explain=True), NOON, elsewhere).refusals["it"]

    assert refusal.counterfactual is not None
    assert (refusal.counterfactual.kind, refusal.counterfactual.sentence) == (kind, sentence)


@pytest.mark.parametrize(
    ("most", "needed"), [(3, 1), (3, 3), (9, 5), (9, 9), (40, 17), (40, 33), (40, 40), (3, 4), (40, 41)]
)
def test_the_smallest_step_is_found(most: int, needed: int) -> None:
    assert smallest_step(most, lambda step: step >= needed) == (needed if needed <= most else 0)
