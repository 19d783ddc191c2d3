"""`kubectl apply` of a custom resource is a submission like any other."""

from collections.abc import Callable
from typing import Any

import pytest

from cluster import labels
from cluster.kinds import JOBS, TRAINING_WORKLOADS
from tests.conftest import Acme
from tests.workloads.factories import make_workload
from tests.workloads.fake_cluster import FakeCluster
from workloads.adopting import adopt
from workloads.kinds.training import TRAINING
from workloads.models import Workload
from workloads.phases import Phase

NAMESPACE = "runai-vision"


def apply(cluster: FakeCluster, name: str = "by-hand", *, namespace: str = NAMESPACE, **fields: Any) -> None:
    """What kubectl sends: no labels of ours."""
    spec = {"image": {"value": "pytorch:2"}, "gpu": {"value": 2}, **fields}
    metadata = {"name": name, "namespace": namespace}
    kind = {"apiVersion": TRAINING_WORKLOADS.api_version, "kind": TRAINING_WORKLOADS.kind}
    cluster.create(TRAINING_WORKLOADS, {**kind, "metadata": metadata, "spec": spec})


def take_in(cluster: FakeCluster, acme: Acme, name: str = "by-hand", namespace: str = NAMESPACE) -> None:
    adopt(str(acme.cluster.pk), cluster, TRAINING, namespace, name)  # type: ignore[arg-type]  # the fake stands in


def status_of(cluster: FakeCluster, name: str = "by-hand") -> dict[str, Any]:
    found: dict[str, Any] = cluster.one(TRAINING_WORKLOADS, name).get("status", {})
    return found


def test_it_becomes_a_row_and_runs(
    acme: Acme, cluster: FakeCluster, reconcile: Callable[[object], None]
) -> None:
    apply(cluster)
    take_in(cluster, acme)

    row = Workload.objects.get()
    assert (row.name, row.project, row.source, row.submitted_by) == ("by-hand", acme.vision, "k8s", "kubectl")
    assert (row.requested_gpu_milli, row.is_sent) == (2000, True)
    marks = cluster.one(TRAINING_WORKLOADS, "by-hand")["metadata"]["labels"]
    assert marks[labels.WORKLOAD_ID] == str(row.pk)
    assert marks[labels.QUEUE] == "vision"

    reconcile(row.pk)
    template = cluster.one(JOBS, "by-hand")["spec"]["template"]
    assert template["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] in (2, "2")


def test_taking_it_in_twice_makes_one_row(acme: Acme, cluster: FakeCluster) -> None:
    apply(cluster)
    take_in(cluster, acme)
    document = cluster.one(TRAINING_WORKLOADS, "by-hand")
    document["metadata"]["labels"].pop(labels.WORKLOAD_ID)  # as after a crash between the row and the labels
    take_in(cluster, acme)

    row = Workload.objects.get()
    assert document["metadata"]["labels"][labels.WORKLOAD_ID] == str(row.pk)


def test_one_made_suspended_is_stopped(
    acme: Acme, cluster: FakeCluster, reconcile: Callable[[object], None]
) -> None:
    apply(cluster, suspend={"value": True})
    take_in(cluster, acme)
    row = Workload.objects.get()
    reconcile(row.pk)
    row.refresh_from_db()
    assert row.phase == Phase.STOPPED


@pytest.mark.parametrize(
    ("namespace", "fields", "said"),
    [
        ("elsewhere", {}, "The namespace elsewhere belongs to no project."),
        (NAMESPACE, {"gpu": {"value": -1}}, "gpuDevicesRequest"),
        (NAMESPACE, {"nodePools": {"value": ["moon"]}}, "has no pool moon"),
        (NAMESPACE, {"priorityClass": {"value": "urgent"}}, "There is no priority 'urgent'"),
    ],
)
def test_what_cannot_be_taken_in_is_told_why(
    acme: Acme, cluster: FakeCluster, namespace: str, fields: dict[str, Any], said: str
) -> None:
    apply(cluster, namespace=namespace, **fields)
    take_in(cluster, acme, namespace=namespace)

    assert not Workload.objects.exists()
    assert status_of(cluster)["phase"] == "Failed"
    assert said in status_of(cluster)["message"]
    cluster.calls.clear()
    take_in(cluster, acme, namespace=namespace)
    assert [verb for verb, *_ in cluster.calls] == ["get"], "nothing new is said twice"


def test_a_name_that_waits_to_be_sent_is_taken(acme: Acme, ada: Any, cluster: FakeCluster) -> None:
    make_workload("by-hand", project=acme.vision, by=ada)
    apply(cluster)
    take_in(cluster, acme)

    assert Workload.objects.count() == 1
    assert "vision has a workload by-hand already" in status_of(cluster)["message"]


def test_a_resource_that_is_gone_meanwhile_is_no_trouble(acme: Acme, cluster: FakeCluster) -> None:
    take_in(cluster, acme)
    assert not Workload.objects.exists()
