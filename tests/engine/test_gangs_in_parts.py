"""Gangs of which a part is over or not started yet, and gangs made of groups."""

import pytest

from scheduling.engine import ClusterSnapshot, SchedulerConfig, run_cycle
from scheduling.engine.model.gangs import Gang, PodSet, SubGroup, TopologyConstraint
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.nodes import Node, Topology
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import UNBOUNDED
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from scheduling.engine.plan import Plan

ONE_GPU = TaskRequest(GpuRequest(1))


def decide(nodes: list[Node], gang: Gang) -> Plan:
    snapshot = ClusterSnapshot.build(
        nodes=nodes,
        queues=[Queue("vision", deserved=UNBOUNDED)],
        gangs=[gang],
        topologies=[Topology("net", ("rack",))],
    )
    return run_cycle(snapshot, SchedulerConfig(), 1_900_000_000.0)


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.SUCCEEDED, TaskState.UNKNOWN])
def test_a_pod_that_is_over_does_not_keep_its_gang_from_starting_anew(state: TaskState) -> None:
    """Its guaranteed runtime counts from here: a pod that ended holds no place."""
    gang = Gang("g", "vision", [Task("a", ONE_GPU, state), Task("b", ONE_GPU)], min_available=1)

    plan = decide([Node("n", gpus=1)], gang)

    assert [bind.task for bind in plan.binds] == ["b"]
    assert plan.started == ["g"]


def test_a_gang_that_runs_and_grows_has_started_before() -> None:
    running = Task("a", ONE_GPU, TaskState.BOUND, node="n")
    plan = decide([Node("n", gpus=2)], Gang("g", "vision", [running, Task("b", ONE_GPU)], min_available=1))

    assert [bind.task for bind in plan.binds] == ["b"]
    assert plan.started == []


@pytest.mark.parametrize("level", ["", "rack"])
def test_groups_take_their_places_by_name_before_pod_sets(level: str) -> None:
    """With a topology or without: the order in which a gang's parts were listed decides nothing."""
    parts = {"b-workers": "second", "a-head": "first"}
    groups = tuple(
        SubGroup(
            name,
            pod_sets=(PodSet(pod_set),),
            topology=TopologyConstraint("net", "", level) if level else None,
        )
        for name, pod_set in parts.items()
    )
    tree = SubGroup(groups=groups, pod_sets=(PodSet("alone"),))
    tasks = [Task(name, ONE_GPU, pod_set=name) for name in ("alone", "second", "first")]
    nodes = [Node(name, gpus=1, labels={"rack": "r"}) for name in ("n1", "n2", "n3")]

    plan = decide(nodes, Gang("g", "vision", tasks, root=tree))

    assert {bind.task: bind.node for bind in plan.binds} == {"first": "n1", "second": "n2", "alone": "n3"}
