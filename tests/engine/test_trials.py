"""Trials: cycles that are run only to see whether a gang starts, and only as far as that depends on them."""

from collections import Counter
from itertools import permutations

from scheduling.engine import SchedulerConfig
from scheduling.engine.config import DEFAULT_ACTIONS
from scheduling.engine.cycle.deciding import all_that_start, would_start
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import TaskState
from tests.engine.laws.worlds import NOW, SIZES, random_world
from tests.engine.test_turns import company


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
