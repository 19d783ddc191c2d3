"""Workloads over REST: the same rules as the pages, in the shapes of Run:ai's API."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from access.models import AuditEvent
from tests.conftest import Acme
from tests.workloads.factories import IMAGE, make_workload
from tests.workloads.fake_cluster import FakeCluster
from workloads.models import Workload

TRAININGS = "/api/v1/workloads/trainings"
WORKLOADS = "/api/v1/workloads"


@pytest.fixture
def api(ada: User, cluster: FakeCluster) -> APIClient:
    client = APIClient()
    client.force_authenticate(ada)
    return client


def body(acme: Acme, **fields: Any) -> dict[str, Any]:
    spec = {
        "image": IMAGE,
        "compute": {"gpuDevicesRequest": 2, "cpuCoreRequest": 0.5, "cpuMemoryRequest": "20M"},
    }
    return {
        "name": "w1",
        "projectId": str(acme.vision.pk),
        "clusterId": str(acme.cluster.pk),
        "spec": spec,
    } | fields


def pointers(answer: Any) -> set[str]:
    return {error["pointer"] for error in answer.json()["errors"]}


def test_a_training_is_accepted_and_answered_in_full(api: APIClient, acme: Acme) -> None:
    answer = api.post(TRAININGS, body(acme), format="json")
    row = answer.json()

    assert answer.status_code == 202
    assert row["desiredPhase"] == "Running"
    assert row["actualPhase"] == "Creating"
    assert row["spec"]["compute"]["cpuMemoryRequest"] == "20M"
    assert row["spec"]["backoffLimit"] == 6
    assert api.get(f"{TRAININGS}/{row['workloadId']}").json() == row
    assert AuditEvent.objects.get(entity_id=row["workloadId"]).action == "Create"


def test_all_mistakes_are_told_at_once_with_their_place(api: APIClient, acme: Acme) -> None:
    wrong = body(
        acme,
        name="W1",
        colour="red",
        spec={
            "image": "",
            "compute": {"gpuDevicesRequest": -1, "gpuPortionRequest": 0.5, "cpuMemoryRequest": "x"},
            "parallelism": 5,
            "completions": 2,
            "environmentVariables": [{"name": "1A", "value": "x"}],
            "typo": 1,
        },
    )
    answer = api.post(TRAININGS, wrong, format="json")

    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert pointers(answer) == {
        "/name",
        "/colour",
        "/spec/image",
        "/spec/compute/gpuDevicesRequest",
        "/spec/compute/gpuRequestType",
        "/spec/compute/cpuMemoryRequest",
        "/spec/parallelism",
        "/spec/environmentVariables/0/name",
        "/spec/typo",
    }


def test_a_taken_name_is_a_conflict_and_a_prefix_avoids_it(api: APIClient, acme: Acme) -> None:
    api.post(TRAININGS, body(acme), format="json")

    assert api.post(TRAININGS, body(acme), format="json").status_code == 409
    answer = api.post(TRAININGS, body(acme, useGivenNameAsPrefix=True), format="json")
    assert answer.status_code == 202
    assert answer.json()["requestedName"] == "w1"
    assert answer.json()["name"].startswith("w1-")


def test_the_same_idempotency_key_gives_the_first_submission_again(api: APIClient, acme: Acme) -> None:
    first = api.post(TRAININGS, body(acme), format="json", headers={"Idempotency-Key": "k1"})
    again = api.post(TRAININGS, body(acme), format="json", headers={"Idempotency-Key": "k1"})

    assert again.status_code == 202
    assert again.json()["workloadId"] == first.json()["workloadId"]
    assert Workload.objects.count() == 1


def test_a_dry_run_checks_and_keeps_nothing(api: APIClient, acme: Acme) -> None:
    assert api.post(f"{TRAININGS}?dryRun=true", body(acme), format="json").status_code == 200
    assert api.post(f"{TRAININGS}?dryRun=true", body(acme, name="-"), format="json").status_code == 422
    assert not Workload.objects.exists()
    assert not AuditEvent.objects.exists()


def test_an_unknown_pool_is_told_with_those_there_are(api: APIClient, acme: Acme) -> None:
    answer = api.post(TRAININGS, body(acme, spec={"image": IMAGE, "nodePools": ["h200"]}), format="json")

    assert answer.status_code == 422
    assert pointers(answer) == {"/spec/nodePools"}
    assert "a100, default, h100" in answer.json()["detail"]


def test_a_project_one_may_not_see_does_not_exist(api: APIClient, acme: Acme) -> None:
    answer = api.post(TRAININGS, body(acme, projectId=str(acme.speech.pk)), format="json")

    assert answer.status_code == 422
    assert pointers(answer) == {"/projectId"}


def test_a_viewer_may_not_submit(acme: Acme, eve: User, cluster: FakeCluster) -> None:
    client = APIClient()
    client.force_authenticate(eve)

    assert client.post(TRAININGS, body(acme), format="json").status_code == 403


def test_a_stranger_gets_404(acme: Acme, ada: User, cyd: User, cluster: FakeCluster) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    client = APIClient()
    client.force_authenticate(cyd)

    for path in (
        f"{WORKLOADS}/{workload.pk}",
        f"{WORKLOADS}/{workload.pk}/pods",
        f"{TRAININGS}/{workload.pk}",
    ):
        assert client.get(path).status_code == 404
    assert client.delete(f"{TRAININGS}/{workload.pk}").status_code == 404
    assert client.post(f"{TRAININGS}/{workload.pk}/suspend").status_code == 404
    assert client.get(WORKLOADS).json() == {"workloads": []}


def test_suspend_resume_and_delete(api: APIClient, acme: Acme, ada: User) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    path = f"{TRAININGS}/{workload.pk}"

    assert api.post(f"{path}/suspend").json()["desiredPhase"] == "Stopped"
    assert api.post(f"{path}/suspend").status_code == 409  # nothing to stop any more
    assert api.post(f"{path}/resume").json()["desiredPhase"] == "Running"
    answer = api.delete(path)
    assert (answer.status_code, answer.json()["desiredPhase"]) == (202, "Deleted")


def test_pages_follow_each_other_until_there_is_no_next(api: APIClient, acme: Acme, ada: User) -> None:
    for index in range(5):
        make_workload(f"w-{index}", project=acme.vision, by=ada)
    seen, offset = [], 0
    while True:
        answer = api.get(WORKLOADS, {"limit": 2, "offset": offset, "sortBy": "name"}).json()
        seen += [row["name"] for row in answer["workloads"]]
        if "next" not in answer:
            break
        offset = answer["next"]

    assert seen == [f"w-{index}" for index in range(5)]
    assert api.get(f"{WORKLOADS}/count").json() == {"count": 5}


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("name==big", {"big"}),
        ("name!=big", {"small"}),
        ("name=@ma", {"small"}),
        ("name=^b", {"big"}),
        ("requestedGPU>=4", {"big"}),
        ("type==Training", {"big", "small"}),
        ("createdAt>=2999-01-01T00:00:00Z", set()),
    ],
)
def test_filters(api: APIClient, acme: Acme, ada: User, condition: str, names: set[str]) -> None:
    make_workload("big", project=acme.vision, by=ada, gpus=8)
    make_workload("small", project=acme.vision, by=ada, gpus=0)
    answer = api.get(WORKLOADS, {"filterBy": condition}).json()

    assert {row["name"] for row in answer["workloads"]} == names


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "offset=-1",
        "sortBy=colour",
        "sortOrder=up",
        "filterBy=colour==red",
        "filterBy=name",
        "filterBy=createdAt=@2030",
        "filterBy=createdAt>=yesterday",
        "filterBy=name>=a",
        "filterBy=projectId==x",
        "filterBy=id==x",
        "deleted=maybe",
    ],
)
def test_a_list_asked_for_wrongly_is_refused(api: APIClient, acme: Acme, query: str) -> None:
    answer = api.get(f"{WORKLOADS}?{query}")

    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_telemetry_counts_by_group(api: APIClient, acme: Acme, ada: User) -> None:
    make_workload("a", project=acme.vision, by=ada)
    answer = api.get(
        f"{WORKLOADS}/telemetry", {"telemetryType": "WORKLOADS_COUNT", "groupBy": "Phase"}
    ).json()

    assert answer["values"] == [{"value": "1", "groups": [{"key": "Phase", "value": "Creating"}]}]


def test_the_events_of_a_workload_begin_with_its_submission(api: APIClient, acme: Acme, ada: User) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    rows = api.get(f"{WORKLOADS}/{workload.pk}/history/events").json()["events"]

    assert rows[-1]["reason"] == "Submitted"
