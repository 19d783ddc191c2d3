"""Trials: cycles that are run only to see whether a gang starts, and only as far as that depends on them."""

import gc
from collections import Counter
from dataclasses import replace
from itertools import permutations

import pytest

from scheduling.engine import SchedulerConfig, run_cycle
from scheduling.engine.config import DEFAULT_ACTIONS
from scheduling.engine.cycle import trials
from scheduling.engine.cycle.counterfactuals import HOPELESS, NOT_EXPLAINED
from scheduling.engine.cycle.deciding import all_that_start, collector_paused, would_start
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.session import Session
from tests.engine.laws.worlds import NOW, SIZES, random_world
from tests.engine.test_turns import company
from tests.engine.world import NOON, read_scenario


def check_all_gangs(snapshot: ClusterSnapshot, config: SchedulerConfig) -> Counter[bool]:
    """Ask about every gang that waits whole; how often the answer was yes and no."""
    expected, answers = all_that_start(snapshot, config, NOW), Counter[bool]()
    for number, gang in enumerate(snapshot.gangs):
        if all(task.state is TaskState.PENDING for task in gang.tasks):
            answer = would_start(snapshot, config, NOW, number)
            assert answer == (number in expected), gang
            answers[answer] += 1
    return answers


def test_a_trial_answers_what_the_whole_cycle_would() -> None:
    answers = Counter[bool]()
    for seed in range(6_000_000, 6_000_100):
        world = random_world(seed, SIZES["small"])
        answers += check_all_gangs(world.snapshot(), world.config)
    for seed in range(100):
        answers += check_all_gangs(company(seed), SchedulerConfig())

    assert min(answers[True], answers[False]) > 200


def test_a_trial_answers_what_the_whole_cycle_would_in_any_order_of_the_actions() -> None:
    for number, actions in enumerate(permutations(DEFAULT_ACTIONS[:4])):
        for seed in range(number, number + 2):
            check_all_gangs(company(seed), SchedulerConfig(actions=actions[: 2 + seed % 3]))


def waiting_line(number: int) -> ClusterSnapshot:
    """Gangs that wait for a node larger than the only one, each of a size of its own."""
    lines = "\n".join(f"pending p-{one:02d} in vision: {9 + one} gpus" for one in range(number))
    return read_scenario(f"node a: 8 gpus\nqueue vision: quota 200\n{lines}").snapshot()


@pytest.mark.parametrize("effort", [0, 11, 12, 40, 80, 1000])
def test_whoever_was_not_explained_is_told_so(effort: int) -> None:
    """The bound never leaves a gang without a word, and what fits into it is told as if there were none."""
    snapshot = waiting_line(12)
    config = SchedulerConfig(explain=True, explained_gangs=10)
    every = run_cycle(snapshot, replace(config, explain_effort=None), NOON).refusals

    told = run_cycle(snapshot, replace(config, explain_effort=effort), NOON).refusals

    assert len(told) == len(every) == 12
    for uid, refusal in told.items():
        if refusal.is_explained:
            assert refusal == every[uid]
        else:
            assert refusal.counterfactual is None
            assert refusal.message.endswith(NOT_EXPLAINED)
    explained = sum(one.is_explained for one in told.values())
    assert (explained == 10) if effort == 1000 else (explained < 10)


def test_who_cannot_be_helped_is_not_told_that_nobody_looked() -> None:
    said = read_scenario("node a: 8 gpus\nqueue vision: quota 8\npending p in nowhere: 1 gpu")

    (refusal,) = run_cycle(
        said.snapshot(), SchedulerConfig(explain=True, explain_effort=0), NOON
    ).refusals.values()

    assert refusal.reason in HOPELESS
    assert refusal.is_explained


def test_one_cycle_with_another_quota_answers_for_all_gangs(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "\n".join(
        f"pending p-{one:02d} in art: 1 gpu, priority {one}\npending f-{one:02d} in art: 1 gpu, priority {one}, non-preemptible"
        for one in range(4)
    )
    said = read_scenario(
        "node a: 2 gpus\nqueue sales: quota 2\nqueue art: quota 0, weight 0\n"
        f"running n-1 in sales: 2 gpus on a, non-preemptible\n{lines}"
    )
    cycles = Counter[tuple[int | None, ...]]()
    whole = trials.all_that_start

    def counted(snapshot: ClusterSnapshot, config: SchedulerConfig, now: float) -> frozenset[int]:
        cycles[tuple(queue.deserved.gpu_milli for queue in snapshot.queues)] += 1
        return whole(snapshot, config, now)

    monkeypatch.setattr(trials, "all_that_start", counted)
    run_cycle(said.snapshot(), SchedulerConfig(explain=True), NOON)

    assert cycles
    assert set(cycles.values()) == {1}


def test_trials_leave_nothing_behind() -> None:
    """While cycles run the collector is paused; a session that referred to itself would stay for as long as gangs are explained."""
    gc.collect()
    before = _sessions()
    with collector_paused():
        run_cycle(waiting_line(12), SchedulerConfig(explain=True), NOON)
        left = _sessions() - before

    assert left <= 1


def _sessions() -> int:
    return sum(type(one) is Session for one in gc.get_objects())  # not isinstance: lazy objects stay lazy
