"""Metrics and telemetry over REST: the same figures for the same people."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from organization.models import Node

pytestmark = pytest.mark.django_db
HOUR = "start=2030-01-01T11:30:00Z&end=2030-01-01T12:30:00Z"


def get(client: Client, person: User, address: str) -> Any:
    client.force_login(person)
    return client.get(f"/api/v1/{address}")


def last_value(body: Any) -> float:
    return float(body["measurements"][0]["values"][-1]["value"])


def test_a_cluster_is_answered_as_far_as_one_sees_it(
    measured: Any, root: User, cyd: User, client: Client
) -> None:
    address = f"clusters/{measured.cluster.pk}/metrics?{HOUR}&metricType=ALLOCATED_GPU"
    assert last_value(get(client, root, address).json()) == 4
    assert last_value(get(client, cyd, address).json()) == 1
    total = get(client, cyd, address.replace("ALLOCATED_GPU", "TOTAL_GPU")).json()
    assert total["measurements"][0]["values"] == []


def test_a_pool_and_a_project_have_their_own_figures(
    measured: Any, root: User, ada: User, client: Client
) -> None:
    pools = f"clusters/{measured.cluster.pk}/nodepools"
    assert last_value(get(client, root, f"{pools}/h100/metrics?{HOUR}&metricType=ALLOCATED_GPU").json()) == 4
    assert get(client, root, f"{pools}/none/metrics?{HOUR}&metricType=ALLOCATED_GPU").status_code == 404
    project = f"org-unit/projects/{measured.vision.pk}/metrics?{HOUR}&metricType=GPU_ALLOCATION"
    assert last_value(get(client, ada, project).json()) == 2


def test_a_workload_is_for_those_who_see_it(
    measured: Any, ada: User, cyd: User, client: Client, vision_workload: uuid.UUID
) -> None:
    address = f"workloads/{vision_workload}/metrics?{HOUR}&metricType=GPU_UTILIZATION,GPU_ALLOCATION"
    body = get(client, ada, address).json()
    assert [one["type"] for one in body["measurements"]] == ["GPU_UTILIZATION", "GPU_ALLOCATION"]
    assert last_value(body) == pytest.approx(70)
    assert get(client, cyd, address).status_code == 404


def test_a_node_gives_each_gpu_to_those_who_see_nodes(
    measured: Any, root: User, ada: User, client: Client
) -> None:
    node = Node.objects.get(name="h100-01")
    address = f"nodes/{node.pk}/metrics?{HOUR}&metricType=GPU_UTILIZATION_PER_GPU&numberOfSamples=5"
    body = get(client, root, address).json()
    assert [one["labels"]["gpu"] for one in body["measurements"]] == list("01234567")
    assert get(client, ada, address).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("metricType=ALLOCATED_GPU", "start"),
        (f"{HOUR}", "metricType"),
        (f"{HOUR}&metricType=NONSENSE", "metricType"),
        (f"{HOUR}&metricType=ALLOCATED_GPU&numberOfSamples=1001", "numberOfSamples"),
        (f"{HOUR}&metricType=ALLOCATED_GPU&numberOfSamples=-1", "numberOfSamples"),
        ("start=x&end=2030-01-01T12:30:00Z&metricType=ALLOCATED_GPU", "start"),
        ("start=2030-01-01T13:00:00Z&end=2030-01-01T12:30:00Z&metricType=ALLOCATED_GPU", "start"),
    ],
)
def test_a_question_that_cannot_be_answered_names_its_field(
    measured: Any, root: User, client: Client, query: str, field: str
) -> None:
    answer = get(client, root, f"clusters/{measured.cluster.pk}/metrics?{query}")
    assert answer.status_code == 422
    assert field in str(answer.json()["errors"])


def test_telemetry_sums_by_group_and_says_unknown(
    measured: Any, root: User, ada: User, client: Client
) -> None:
    def values(kind: str, person: User = root, extra: str = "") -> Any:
        return get(client, person, f"nodes/telemetry?telemetryType={kind}{extra}").json()["values"]

    assert values("TOTAL_GPUS") == [{"value": "16", "groups": []}]
    assert values("FREE_GPUS", extra="&groupBy=Node") == [
        {"value": "5", "groups": [{"key": "Node", "value": "h100-01"}]},
        {"value": "7", "groups": [{"key": "Node", "value": "h100-02"}]},
    ]
    assert values("USED_CPU_CORES")[0]["value"] is None, "kubelet pages were not read"
    assert values("TOTAL_GPUS", person=ada) == [{"value": "0", "groups": []}]
    assert get(client, root, "nodes/telemetry?telemetryType=X&groupBy=Y").status_code == 422
