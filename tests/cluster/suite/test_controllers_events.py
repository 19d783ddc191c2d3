"""What `kubectl describe` shows at its end: the controllers tell the same on both servers."""

from collections.abc import Iterator
from typing import Any

from cluster.client import ClusterClient
from cluster.kinds import DEPLOYMENTS, EVENTS, JOBS, STATEFUL_SETS
from tests.cluster.suite.objects import job, pod
from tests.cluster.waiting import eventually


def told(client: ClusterClient, namespace: str, kind: str) -> Iterator[tuple[str, str, str]]:
    """Type, reason and note of the events about objects of a kind; what servers choose in names is left out."""
    for event in client.list(EVENTS, namespace).items:
        if event["regarding"]["kind"] == kind:
            note = event["note"].replace(event["regarding"]["name"], "it")
            yield event["type"], event["reason"], note


def lasting(**labels: str) -> dict[str, Any]:
    template = pod("unused", node="cpu-1", run_seconds="3600", policy="Always")
    return {
        "metadata": {"labels": labels, "annotations": template["metadata"]["annotations"]},
        "spec": template["spec"],
    }


def test_a_job_tells_of_its_pods_and_its_end(client: ClusterClient, namespace: str) -> None:
    client.create(JOBS, job("well", suspend=True), namespace=namespace)
    assert eventually(lambda: ("Normal", "Suspended", "Job suspended") in told(client, namespace, "Job"))
    client.merge_patch(JOBS, "well", {"spec": {"suspend": False}}, namespace=namespace)

    assert eventually(lambda: ("Normal", "Completed", "Job completed") in told(client, namespace, "Job"), 60)
    reasons = {reason for _, reason, _ in told(client, namespace, "Job")}
    assert reasons == {"Suspended", "Resumed", "SuccessfulCreate", "Completed"}


def test_a_job_that_fails_says_why(client: ClusterClient, namespace: str) -> None:
    client.create(
        JOBS, job("ill", told={"run_seconds": "0.1", "exit_code": "1"}, backoffLimit=0), namespace=namespace
    )

    why = ("Warning", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    assert eventually(lambda: why in told(client, namespace, "Job"), 60)


def test_a_deployment_tells_of_every_change_of_size(client: ClusterClient, namespace: str) -> None:
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "d"}}, "template": lasting(app="d")}
    document = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "page"}, "spec": spec}
    client.create(DEPLOYMENTS, document, namespace=namespace)

    def ups_and_downs() -> list[str]:
        notes = sorted(note for _, _, note in told(client, namespace, "Deployment"))
        return [f"{note.split()[1]} {note.partition(' from ')[2]}" for note in notes]

    assert eventually(lambda: ups_and_downs() == ["up 0 to 2"])
    client.merge_patch(DEPLOYMENTS, "page", {"spec": {"replicas": 1}}, namespace=namespace)
    assert eventually(lambda: ups_and_downs() == ["down 2 to 1", "up 0 to 2"])
    assert eventually(lambda: len(list(told(client, namespace, "ReplicaSet"))) == 3)
    reasons = sorted(reason for _, reason, _ in told(client, namespace, "ReplicaSet"))
    assert reasons == ["SuccessfulCreate", "SuccessfulCreate", "SuccessfulDelete"]


def make_stateful_set(client: ClusterClient, namespace: str) -> None:
    """`set`, with one member."""
    spec = {
        "replicas": 1,
        "serviceName": "s",
        "selector": {"matchLabels": {"app": "s"}},
        "template": lasting(app="s"),
    }
    document = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "set"}, "spec": spec}
    client.create(STATEFUL_SETS, document, namespace=namespace)


def test_a_stateful_set_tells_of_its_members(client: ClusterClient, namespace: str) -> None:
    make_stateful_set(client, namespace)

    made = ("Normal", "SuccessfulCreate", "Create Pod it-0 in StatefulSet it successful")
    assert eventually(lambda: made in told(client, namespace, "StatefulSet"))
    client.merge_patch(STATEFUL_SETS, "set", {"spec": {"replicas": 0}}, namespace=namespace)
    gone = ("Normal", "SuccessfulDelete", "Delete Pod it-0 in StatefulSet it successful")
    assert eventually(lambda: gone in told(client, namespace, "StatefulSet"))
