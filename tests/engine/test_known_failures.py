"""Failures that users of other schedulers reported, each as a case that must not come back."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from scheduling.engine import run_cycle
from scheduling.engine.config import DEFAULT_PLUGINS, SchedulerConfig
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from scheduling.engine.plan import Plan
from tests.engine.laws.life import lived
from tests.engine.laws.worlds import World
from tests.engine.world import NOON, read_scenario, schedule


def lives(text: str, rounds: int) -> list[Plan]:
    """The plans of repeated cycles, evicted tasks coming back as waiting ones."""
    said = read_scenario(text)
    world = World(said.nodes, said.queues, said.gangs, said.topologies, SchedulerConfig())
    return lived(world, rounds, lambda one: run_cycle(one.snapshot(), one.config, NOON))


def evictions(plans: Iterable[Plan]) -> list[list[str]]:
    return [sorted(one.task for one in plan.evictions) for plan in plans]


def test_a_gang_is_taken_whole_so_that_preemption_does_not_loop() -> None:
    """Taking one of three would leave two that cannot work, be restarted and be taken again."""
    plans = lives(
        """
        node a: 4 gpus
        queue vision: quota 4
        running slow in vision: 3 x 1 gpu on a, priority 40
        running other in vision: 1 gpu on a, priority 80
        pending urgent in vision: 1 gpu, priority 80
        """,
        rounds=6,
    )

    assert evictions(plans) == [["slow-0", "slow-1", "slow-2"], [], [], [], [], []]
    assert [one.task for one in plans[1].binds] == ["urgent-0"]


def test_an_elastic_gang_shrinks_once_and_not_in_every_cycle() -> None:
    plans = lives(
        """
        node a: 4 gpus
        queue vision: quota 2
        queue speech: quota 2
        running wide in vision: 4 x 1 gpu on a, min 1
        pending talk in speech: 2 x 1 gpu
        """,
        rounds=6,
    )

    assert [len(names) for names in evictions(plans)] == [2, 0, 0, 0, 0, 0]


def test_a_bind_that_keeps_failing_starves_nobody_behind_it() -> None:
    text = """
        node a: 2 gpus
        queue vision: quota 2
        pending cursed in vision: 2 gpus, since 09:00
        pending patient in vision: 2 gpus, since 10:00
    """
    said = read_scenario(text)
    said.gangs[0].bind_retry_at = NOON + 30

    held_back = run_cycle(said.snapshot(), SchedulerConfig(), NOON)
    tried_again = run_cycle(said.snapshot(), SchedulerConfig(), NOON + 30)

    assert [one.gang for one in held_back.binds] == ["patient"]
    assert [one.gang for one in tried_again.binds] == ["cursed"]


def stream(config: SchedulerConfig, cycles: int = 60) -> int | None:
    """The cycle in which a job of 8 GPUs starts beside a stream of small ones; None: in none of them.

    Two nodes of 8 GPUs are full of jobs of 1 GPU that run for 2 to 5 minutes, and 16 more always wait. Every minute a cycle.
    """
    said = read_scenario(
        """
        node a: 8 gpus
        node b: 8 gpus
        queue vision: quota 16
        pending large in vision: 8 gpus, since 11:00
        """
    )
    small: list[Gang] = []
    made = 0
    for cycle in range(cycles):
        now = NOON + cycle * 60
        small = [gang for gang in small if not _is_over(gang, now)]
        while sum(gang.tasks[0].state is TaskState.PENDING for gang in small) < 16:
            small.append(_small(made, now))
            made += 1
        large = said.gangs if cycle else []
        snapshot = ClusterSnapshot.build(nodes=said.nodes, queues=said.queues, gangs=[*large, *small])
        plan = run_cycle(snapshot, config, now)
        if any(one.gang == "large" for one in plan.binds):
            return cycle
        places = {one.task: one.node for one in plan.binds}
        small = [_after(gang, places, now) for gang in small]
    return None


def _small(number: int, now: float) -> Gang:
    task = Task(f"small-{number:04d}", TaskRequest(GpuRequest(1)), created_at=now)
    return Gang(task.uid, "vision", [task], created_at=now)


def _is_over(gang: Gang, now: float) -> bool:
    minutes = 2 + int(gang.uid.removeprefix("small-")) % 4
    return gang.last_start is not None and now >= gang.last_start + minutes * 60


def _after(gang: Gang, places: dict[str, str], now: float) -> Gang:
    (task,) = gang.tasks
    if task.uid not in places:
        return gang
    running = replace(task, state=TaskState.RUNNING, node=places[task.uid])
    return replace(gang, tasks=[running], last_start=now)


def test_a_stream_of_small_jobs_starves_a_large_one_unless_its_age_protects_it() -> None:
    protected = SchedulerConfig(
        plugins=(*DEFAULT_PLUGINS, "age_protection"), options={"age_protection": {"after": 3600.0}}
    )

    assert stream(SchedulerConfig()) is None
    assert stream(protected) is not None


def test_a_reclaim_of_48_gpus_disturbs_48_gpus() -> None:
    """Re-placing victims must not turn into moving the whole cluster."""
    nodes = "\n".join(f"node n{number:02d}: 8 gpus" for number in range(30))
    running = "\n".join(
        f"running r{node:02d}-{gpu} in vision: 1 gpu on n{node:02d}" for node in range(30) for gpu in range(8)
    )
    outcome = schedule(
        f"""
        {nodes}
        queue vision: quota 120
        queue speech: quota 120
        {running}
        pending wide in speech: 6 x 8 gpus
        """
    )

    assert outcome.reserved == {"wide"}
    assert len(outcome.plan.evictions) == 48


@pytest.mark.parametrize(
    ("quota", "held", "asked"),
    [("0.3", "0.1", "0.2"), ("0.7", "0.1", "0.6"), ("1", "0.9", "0.1"), ("1.1", "1", "0.1")],
)
def test_exactly_the_quota_is_within_the_quota(quota: str, held: str, asked: str) -> None:
    place = "a" if held == "1" else "a/g"
    outcome = schedule(
        f"""
        node a: 4 gpus
        queue vision: quota {quota}
        running held in vision: {held} gpu on {place}, non-preemptible
        pending asks in vision: {asked} gpu, non-preemptible
        """
    )

    assert outcome.bound == {"asks"}


def test_quotas_that_sum_to_more_than_the_cluster_settle() -> None:
    plans = lives(
        """
        node a: 8 gpus
        queue vision: quota 8
        queue speech: quota 8
        pending first in vision: 8 gpus, non-preemptible, since 09:00
        pending second in speech: 8 gpus, non-preemptible, since 10:00
        """,
        rounds=4,
    )

    assert evictions(plans) == [[], [], [], []]
    assert [[one.gang for one in plan.binds] for plan in plans] == [["first"], [], [], []]


def test_two_queues_that_both_want_everything_do_not_take_turns() -> None:
    plans = lives(
        """
        node a: 10 gpus
        queue vision: quota 5
        queue speech: quota 5
        pending first in vision: 10 gpus, since 09:00
        pending second in speech: 10 gpus, since 10:00
        """,
        rounds=6,
    )

    assert evictions(plans) == [[]] * 6
    assert [one.gang for plan in plans for one in plan.binds] == ["first"]
