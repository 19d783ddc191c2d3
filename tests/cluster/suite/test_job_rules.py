"""What a Job may demand of its pods' ends, the same from both servers' controllers."""

from typing import Any

import pytest

from cluster.client import ClusterClient
from cluster.documents import Document, annotations_of, condition_of, name_of
from cluster.kinds import JOBS, PODS
from tests.cluster.suite.objects import job
from tests.cluster.waiting import eventually

FAILING = {"run_seconds": "0.2", "exit_code": "42"}
LASTING = {"run_seconds": "3600"}


def ended(client: ClusterClient, namespace: str, name: str, kind: str) -> dict[str, Any]:
    """The status once the Job has that condition."""

    def look() -> Any:
        found = condition_of(client.get(JOBS, name, namespace), kind)
        return found is not None and found["status"] == "True"

    assert eventually(look, 60), client.get(JOBS, name, namespace).get("status")
    status: dict[str, Any] = client.get(JOBS, name, namespace)["status"]
    return status


def reason_of(status: dict[str, Any], kind: str) -> tuple[str | None, str | None]:
    found = condition_of({"status": status}, kind)
    assert found is not None
    return found.get("reason"), found.get("message")


def pods_of(client: ClusterClient, namespace: str, name: str) -> list[Document]:
    return client.list(PODS, namespace, label_selector=f"batch.kubernetes.io/job-name={name}").items


def tell(client: ClusterClient, namespace: str, pod: Document, **told: str) -> None:
    notes = {f"simulator/{key.replace('_', '-')}": value for key, value in told.items()}
    client.merge_patch(PODS, name_of(pod), {"metadata": {"annotations": notes}}, namespace=namespace)


def test_an_exit_code_can_fail_the_whole_job(client: ClusterClient, namespace: str) -> None:
    rules = [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]
    client.create(
        JOBS,
        job("rules", told=FAILING, completions=2, podFailurePolicy={"rules": rules}),
        namespace=namespace,
    )

    status = ended(client, namespace, "rules", "Failed")

    reason, message = reason_of(status, "Failed")
    assert reason == "PodFailurePolicy"
    assert message is not None
    assert message.startswith(f"Container main for pod {namespace}/rules-")
    assert message.endswith("failed with exit code 42 matching FailJob rule at index 0")


def test_what_still_runs_of_a_job_that_fails_has_failed(client: ClusterClient, namespace: str) -> None:
    made = job("falls", told=LASTING, completions=3, parallelism=3, backoffLimit=0)
    client.create(JOBS, made, namespace=namespace)
    assert eventually(lambda: len(pods_of(client, namespace, "falls")) == 3)

    tell(client, namespace, pods_of(client, namespace, "falls")[0], exit_code="1", run_seconds="0")

    status = ended(client, namespace, "falls", "Failed")
    assert (status["failed"], status.get("succeeded")) == (3, None)
    assert reason_of(status, "Failed")[0] == "BackoffLimitExceeded"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, ("FailedIndexes", "Job has failed indexes")),
        (
            {"maxFailedIndexes": 1},
            ("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"),
        ),
    ],
)
def test_indexes_fail_on_their_own_account(
    client: ClusterClient, namespace: str, more: dict[str, Any], reason: tuple[str, str]
) -> None:
    made = job(
        "indexes",
        told=FAILING,
        completions=3,
        parallelism=1,
        completionMode="Indexed",
        backoffLimitPerIndex=0,
        **more,
    )
    client.create(JOBS, made, namespace=namespace)

    status = ended(client, namespace, "indexes", "Failed")

    assert reason_of(status, "Failed") == reason
    assert status["failedIndexes"] == ("0,1" if more else "0-2")
    pods = pods_of(client, namespace, "indexes")
    assert {annotations_of(pod)["batch.kubernetes.io/job-index-failure-count"] for pod in pods} == {"0"}


def test_an_index_that_failed_is_tried_again_and_remembers(client: ClusterClient, namespace: str) -> None:
    made = job(
        "again",
        told=FAILING,
        completions=1,
        completionMode="Indexed",
        backoffLimitPerIndex=1,
    )
    client.create(JOBS, made, namespace=namespace)

    status = ended(client, namespace, "again", "Failed")

    assert (status["failed"], status["failedIndexes"]) == (2, "0")
    pods = pods_of(client, namespace, "again")
    counts = sorted(annotations_of(pod)["batch.kubernetes.io/job-index-failure-count"] for pod in pods)
    assert counts == ["0", "1"]


def test_a_success_policy_ends_the_job_with_its_leader(client: ClusterClient, namespace: str) -> None:
    rules = [{"succeededIndexes": "1-2", "succeededCount": 1}]
    made = job(
        "leader",
        told=LASTING,
        completions=4,
        parallelism=4,
        completionMode="Indexed",
        successPolicy={"rules": rules},
    )
    client.create(JOBS, made, namespace=namespace)
    assert eventually(lambda: len(pods_of(client, namespace, "leader")) == 4)
    leader = next(
        pod
        for pod in pods_of(client, namespace, "leader")
        if annotations_of(pod)["batch.kubernetes.io/job-completion-index"] == "2"
    )

    tell(client, namespace, leader, run_seconds="0")

    status = ended(client, namespace, "leader", "Complete")
    assert reason_of(status, "Complete") == ("SuccessPolicy", "Matched rules at index 0")
    assert (status["succeeded"], status["completedIndexes"], status.get("failed")) == (1, "2", None)


def test_a_job_of_another_controller_is_left_alone(client: ClusterClient, namespace: str) -> None:
    theirs = job("theirs", told=FAILING, managedBy="example.com/queue")
    client.create(JOBS, theirs, namespace=namespace)
    client.create(JOBS, job("ours", told={"run_seconds": "0.2"}), namespace=namespace)

    ended(client, namespace, "ours", "Complete")

    assert pods_of(client, namespace, "theirs") == []
    assert not client.get(JOBS, "theirs", namespace).get("status")


def test_a_sidecar_runs_beside_the_work_and_ends_with_it(client: ClusterClient, namespace: str) -> None:
    made = job("shipped", told={"run_seconds": "3"})
    made["spec"]["template"]["spec"]["initContainers"] = [
        {"name": "shipper", "image": "example/shipper:1", "restartPolicy": "Always"}
    ]
    client.create(JOBS, made, namespace=namespace)

    def sidecar() -> dict[str, Any]:
        for pod in pods_of(client, namespace, "shipped"):
            return dict((pod["status"].get("initContainerStatuses") or [{}])[0])
        return {}

    assert eventually(lambda: "running" in sidecar().get("state", {}))
    assert (sidecar()["ready"], sidecar()["started"]) == (True, True)
    ended(client, namespace, "shipped", "Complete")
    assert sidecar()["state"]["terminated"]["exitCode"] == 0
