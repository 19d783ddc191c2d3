"""A node never gives more than it has, and knows after a restart what it gave."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.simulator.gpus import Devices
from cluster.simulator.kubelet.admission import read_pod
from cluster.simulator.kubelet.lives import NodeAgent, PodLife
from cluster.simulator.kubelet.prospects import foresee
from cluster.simulator.kubelet.resizing import resize, resize_deferred, show_resources
from cluster.simulator.kubelet.statuses import status_of
from cluster.simulator.shapes import NodeShape
from cluster.simulator.stages import PodState, advance

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SHAPE = NodeShape("small", 8, 16_384)
ALLOCATABLE = 7500  # millicores: the system keeps half a core


def node() -> NodeAgent:
    return NodeAgent({"metadata": {"name": "n1"}}, SHAPE, Devices("n1", SHAPE), "127.64.0.1")


def pod(name: str, cores: int, *, policy: str = "NotRequired", priority: int = 0) -> dict:
    container = {
        "name": "main",
        "resources": {"requests": {"cpu": str(cores)}},
        "resizePolicy": [{"resourceName": "cpu", "restartPolicy": policy}],
    }
    return {
        "metadata": {"name": name, "namespace": "n", "uid": name, "generation": 1},
        "spec": {"nodeName": "n1", "priority": priority, "containers": [container]},
    }


def running(agent: NodeAgent, document: dict) -> PodLife:
    record = read_pod(agent, document)
    foresee(agent, record, NOON)
    begun = PodState("starting", NOON - timedelta(seconds=record.life.start), NOON)
    record.state, _ = advance(begun, record.life, NOON)
    agent.pods[record.uid] = record
    return record


def ask(agent: NodeAgent, record: PodLife, cores: int) -> bool:
    resources = {"requests": {"cpu": str(cores)}}
    spec = {
        **record.pod["spec"],
        "containers": [{**record.pod["spec"]["containers"][0], "resources": resources}],
    }
    generation = record.pod["metadata"]["generation"] + 1
    record.pod = {
        **record.pod,
        "metadata": {**record.pod["metadata"], "generation": generation},
        "spec": spec,
    }
    return resize(agent, record, NOON)


def given_to(record: PodLife) -> int:
    return record.requests["cpu"]


@given(
    asked=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 12)), max_size=12),
)
def test_a_node_never_gives_more_than_it_has_and_leaves_nobody_waiting_without_need(asked):
    agent = node()
    pods = {name: running(agent, pod(name, 1)) for name in ("a", "b", "c")}

    for name, cores in asked:
        if ask(agent, pods[name], cores):
            resize_deferred(agent, NOON)
        total = sum(given_to(one) for one in pods.values())
        assert total <= ALLOCATABLE
        for one in pods.values():
            wanted = int(one.pod["spec"]["containers"][0]["resources"]["requests"]["cpu"]) * 1000
            assert (one.deferred is None) == (given_to(one) == wanted)
            if one.deferred is not None:
                assert total - given_to(one) + wanted > ALLOCATABLE


def test_the_most_important_gets_what_is_given_back():
    agent = node()
    small, large = running(agent, pod("a", 2)), running(agent, pod("b", 2, priority=9))
    other = running(agent, pod("c", 3))
    ask(agent, small, 5)
    ask(agent, large, 5)
    assert small.deferred
    assert large.deferred

    ask(agent, other, 1)

    resize_deferred(agent, NOON)
    assert [given_to(one) for one in (small, large, other)] == [2000, 2000, 1000]  # room for neither
    del agent.pods["c"]
    resize_deferred(agent, NOON)
    assert [given_to(one) for one in (small, large)] == [2000, 5000]
    assert small.deferred


def test_a_put_off_resize_is_told_once_for_each_time_it_is_asked_for():
    agent = node()
    record = running(agent, pod("a", 1))
    record.untold.clear()

    assert ask(agent, record, 9)
    assert not resize(agent, record, NOON)
    assert ask(agent, record, 10)

    notes = [one.detail for one in record.untold]
    assert [note.partition(": ")[0] for note in notes] == ["Pod resize OutOfcpu"] * 2
    told = json.loads(notes[0].partition(": ")[2])
    assert told["error"] == "Node didn't have enough resource: cpu, requested: 9000, used: 0, capacity: 7500"


def test_a_restarted_kubelet_knows_what_was_given_and_what_was_put_off():
    agent = node()
    record = running(agent, pod("a", 1))
    ask(agent, record, 3)
    ask(agent, record, 9)
    shown = status_of(record.pod, record.state, host_ip="127.64.0.1", pod_ip=record.ip)
    stored = {**record.pod, "status": show_resources(shown, record)}

    found = read_pod(node(), stored)

    assert (found.allocation, found.requests) == (record.allocation, record.requests)
    assert found.deferred == record.deferred
    assert given_to(found) == 3000


def test_a_condition_that_holds_no_more_is_taken_away_by_name():
    agent = node()
    record = running(agent, pod("a", 1))
    ask(agent, record, 9)
    shown = status_of(record.pod, record.state, host_ip="127.64.0.1", pod_ip=record.ip)
    record.pod = {**record.pod, "status": show_resources(shown, record)}

    ask(agent, record, 2)

    shown = status_of(record.pod, record.state, host_ip="127.64.0.1", pod_ip=record.ip)
    conditions = show_resources(shown, record)["conditions"]
    assert [one for one in conditions if one["type"] == "PodResizePending"] == [
        {"type": "PodResizePending", "$patch": "delete"}
    ]


@pytest.mark.parametrize(("policy", "stage"), [("NotRequired", "running"), ("RestartContainer", "exited")])
def test_a_container_is_restarted_only_where_its_policy_says_so(policy, stage):
    agent = node()
    record = running(agent, pod("a", 1, policy=policy))

    ask(agent, record, 2)

    assert record.state.stage == stage
    assert given_to(record) == 2000
