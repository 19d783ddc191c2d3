"""Cycle after cycle, with the evicted waiting again and the nominations forgotten, a world of mixed gangs comes to rest.

These gangs ask for 2.4 times what there is and stand at the fair-share boundary, where the reference scheduler swaps the same jobs for ever.
"""

import pytest

from scheduling.engine import Plan, SchedulerConfig, run_cycle
from scheduling.engine.model.constraints import ANYWHERE, Constraints, LabelRequirement, PodAffinityTerm
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from tests.benchmarks.engine.inputs import NOW, mixed, parts_of
from tests.engine.laws.life import lived
from tests.engine.laws.worlds import World


def decide(world: World) -> Plan:
    return run_cycle(world.snapshot(), world.config, NOW)


def size(plan: Plan) -> tuple[int, int, int]:
    return len(plan.binds), len(plan.evictions), len(plan.nominations)


@pytest.mark.parametrize(("nodes", "cycles"), [(25, 5), (29, 5), (100, 3)])
def test_mixed_gangs_come_to_rest(nodes: int, cycles: int) -> None:
    plans = lived(World(**parts_of(mixed(nodes))), cycles, decide)
    assert size(plans[0])[0] > 0
    assert size(plans[-1]) == (0, 0, 0)


def test_every_eviction_among_mixed_gangs_has_its_reason() -> None:
    plans = lived(World(**parts_of(mixed(25))), 3, decide)
    evictions = [eviction for plan in plans for eviction in plan.evictions]
    assert evictions
    assert all(one.beneficiary and one.rule and one.numbers and one.message for one in evictions)


def test_nobody_is_moved_who_would_be_put_back() -> None:
    """To take its two GPUs `pair` would have `alone` moved to n1; once n2 is free again, bin packing would put `alone` back there."""
    hostname, shunned = "kubernetes.io/hostname", LabelRequirement("app", "In", ("shunned",))
    keeps_off = Constraints(pod_anti_affinity=(PodAffinityTerm(hostname, (shunned,)),))
    one = TaskRequest(GpuRequest(1))

    def running(name: str, node: str, constraints: Constraints = ANYWHERE) -> Gang:
        task = Task(name, one, TaskState.RUNNING, node, constraints=constraints)
        return Gang(name, "busy", [task], last_start=NOW - 60)

    pair = [Task("pair-0", one, leader=True, labels={"app": "shunned"}), Task("pair-1", one)]
    world = World(
        nodes=[Node(name, gpus=gpus, labels={hostname: name}) for name, gpus in (("n1", 8), ("n2", 2))],
        queues=[Queue("busy", rank=200), Queue("idle")],
        gangs=[
            running("alone", "n2"),
            running("fixed", "n2"),
            running("guard-0", "n1", keeps_off),
            running("guard-1", "n1", keeps_off),
            Gang("pair", "idle", pair),
        ],
        topologies=[],
        config=SchedulerConfig(),
    )

    plans = lived(world, 4, decide)

    assert [size(plan) for plan in plans] == [(0, 0, 0)] * 4
