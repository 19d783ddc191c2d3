"""What must hold for every plan on every world, whatever the rules in between decided."""

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.resources import Resources
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import ACTIVE, HOLDING, ON_NODE, TaskState
from scheduling.engine.plan import Bind, Nomination, Plan
from tests.conformance.__main__ import load_engine
from tests.conformance.rounds import Engine
from tests.engine.laws.life import applied, lived
from tests.engine.laws.worlds import NOW, SIZES, World, random_world

S = TaskState
LAW = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
worlds = st.builds(
    lambda seed, size: random_world(seed, SIZES[size]),
    st.integers(1_000_000, 2_000_000),
    st.sampled_from(["tiny", "small", "small"]),
)


ENGINE: Engine = load_engine(os.environ.get("RUNAI_LAWS_ENGINE", "fast"))
"""The laws hold for the reference as well: `RUNAI_LAWS_ENGINE=reference` checks them there."""


def decide(world: World) -> Plan:
    return ENGINE(world.snapshot(), world.config, NOW)


def placed(plan: Plan) -> list[Bind | Nomination]:
    return [*plan.binds, *plan.nominations]


def overfull(world: World) -> list[str]:
    """Nodes with less than nothing free, and devices above their memory."""
    found = []
    for node in world.nodes:
        room = Occupancy(node)
        for gang in world.gangs:
            for task in gang.tasks:
                if task.node == node.name and task.state in ON_NODE:
                    room.change(task.request, task.gpu_groups, task.state, 1)
        amounts = (room.idle_gpus, room.idle_cpu, room.idle_memory, room.idle_pods)
        if min(amounts) < 0 or any(idle < 0 for idle, _ in room.extended.values()):
            found.append(f"{node.name}: {amounts} {room.extended}")
        found += [
            f"{node.name}/{name}: {device.held + device.leaving} of {room.device_memory} MiB"
            for name, device in room.shared.items()
            if device.held + device.leaving > room.device_memory
        ]
    return found


@LAW
@given(worlds)
def test_no_gpu_is_given_twice(world: World) -> None:
    plan = decide(world)

    assert overfull(world) == []
    assert overfull(applied(world, plan, evicted_are_gone=False, nominated_are_there=False)) == []
    assert overfull(applied(world, plan, evicted_are_gone=True, nominated_are_there=True)) == []


@LAW
@given(worlds)
def test_a_shared_task_gets_as_many_different_devices_as_it_asks_for(world: World) -> None:
    plan = decide(world)
    tasks = {task.uid: task for gang in world.gangs for task in gang.tasks}

    for place in placed(plan):
        gpu = tasks[place.task].request.gpu
        assert len(set(place.gpu_groups)) == (gpu.devices if gpu.is_shared else 0)


@LAW
@given(worlds)
def test_a_gang_starts_whole_or_not_at_all(world: World) -> None:
    plan = decide(world)
    after = applied(world, plan, evicted_are_gone=False, nominated_are_there=False)
    bound = {bind.gang for bind in plan.binds}

    for gang in after.gangs:
        if gang.uid in bound:
            for one in gang.tree().all_pod_sets():
                holding = [task for task in gang.tasks if task.pod_set == one.name and task.state in HOLDING]
                assert len(holding) >= one.min_available, f"{gang.uid}/{one.name}"


@LAW
@given(worlds)
def test_only_what_waits_is_placed_and_only_what_runs_is_evicted(world: World) -> None:
    plan = decide(world)
    tasks = {task.uid: task for gang in world.gangs for task in gang.tasks}
    evicted = [one.task for one in plan.evictions]
    promised = [one.task for one in placed(plan)]

    assert len(set(evicted)) == len(evicted)
    assert len(set(promised)) == len(promised)
    assert all(tasks[uid].state in HOLDING for uid in evicted)
    assert all(tasks[uid].state is S.PENDING or uid in evicted for uid in promised)
    assert all(tasks[one.task].state is S.PENDING for one in plan.binds)
    firm = {gang.uid for gang in world.gangs if not gang.is_preemptible}
    assert not [one for one in plan.evictions if one.gang in firm and one.action != "evict_broken_gangs"]


NUMBERS = {
    "reclaim": {"unit", "allocated", "deserved", "fair_share", "beneficiary_fair_share", "asked"},
    "preempt": {"priority", "beneficiary_priority"},
    "consolidate": {"asked_gpu_milli"},
    "evict_broken_gangs": {"stale_seconds", "grace_seconds"},
}
"""What must be told beside the rule, per action."""


@LAW
@given(worlds)
def test_every_eviction_says_why(world: World) -> None:
    plan = decide(world)
    gangs = {gang.uid for gang in world.gangs}
    gains = {one.gang for one in placed(plan)}

    for one in plan.evictions:
        assert NUMBERS[one.action] <= set(one.numbers), one
        assert one.rule
        assert one.message
        if one.action == "evict_broken_gangs":
            assert one.beneficiary == ""
        else:
            assert one.beneficiary in gangs - {one.gang}
            assert one.beneficiary in gains


