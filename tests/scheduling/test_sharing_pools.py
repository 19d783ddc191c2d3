"""Gangs that may go to several pools, and what holds a place besides our own pods."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from cluster.labels import GPU_RESOURCE, NODE_POOLS, QUEUE, REFUSAL
from organization.quotas import Quota
from organization.services import quotas
from scheduling.company import version_of
from scheduling.models import Decision, GangState
from tests.conftest import Acme
from tests.scheduling.documents import make_node, make_pod
from tests.scheduling.fake_cluster import FakeCluster

pytestmark = pytest.mark.django_db(transaction=True)
VISION = {QUEUE: "vision"}


def test_a_gang_is_offered_to_one_pool_after_the_other(make_runner: Any) -> None:
    nodes = [make_node("h", gpus=1, pool="h100"), make_node("a", gpus=8, pool="a100")]
    pod = make_pod("t", gpus=4, labels=VISION, annotations={NODE_POOLS: "h100,a100"})
    cluster = FakeCluster(nodes=nodes, pods=[pod])

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"t": "a"}
    assert GangState.objects.get(name="t").pool == "a100"


def test_whom_no_pool_takes_is_told_what_each_said_and_begins_with_the_first_again(make_runner: Any) -> None:
    nodes = [make_node("h", gpus=1, pool="h100"), make_node("a", gpus=2, pool="a100")]
    pod = make_pod("t", gpus=4, labels=VISION, annotations={NODE_POOLS: "a100,h100"})
    cluster = FakeCluster(nodes=nodes, pods=[pod])
    runner = make_runner(cluster)

    runner.run(cluster.world)

    message = json.loads(cluster.pod("t")["metadata"]["annotations"][REFUSAL])["message"]
    assert message.startswith("In a100: ")
    assert " In h100: " in message
    assert GangState.objects.get(name="t").pool == "a100"
    written = len(cluster.made("patch"))
    runner.run(cluster.world)
    assert len(cluster.made("patch")) == written, "what stays true is not told again"
    assert Decision.objects.count() == 1


def test_what_runs_in_one_pool_grows_only_there_and_is_told_so(make_runner: Any) -> None:
    """Its other pools are not asked: a gang is never in two."""
    nodes = [make_node("h", gpus=4, pool="h100"), make_node("a", gpus=8, pool="a100")]
    wish = {"labels": VISION, "annotations": {NODE_POOLS: "h100,a100"}, "owner": ("StatefulSet", "s")}
    cluster = FakeCluster(nodes=nodes, pods=[make_pod("s-0", gpus=4, **wish)])
    runner = make_runner(cluster)
    runner.run(cluster.world)
    cluster.add(make_pod("s-1", gpus=4, **wish))

    for _ in range(2):
        runner.run(cluster.world)

    assert cluster.placed() == {"s-0": "h"}
    refusal = json.loads(cluster.pod("s-1")["metadata"]["annotations"][REFUSAL])
    assert refusal["pool"] == "h100"
    assert refusal.get("counterfactual", {}).get("kind") != "other-pool"
    assert GangState.objects.get(name="s").pool == "h100"


def test_a_waiting_gang_is_told_the_smallest_change_that_would_start_it(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n", gpus=3)], pods=[make_pod("t", gpus=4, labels=VISION)])

    make_runner(cluster).run(cluster.world)

    change = json.loads(cluster.pod("t")["metadata"]["annotations"][REFUSAL])["counterfactual"]
    assert (change["kind"], change["amount"]) == ("fewer-devices", 3)


def test_an_edit_of_a_quota_is_noticed_by_the_next_tick(acme: Acme, root: User) -> None:
    before = version_of(acme.cluster)
    assert version_of(acme.cluster) == before
    pool = acme.cluster.node_pools.get(name="h100")
    quotas.set_quota(actor=root, unit=acme.research, pool=pool, quota=Quota(gpu_deserved_milli=64_000))
    assert version_of(acme.cluster) != before


def test_without_a_word_the_projects_own_pools_are_offered(make_runner: Any, acme: Acme) -> None:
    acme.vision.default_node_pools = ["h100"]
    acme.vision.save()
    nodes = [make_node("h", pool="h100"), make_node("plain")]
    cluster = FakeCluster(nodes=nodes, pods=[make_pod("t", gpus=1, labels=VISION)])

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"t": "h"}


def test_who_is_offered_only_a_full_pool_is_told_of_another_with_room(make_runner: Any, acme: Acme) -> None:
    acme.vision.default_node_pools = ["h100"]
    acme.vision.save()
    labels = {**VISION, "kai.scheduler/node-pool": "h100"}
    cluster = FakeCluster(
        nodes=[make_node("h", pool="h100", gpus=1), make_node("a", pool="a100", gpus=8)],
        pods=[make_pod("first", gpus=1, labels=labels, node="h", phase="Running"), make_pod("t", gpus=1, labels=labels)],
    )  # fmt: skip

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"first": "h"}
    (condition,) = cluster.pod("t")["status"]["conditions"]
    assert "It would start in node pool a100." in condition["message"]


def test_a_project_with_the_name_of_its_department_still_has_its_own_queue(
    make_runner: Any, acme: Acme
) -> None:
    acme.research.name = "vision"
    acme.research.save()
    cluster = FakeCluster(nodes=[make_node("n1")], pods=[make_pod("t", gpus=1, labels=VISION)])

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"t": "n1"}


def test_a_node_with_a_pod_nobody_can_read_takes_no_new_work(make_runner: Any) -> None:
    strange = make_pod("strange", namespace="x", gpus=1, node="n1", phase="Running", scheduler="other")
    strange["spec"]["containers"][0]["resources"]["requests"][GPU_RESOURCE] = "NaN"
    cluster = FakeCluster(
        nodes=[make_node("n1"), make_node("n2")],
        pods=[strange, make_pod("t", gpus=1, labels=VISION)],
    )

    make_runner(cluster).run(cluster.world)

    assert cluster.placed()["t"] == "n2"


def test_a_gated_pod_waits_for_its_gate(make_runner: Any) -> None:
    pod = make_pod("t", gpus=1, labels=VISION)
    pod["spec"]["schedulingGates"] = [{"name": "wait"}]
    cluster = FakeCluster(nodes=[make_node("n1")], pods=[pod])
    runner = make_runner(cluster)
    runner.run(cluster.world)
    assert cluster.placed() == {}

    del cluster.pod("t")["spec"]["schedulingGates"]
    cluster.pod("t")["metadata"]["resourceVersion"] = "2"
    runner.run(cluster.world)
    assert cluster.placed() == {"t": "n1"}


def test_pods_of_a_gang_that_ended_well_count_towards_its_minimum(make_runner: Any) -> None:
    told = {"runai.io/gang": '{"name": "g", "minimum": 3}'}
    pods = [
        make_pod(f"g-{n}", gpus=1, labels=VISION, annotations=told, owner=("Job", "g"), node="n1", phase="Succeeded")
        for n in range(2)
    ]  # fmt: skip
    last = make_pod("g-2", gpus=1, labels=VISION, annotations=told, owner=("Job", "g"))
    cluster = FakeCluster(nodes=[make_node("n1")], pods=[*pods, last])

    make_runner(cluster).run(cluster.world)

    assert cluster.placed()["g-2"] == "n1"


def test_a_gang_that_is_gone_is_marked_and_comes_back_as_itself(make_runner: Any) -> None:
    pod = make_pod("t", gpus=1, labels=VISION, owner=("StatefulSet", "s"))
    cluster = FakeCluster(nodes=[make_node("n1")], pods=[pod])
    runner = make_runner(cluster)
    runner.run(cluster.world)
    cluster.objects["pods"].clear()
    runner.run(cluster.world)
    assert GangState.objects.get().gone_at is not None

    cluster.add(make_pod("t", gpus=1, labels=VISION, owner=("StatefulSet", "s")))
    runner.run(cluster.world)
    assert GangState.objects.get().gone_at is None


def test_a_cycle_costs_the_same_number_of_queries_for_many_pods(
    make_runner: Any, django_assert_max_num_queries: Any
) -> None:
    cluster = FakeCluster(
        nodes=[make_node(f"n{n}") for n in range(10)],
        pods=[make_pod(f"t-{n}", gpus=1, labels=VISION) for n in range(60)],
    )
    runner = make_runner(cluster)

    with django_assert_max_num_queries(52):
        report = runner.run(cluster.world)

    assert report.bound == 60
