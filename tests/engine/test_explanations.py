"""What those who wait are told, and that it is true."""

from dataclasses import replace

import pytest

from scheduling.engine import run_cycle
from scheduling.engine.cycle.counterfactuals import smallest_step
from scheduling.engine.model.gangs import Gang
from scheduling.engine.plan import Bind, Counterfactual, Nomination, Reason
from tests.engine.laws.worlds import NOW, SIZES, Features, World, random_world
from tests.engine.world import schedule

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


SHOWN_BY_HAND = {"fewer-devices", "fewer-workers", "preemptible"}


def test_what_a_gang_is_told_to_change_works_and_nothing_smaller_of_that_kind_does() -> None:
    """The change is made to the world itself, and the snapshot built anew: nothing of how the engine tried it is used."""
    stated = 0
    for seed in range(40):
        world = random_world(seed, SIZES["small"], Features())
        explaining = replace(world.config, explain=True, explained_gangs=4)
        plan = run_cycle(world.snapshot(), explaining, NOW)
        for uid, refusal in plan.refusals.items():
            change = refusal.counterfactual
            if change is None or change.kind not in SHOWN_BY_HAND:
                continue
            stated += 1
            gang = next(gang for gang in world.gangs if gang.uid == uid)
            assert starts(changed(world, gang, change, change.amount), uid), (seed, uid, change)
            for smaller in smaller_changes(change, gang):
                assert not starts(changed(world, gang, change, smaller), uid), (seed, uid, change, smaller)
    assert stated > 10


def smaller_changes(change: Counterfactual, gang: Gang) -> range:
    """The amounts that smaller changes of the same kind would come to."""
    if change.kind == "fewer-devices":
        return range(change.amount + 1, gang.tasks[0].request.gpu.devices)
    if change.kind == "fewer-workers":
        return range(change.amount + 1, gang.tree().all_pod_sets()[0].min_available)
    return range(0)


def starts(world: World, uid: str) -> bool:
    plan = run_cycle(world.snapshot(), world.config, NOW)
    places: list[Bind | Nomination] = [*plan.binds, *plan.nominations]
    return any(one.gang == uid for one in places)


def changed(world: World, gang: Gang, change: Counterfactual, amount: int) -> World:
    """The world with the stated change made by hand."""
    if change.kind == "preemptible":
        other = replace(gang, preemptible=True)
    elif change.kind == "fewer-devices":
        request = gang.tasks[0].request
        smaller = replace(request, gpu=request.gpu._replace(devices=amount))
        other = replace(gang, tasks=[replace(task, request=smaller) for task in gang.tasks])
    else:
        (pod_set,) = gang.tree().all_pod_sets()
        tree = replace(gang.tree(), pod_sets=(replace(pod_set, min_available=amount),), groups=())
        kept = len(gang.tasks) - (pod_set.min_available - amount)
        other = replace(gang, tasks=gang.tasks[:kept], root=tree)
    return replace(world, gangs=[other if one.uid == gang.uid else one for one in world.gangs])


@pytest.mark.parametrize(("most", "needed"), [(3, 1), (3, 3), (9, 5), (40, 33), (40, 40), (3, 4), (40, 41)])
def test_the_smallest_step_is_found(most: int, needed: int) -> None:
    assert smallest_step(most, lambda step: step >= needed) == (needed if needed <= most else 0)