def held(snapshot: ClusterSnapshot) -> dict[str, tuple[list[int], list[int]]]:
    """Per queue: allocated, and of that non-preemptible."""
    return {
        queue.name: (sums.allocated, sums.non_preemptible)
        for queue, sums in zip(snapshot.queues, snapshot.queue_sums, strict=True)
    }


@LAW
@given(worlds)
def test_no_plan_creates_or_worsens_a_violation_of_a_limit_or_a_quota(world: World) -> None:
    plan = decide(world)
    before = held(world.snapshot())
    after = held(applied(world, plan, evicted_are_gone=True, nominated_are_there=True).snapshot())

    for queue in world.queues:
        bounds = (queue.effective_limit(), queue.deserved)
        for was, now, bound in zip(before[queue.name], after[queue.name], bounds, strict=True):
            for unit in range(3):
                top = bound[unit]
                assert top is None or now[unit] <= max(top, was[unit]), f"{queue.name} {bound} {was} -> {now}"


@LAW
@given(worlds)
def test_consolidation_places_everyone_again(world: World) -> None:
    plan = decide(replace(world, config=replace(world.config, actions=("consolidate",))))
    again = {one.task for one in plan.nominations}

    assert {one.task for one in plan.evictions} <= again


@LAW
@given(worlds, st.integers(0, 6))
def test_evictions_never_exceed_the_safety_limit(world: World, limit: int) -> None:
    plan = decide(replace(world, config=replace(world.config, max_evictions=limit)))

    assert len(plan.evictions) <= limit


@LAW
@given(worlds, st.integers(0, 1000))
def test_the_order_of_the_inputs_changes_nothing(world: World, seed: int) -> None:
    assert decide(world.shuffled(seed)) == decide(world)


def vector(amounts: Resources) -> tuple[int, ...]:
    return tuple(amounts)


@LAW
@given(worlds)
def test_a_reclaim_takes_only_what_is_above_the_line_and_no_more_than_one_unit_below(world: World) -> None:
    """One gang waits, so that the sums at the start are those at the decision."""
    waiting = [gang for gang in world.gangs if any(task.state is S.PENDING for task in gang.tasks)]
    if not waiting:
        return
    lone = waiting[0]
    others = [_only_what_runs(gang) for gang in world.gangs if gang is not lone]
    world = replace(
        world,
        gangs=[*(gang for gang in others if gang.tasks), lone],
        config=replace(world.config, actions=("reclaim",), allow_consolidating_reclaim=True),
    )
    plan = decide(world)
    again = {one.task for one in plan.nominations}
    lost = [one for one in plan.evictions if one.task not in again]
    snapshot = world.snapshot()
    before = held(snapshot)
    parents = {queue.name: queue.parent for queue in world.queues}
    queues = {queue.name: queue for queue in world.queues}
    gang_queue = {gang.uid: gang.queue for gang in world.gangs}
    requests = {task.uid: (task, gang) for gang in world.gangs for task in gang.tasks}
    taken: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
    for one in lost:
        theirs = _below_common(parents, gang_queue[one.gang], lone.queue)
        task, gang = requests[one.task]
        node = snapshot.node_index[task.node]
        taken.setdefault(theirs, []).append((gang.uid, vector(snapshot.charge_of(task, node))))
    for theirs, units in taken.items():
        queue, limit = queues[theirs], queues[theirs].effective_limit()
        line = [
            deserved if top is None else (top if deserved is None else min(top, deserved))
            for deserved, top in zip(queue.deserved, limit, strict=True)
        ]
        allocated = before[theirs][0]
        assert any(b is not None and a > b for a, b in zip(allocated, line, strict=True)), (
            f"{theirs} was not above its quota"
        )
        per_gang: dict[str, list[tuple[int, ...]]] = {}
        for uid, amounts in units:
            per_gang.setdefault(uid, []).append(amounts)
        after = [a - sum(one[1][unit] for one in units) for unit, a in enumerate(allocated)]
        assert any(
            any(
                b is not None and left + sum(one[unit] for one in group) > b
                for unit, (left, b) in enumerate(zip(after, line, strict=True))
            )
            for group in per_gang.values()
        ), f"{theirs} fell more than one unit below its line"


def _only_what_runs(gang: Gang) -> Gang:
    """The gang as it runs, asking for nothing more."""
    running = [task for task in gang.tasks if task.state in ACTIVE]
    return replace(gang, tasks=running)


def _below_common(parents: dict[str, str], queue: str, other: str) -> str:
    """The ancestor of `queue` just below the lowest common ancestor with `other`."""

    def path(name: str) -> list[str]:
        return [*path(parents[name]), name] if name else []

    for one, two in zip(path(queue), path(other), strict=False):
        if one != two:
            return one
    return queue


ONCE_RESTLESS = (5_000_182, 5_000_898, 5_000_962)
"""Worlds in which somebody was moved, and put back by the next cycle, for ever."""


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_repeated_cycles_come_to_rest(size: str) -> None:
    restless = []
    for seed in (*range(3_000_000, 3_000_150), *ONCE_RESTLESS):
        world = random_world(seed, SIZES[size])
        world = replace(world, config=replace(world.config, staleness_grace=None))
        last = lived(world, 12, decide)[-1]
        if last.evictions or last.binds:
            restless.append(seed)
    assert restless == []
