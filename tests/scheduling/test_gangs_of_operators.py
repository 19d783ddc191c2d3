"""A cycle on pods of other projects' operators: whole gangs, with enough of each part, once it is known what is enough."""

from typing import Any

import pytest

from cluster.labels import QUEUE
from tests.scheduling.conftest import Clock
from tests.scheduling.documents import Document, make_node, make_pod
from tests.scheduling.fake_cluster import FakeCluster

pytestmark = pytest.mark.django_db(transaction=True)


def ray_cluster(*groups: Document) -> Document:
    """A head, and at least one worker of each of two groups if nothing else is said."""
    usual = ({"groupName": name, "replicas": 3, "minReplicas": 1} for name in ("large", "small"))
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "metadata": {"name": "ray", "namespace": "runai-vision", "uid": "ray-uid"},
        "spec": {"workerGroupSpecs": [*(groups or usual)]},
    }


def ray_pod(name: str, group: str, gpus: int) -> Document:
    labels = {QUEUE: "vision", "ray.io/group": group, "ray.io/node-type": "worker"}
    if group == "headgroup":
        labels["ray.io/node-type"] = "head"
    pod = make_pod(name, gpus=gpus, labels=labels)
    owner = {"apiVersion": "ray.io/v1", "kind": "RayCluster", "name": "ray", "uid": "ray-uid"}
    pod["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    return pod


def pods() -> list[Document]:
    large = [ray_pod(f"large-{number}", "large", 1) for number in range(3)]
    return [ray_pod("head", "headgroup", 0), *large, ray_pod("small-0", "small", 8)]


def test_many_of_one_part_do_not_stand_in_for_another(make_runner: Any) -> None:
    """Head and three large workers would fit, but not the one of the other group that must be there."""
    cluster = FakeCluster(nodes=[make_node("n1", gpus=4)], pods=pods())
    cluster.objects["rayclusters"] = {("runai-vision", "ray"): ray_cluster()}

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {}


def test_what_is_more_than_enough_starts_as_far_as_it_fits(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1", gpus=10)], pods=pods())
    cluster.objects["rayclusters"] = {("runai-vision", "ray"): ray_cluster()}
    runner = make_runner(cluster)

    for _ in range(2):
        runner.run(cluster.world)

    assert len(cluster.placed()) == 4
    assert {"head", "small-0"} <= cluster.placed().keys()


def test_nobody_starts_before_it_is_known_with_whom(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1", gpus=16)], pods=pods())
    runner = make_runner(cluster)
    runner.run(cluster.world)
    assert cluster.placed() == {}
    assert "RayCluster runai-vision/ray" in cluster.pod("head")["status"]["conditions"][0]["message"]

    cluster.objects["rayclusters"] = {("runai-vision", "ray"): ray_cluster()}
    for _ in range(3):
        runner.run(cluster.world)

    assert len(cluster.placed()) == 5


def run_for(cluster: FakeCluster, runner: Any, clock: Clock, seconds: int) -> None:
    """Whoever is placed runs at once."""
    for _ in range(seconds // 10):
        clock.pass_seconds(10)
        runner.run(cluster.world)
        for pod in cluster.objects["pods"].values():
            if pod["spec"].get("nodeName"):
                pod["status"]["phase"] = "Running"


def scaled(cluster: FakeCluster, replicas: int) -> None:
    found = ray_cluster({"groupName": "large", "replicas": replicas}, {"groupName": "small", "replicas": 0})
    cluster.objects["rayclusters"] = {("runai-vision", "ray"): found}


@pytest.mark.parametrize("restarted", [False, True])
def test_scaling_up_further_than_there_is_room_does_not_stop_what_runs(
    make_runner: Any, product_clock: Clock, restarted: bool
) -> None:
    """Without `minReplicas` all replicas start together, but only when the cluster starts."""
    head, *workers = pods()[:-1]
    cluster = FakeCluster(nodes=[make_node("n1", gpus=2)], pods=[head, workers[0]])
    scaled(cluster, 1)
    runner = make_runner(cluster)
    run_for(cluster, runner, product_clock, 20)
    assert cluster.placed().keys() == {"head", "large-0"}

    scaled(cluster, 3)
    cluster.add(*workers[1:])
    if restarted:
        runner.close()
        runner = make_runner(cluster, holder="second")
    run_for(cluster, runner, product_clock, 200)

    assert cluster.made("delete") == []
    assert cluster.placed().keys() == {"head", "large-0", "large-1"}, "one more fits"


def test_what_runs_without_a_part_that_it_started_with_is_stopped(
    make_runner: Any, product_clock: Clock
) -> None:
    cluster = FakeCluster(
        nodes=[make_node("n1", gpus=2)], pods=[ray_pod("head", "headgroup", 0), *pods()[1:3]]
    )
    scaled(cluster, 2)
    runner = make_runner(cluster)
    run_for(cluster, runner, product_clock, 20)
    scaled(cluster, 3)
    run_for(cluster, runner, product_clock, 100)
    assert cluster.made("delete") == []

    del cluster.objects["pods"]["runai-vision", "large-0"]
    run_for(cluster, runner, product_clock, 100)

    assert set(cluster.made("delete")) == {"head", "large-1"}
