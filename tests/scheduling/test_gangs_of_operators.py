"""A cycle on pods of other projects' operators: whole gangs, with enough of each part, once it is known what is enough."""

from typing import Any

import pytest

from cluster.labels import QUEUE
from tests.scheduling.documents import Document, make_node, make_pod
from tests.scheduling.fake_cluster import FakeCluster

pytestmark = pytest.mark.django_db(transaction=True)


def ray_cluster() -> Document:
    """A head, and at least one worker of each of two groups."""
    groups = [{"groupName": name, "replicas": 3, "minReplicas": 1} for name in ("large", "small")]
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "metadata": {"name": "ray", "namespace": "runai-vision", "uid": "ray-uid"},
        "spec": {"workerGroupSpecs": groups},
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
