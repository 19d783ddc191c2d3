"""Gangs that take their share of a full cluster from others, step by step: the engine keeps what the steps have in common, the
plain reference does every step anew, and both decide alike.
"""

import random

import pytest

from scheduling.engine import run_cycle as fast
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.queues import Queue, Weights
from scheduling.engine.model.resources import Bounds
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from scheduling.engine.solver.step import Step
from tests.engine.laws.agreement import describe, plan_differences
from tests.engine.laws.worlds import NOW, World
from tests.engine.reference import run_cycle as reference

DEVICES = 4
WORLDS = 40


def full_cluster(seed: int) -> World:
    """Two departments of equal quota: one fills every node with small gangs, the other waits with large ones."""
    rng = random.Random(seed)
    nodes = [
        Node(f"n{i}", gpus=DEVICES, cpu_milli=64_000, memory_bytes=10**12) for i in range(rng.randint(3, 7))
    ]
    quota = len(nodes) * DEVICES * 1000
    queues = []
    for department, share in (("holds", rng.choice([0, quota // 4])), ("waits", quota // 2)):
        queues.append(Queue(department, deserved=Bounds(share), weights=Weights(gpu=1)))
        queues += [
            Queue(f"{department}-{i}", parent=department, deserved=Bounds(share // 2), created_at=float(i))
            for i in range(2)
        ]
    return World(nodes=nodes, queues=queues, gangs=[*_running(rng, nodes), *_waiting(rng)])


def _running(rng: random.Random, nodes: list[Node]) -> list[Gang]:
    size = rng.choice([1, 1, 2])
    places = [node.name for node in nodes for _ in range(DEVICES // size)]
    rng.shuffle(places)
    return [
        Gang(
            f"r{number:02d}",
            f"holds-{rng.randrange(2)}",
            [
                Task(
                    f"r{number:02d}-0",
                    TaskRequest(GpuRequest(size), 1000, 10**9),
                    TaskState.RUNNING,
                    node=place,
                )
            ],
            created_at=NOW - rng.randrange(1000),
        )
        for number, place in enumerate(places)
        if rng.random() < 0.97
    ]


def _waiting(rng: random.Random) -> list[Gang]:
    gangs = []
    for number in range(rng.randint(1, 3)):
        request = TaskRequest(GpuRequest(rng.choice([1, 2, 4, 4])), 1000, 10**9)
        tasks = [Task(f"w{number}-{i}", request) for i in range(rng.randint(2, 6))]
        queue = rng.choice(["waits-0", "waits-1", "holds-0"])
        gangs.append(Gang(f"w{number}", queue, tasks, created_at=NOW - rng.randrange(1000)))
    return gangs


@pytest.mark.parametrize("first", range(0, WORLDS, 20))
def test_gangs_on_full_clusters_get_what_the_plain_rules_give(first: int) -> None:
    for seed in range(first, first + 20):
        world = full_cluster(seed)
        found = plan_differences(world, fast, reference)
        assert not found, "\n".join([f"world {seed}", describe(world), *found])


def test_these_worlds_reach_the_step_that_only_adds_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[bool | None] = []
    add_last = Step._add_last

    def listened(self: Step, scenario: object) -> bool | None:
        answers.append(add_last(self, scenario))  # type: ignore[arg-type]
        return answers[-1]

    monkeypatch.setattr(Step, "_add_last", listened)
    for seed in range(WORLDS):
        world = full_cluster(seed)
        fast(world.snapshot(), world.config, NOW)
    assert answers.count(True) > 20
    assert answers.count(None) > 0
