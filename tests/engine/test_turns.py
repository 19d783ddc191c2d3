"""Tries that are given up because the queues' order tells that they fail: they do fail when they are simulated."""

import random
from collections import Counter

import pytest

from scheduling.engine import ClusterSnapshot, SchedulerConfig, run_cycle
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.queues import Queue, Weights
from scheduling.engine.model.resources import Bounds
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from scheduling.engine.solver.simulation import simulate
from scheduling.engine.solver.step import Step
from scheduling.engine.solver.taken import Unit
from tests.benchmarks.engine.inputs import NOW as BENCHMARK_NOW
from tests.benchmarks.engine.inputs import generated, snapshot_of
from tests.engine.laws.worlds import NOW, SIZES, random_world

ASKED = Step._is_in_vain
DEVICES = 4


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Counter[bool]:
    """Counts the answers while cycles run, and simulates each try that was called vain. Asked is from the first try on."""
    counted: Counter[bool] = Counter()

    def checked(step: Step, units: list[Unit]) -> bool:
        step.has_failed = True
        answer = ASKED(step, units)
        counted[answer] += 1
        assert not (answer and finds_places(step, units)), units
        return answer

    monkeypatch.setattr(Step, "_is_in_vain", checked)
    return counted


def finds_places(step: Step, units: list[Unit]) -> bool:
    state = step.session.state
    mark = state.mark()
    step.search.evict(units)
    placed = simulate(step.session, step._scenario(units))
    state.rollback(mark)
    return placed


def company(seed: int) -> ClusterSnapshot:
    """Departments and lone projects whose gangs of one kind of pod fill the nodes, and more of them wait."""
    rng = random.Random(seed)
    nodes = [Node(f"n{number}", gpus=DEVICES, cpu_milli=64_000) for number in range(rng.randint(2, 6))]
    queues, leaves = [], []
    for top in range(rng.randint(2, 4)):
        name = f"d{top}"
        queues.append(_queue(rng, name))
        below = [f"{name}-{number}" for number in range(rng.randint(0, 4))]
        queues += [_queue(rng, one, parent=name) for one in below]
        leaves += below or [name]
    places = [node.name for node in nodes for _ in range(DEVICES)]
    rng.shuffle(places)
    gangs = []
    while len(places) > rng.randint(0, 3):
        size = min(len(places), rng.choice([1, 1, 1, 2, 3]))
        gangs.append(_gang(rng, len(gangs), rng.choice(leaves), [places.pop() for _ in range(size)]))
    for _ in range(rng.randint(3, 14)):
        gangs.append(_gang(rng, len(gangs), rng.choice(leaves), [""] * rng.choice([1, 1, 2, 4])))
    return ClusterSnapshot.build(nodes=nodes, queues=queues, gangs=gangs)


def _queue(rng: random.Random, name: str, parent: str = "") -> Queue:
    limit = Bounds(rng.randint(2, 9) * 1000) if rng.random() < 0.2 else Bounds(None)
    deserved, weight = Bounds(rng.randint(0, 6) * 1000), rng.randint(0, 3)
    return Queue(name, parent, deserved=deserved, limit=limit, weights=Weights(gpu=weight))


def _gang(rng: random.Random, number: int, queue: str, places: list[str]) -> Gang:
    devices = 2 if rng.random() < 0.1 and not places[0] else 1
    request = TaskRequest(GpuRequest(devices), cpu_milli=1000)
    tasks = [
        Task(f"g{number:02d}-{i}", request, TaskState.RUNNING if place else TaskState.PENDING, node=place)
        for i, place in enumerate(places)
    ]
    created = NOW - rng.randint(0, 20)
    return Gang(f"g{number:02d}", queue, tasks, priority=rng.choice([50, 50, 50, 75]), created_at=created)


def test_a_try_called_vain_fails_where_gangs_of_one_kind_fill_the_nodes(answers: Counter[bool]) -> None:
    for seed in range(300):
        run_cycle(company(seed), SchedulerConfig(), NOW)

    assert answers[True] > 1000
    assert answers[False] > 500


def test_a_try_called_vain_fails_in_random_worlds(answers: Counter[bool]) -> None:
    for seed in range(7_000_000, 7_000_300):
        world = random_world(seed, SIZES["small"])
        run_cycle(world.snapshot(), world.config, NOW)

    assert answers[True]


def test_where_singles_and_gangs_wait_nearly_every_failing_try_is_called_vain(answers: Counter[bool]) -> None:
    run_cycle(snapshot_of(generated("a_mixed_100")), SchedulerConfig(), BENCHMARK_NOW)

    assert answers[True] > 50 * answers[False]
