"""The tables say of clusters and nodes what Kubernetes says, and are written only when that changed."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from organization import nodes, periodic, tasks
from organization.models import Cluster, Node
from organization.turns import turn
from tests import factories
from tests.organization.fake_cluster import FakeCluster

pytestmark = pytest.mark.django_db


@pytest.fixture
def kubernetes(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    fake = FakeCluster()
    monkeypatch.setattr(tasks, "client_of", lambda cluster: fake)
    monkeypatch.setattr(
        tasks.node_caches,
        "nodes_of",
        lambda cluster: [d for (k, _), d in fake.objects.items() if k == "nodes"],
    )
    return fake


def look(acme) -> Cluster:
    tasks.look_at_cluster(str(acme.cluster.pk))
    return Cluster.objects.get(pk=acme.cluster.pk)


def test_nodes_are_copied_with_their_gpus_and_pool(acme, kubernetes):
    kubernetes.node(
        "gpu-1",
        **{
            "run.ai/node-pool": "h100",
            "nvidia.com/gpu.product": "NVIDIA-H100",
            "nvidia.com/gpu.memory": "81559",
        },
    )
    kubernetes.node("cpu-1", gpus="0")
    look(acme)
    gpu, cpu = Node.objects.get(name="gpu-1"), Node.objects.get(name="cpu-1")
    assert (gpu.pool.name, gpu.gpu_count, gpu.gpu_product, gpu.gpu_memory_mib) == (
        "h100",
        8,
        "NVIDIA-H100",
        81559,
    )
    assert (gpu.ready, gpu.cpu_milli, gpu.memory_bytes) == (True, 31_500, 2**40)
    assert (cpu.pool.name, cpu.gpu_count, cpu.gpu_memory_mib) == ("default", 0, None)


def test_a_node_that_went_away_says_why_and_since(acme, kubernetes):
    kubernetes.node("gpu-1", ready="Unknown")
    look(acme)
    node = Node.objects.get()
    assert node.ready is False
    assert node.status_message == "NodeStatusUnknown – Kubelet stopped posting node status."
    assert node.status_since.isoformat() == "2030-01-01T11:00:00+00:00"


def test_a_node_without_a_condition_is_unknown(acme, kubernetes):
    kubernetes.node("gpu-1")["status"] = {}
    look(acme)
    assert Node.objects.get().ready is None


def test_nodes_change_and_go(acme, kubernetes):
    kubernetes.node("gpu-1")
    kubernetes.node("gpu-2")
    look(acme)
    kubernetes.node("gpu-1")["spec"]["unschedulable"] = True
    del kubernetes.objects["nodes", "gpu-2"]
    look(acme)
    assert list(Node.objects.values_list("name", "cordoned")) == [("gpu-1", True)]


def test_looking_again_writes_nothing(acme, kubernetes):
    kubernetes.node("gpu-1")
    look(acme)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        tasks.look_at_cluster(str(acme.cluster.pk))
    assert [q["sql"] for q in queries if not q["sql"].startswith("SELECT")] == []


def test_last_seen_is_written_every_five_seconds(acme, kubernetes):
    with time_machine.travel(factories.NOON, tick=False) as clock:
        assert look(acme).last_seen_at == factories.NOON
        clock.shift(timedelta(seconds=4))
        assert look(acme).last_seen_at == factories.NOON
        clock.shift(timedelta(seconds=1))
        assert look(acme).last_seen_at == factories.NOON + timedelta(seconds=5)


def test_a_cluster_is_lost_after_fifteen_seconds_of_silence_and_found_again(acme, kubernetes):
    with time_machine.travel(factories.NOON, tick=False) as clock:
        assert look(acme).state == "Connected"
        kubernetes.is_away = True
        clock.shift(timedelta(seconds=15))
        cluster = look(acme)
        assert (cluster.state, cluster.state_message) == ("Connected", "connection refused")
        clock.shift(timedelta(seconds=1))
        assert look(acme).state == "Disconnected"
        kubernetes.is_away = False
        cluster = look(acme)
        assert (cluster.state, cluster.state_message, cluster.kubernetes_version) == (
            "Connected",
            "",
            "v1.36.3",
        )


def test_a_cluster_is_lost_also_while_a_call_to_it_hangs(acme, kubernetes, monkeypatch):
    monkeypatch.setattr(periodic.look_at_cluster, "apply_async", lambda *args, **options: None)
    with time_machine.travel(factories.NOON, tick=False) as clock:
        look(acme)
        clock.shift(timedelta(seconds=16))
        monkeypatch.setattr(periodic, "STARTED", time.monotonic() - 14)
        periodic.look_at_clusters()
        assert Cluster.objects.get().state == "Connected"
        monkeypatch.setattr(periodic, "STARTED", time.monotonic() - 16)
        periodic.look_at_clusters()
        cluster = Cluster.objects.get()
        assert (cluster.state, cluster.state_message) == ("Disconnected", "No answer for 15 s.")
        assert look(acme).state == "Connected"


def test_a_look_that_hangs_is_not_joined_by_the_next(acme, kubernetes):
    with turn(f"look at {acme.cluster.pk}"):
        look(acme)
        assert Cluster.objects.get().last_seen_at is None
    assert look(acme).last_seen_at is not None


def test_a_cluster_that_never_answered_waits(acme, kubernetes):
    Cluster.objects.update(state="WaitingToConnect")
    kubernetes.is_away = True
    cluster = look(acme)
    assert (cluster.state, cluster.state_message) == ("WaitingToConnect", "connection refused")


def test_a_kubeconfig_that_is_not_there_is_told(acme):
    Cluster.objects.update(kubeconfig="/nowhere/kubeconfig", state="WaitingToConnect")
    cluster = look(acme)
    assert cluster.state == "WaitingToConnect"
    assert "/nowhere/kubeconfig" in cluster.state_message


def test_nodes_stay_while_the_cluster_is_away(acme, kubernetes):
    kubernetes.node("gpu-1")
    look(acme)
    kubernetes.is_away = True
    look(acme)
    assert Node.objects.count() == 1


def test_a_node_matching_two_pools_goes_to_the_older_one(acme):
    newer = factories.make_pool("rack", cluster=acme.cluster, label="rack")
    document = FakeCluster().node("gpu-1", **{"run.ai/node-pool": "h100", "rack": "rack"})
    pools = list(acme.cluster.node_pools.order_by("pk"))
    assert pools[-1] == newer
    assert nodes.facts_of(document, pools)["pool_id"] == acme.cluster.node_pools.get(name="h100").pk
