"""The whole way over HTTP: watch caches, a cycle, bindings and reasons on the simulated API server."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.client import ClusterClient
from cluster.documents import condition_of
from cluster.errors import AlreadyExists
from cluster.kinds import EVENTS, LEASES, NAMESPACES, NODES, PODS, SERVICE_ACCOUNTS, TOPOLOGIES
from cluster.labels import QUEUE, REFUSAL
from scheduling.engine import SchedulerConfig
from scheduling.models import PoolScheduler
from scheduling.watching import ClusterWatch
from scheduling.world import KINDS
from tests.cluster.servers import served
from tests.cluster.waiting import eventually
from tests.conftest import Acme
from tests.scheduling.documents import make_node, make_pod

pytestmark = pytest.mark.django_db
NAMESPACE = "runai-vision"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterClient]:
    with served(tmp_path_factory.mktemp("scheduling")) as server:
        found = ClusterClient.connect(server.settings.kubeconfig)
        found.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        make_account(found)
        for name in ("n1", "n2"):
            add_node(found, name)
        yield found
        found.close()


def make_account(client: ClusterClient) -> None:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": NAMESPACE},
    }
    try:
        client.create(SERVICE_ACCOUNTS, account, namespace=NAMESPACE)
    except AlreadyExists:
        return


def stored(document: dict[str, Any]) -> dict[str, Any]:
    """Without what the server gives itself."""
    for key in ("uid", "resourceVersion", "creationTimestamp"):
        document["metadata"].pop(key, None)
    document.pop("status", None)
    return document


def add_node(client: ClusterClient, name: str) -> None:
    node = make_node(name, gpus=4)
    status = node["status"]
    client.create(NODES, stored(node))
    client.merge_patch(NODES, name, {"status": status}, subresource="status")


def add_pod(client: ClusterClient, name: str, gpus: int) -> None:
    client.create(PODS, stored(make_pod(name, gpus=gpus, labels={QUEUE: "vision"})), namespace=NAMESPACE)


@pytest.fixture
def watch(acme: Acme, client: ClusterClient) -> Iterator[ClusterWatch]:
    found = ClusterWatch(acme.cluster, client, SchedulerConfig())
    found.start()
    assert all(cache.synced(30) for cache in found.caches)
    yield found
    found.stop()
    client.delete_collection(PODS, NAMESPACE)
    assert eventually(lambda: not client.list(PODS, NAMESPACE).items or remove(client))


def remove(client: ClusterClient) -> bool:
    """No kubelet runs here, so bound pods are taken away at once."""
    for pod in client.list(PODS, NAMESPACE).items:
        client.delete(PODS, pod["metadata"]["name"], NAMESPACE, grace_seconds=0)
    return not client.list(PODS, NAMESPACE).items


def node_of(client: ClusterClient, pod: str) -> str:
    return str(client.get(PODS, pod, NAMESPACE)["spec"].get("nodeName") or "")


def reasons_told(client: ClusterClient) -> set[str]:
    return {event["reason"] for event in client.list(EVENTS, NAMESPACE).items}


def run_until(watch: ClusterWatch, claim: Any) -> bool:
    return eventually(lambda: (bool(watch.run_if_due()) and claim()) or claim())


def test_pods_are_bound_and_the_one_that_does_not_fit_says_why(
    watch: ClusterWatch, client: ClusterClient
) -> None:
    for number in range(4):
        add_pod(client, f"fits-{number}", 2)
    add_pod(client, "too-big", 8)

    assert run_until(watch, lambda: all(node_of(client, f"fits-{n}") for n in range(4)))

    nodes = [node_of(client, f"fits-{n}") for n in range(4)]
    assert sorted(nodes) == ["n1", "n1", "n2", "n2"]
    assert run_until(
        watch, lambda: REFUSAL in client.get(PODS, "too-big", NAMESPACE)["metadata"].get("annotations", {})
    )
    condition = condition_of(client.get(PODS, "too-big", NAMESPACE), "PodScheduled")
    assert condition is not None
    assert (condition["status"], "8 GPUs" in condition["message"]) == ("False", True)
    assert eventually(lambda: {"Scheduled", "FailedScheduling"} <= reasons_told(client))


def test_a_place_that_becomes_free_is_given_in_the_next_cycle(
    watch: ClusterWatch, client: ClusterClient
) -> None:
    for number in range(2):
        add_pod(client, f"all-{number}", 4)
    assert run_until(watch, lambda: node_of(client, "all-0") and node_of(client, "all-1"))
    add_pod(client, "next", 4)
    assert run_until(watch, lambda: condition_of(client.get(PODS, "next", NAMESPACE), "PodScheduled"))
    assert not node_of(client, "next")

    client.delete(PODS, "all-0", NAMESPACE, grace_seconds=0)

    assert run_until(watch, lambda: node_of(client, "next"))


def test_standing_still_runs_nothing(watch: ClusterWatch, client: ClusterClient) -> None:
    assert eventually(watch.run_if_due)
    assert eventually(lambda: watch.run_if_due() is None)
    assert watch.run_if_due() is None
    standing = PoolScheduler.objects.get(pool="default")
    assert standing.error == ""


def test_the_leases_lie_in_our_own_namespace(watch: ClusterWatch, client: ClusterClient) -> None:
    assert eventually(watch.run_if_due)

    names = {lease["metadata"]["name"] for lease in client.list(LEASES, "runai").items}
    assert {"runai-scheduler-default", "runai-scheduler-h100", "runai-scheduler-a100"} <= names


def test_a_kind_the_cluster_does_not_know_stands_in_nobodys_way(watch: ClusterWatch) -> None:
    topologies = watch.caches[KINDS.index(TOPOLOGIES)]
    assert topologies.items() == []
    assert topologies.healthy
