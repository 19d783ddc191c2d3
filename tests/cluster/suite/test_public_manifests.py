"""Manifests that people bring from the projects' documentation work as they are, but for the scheduler's name.

Pods are placed by our live scheduler; the simulated programs run until a test says that they have ended.
"""

import pytest

from cluster.client import ClusterClient
from cluster.documents import condition_of, labels_of, name_of, uid_of
from cluster.errors import Forbidden
from cluster.kinds import (
    CRON_JOBS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
)
from cluster.labels import SCHEDULER_NAME
from cluster.pods import is_ready, node_of, phase_of
from scheduling.watching import ClusterWatch
from tests.cluster.operators import install
from tests.cluster.operators.pytorch import PYTORCH_JOBS, PyTorchOperator
from tests.cluster.suite.public import (
    MANIFESTS,
    apply,
    end_programs,
    gangs_of,
    has_condition,
    is_complete,
    pods_of,
    until,
)
from tests.cluster.waiting import eventually

pytestmark = pytest.mark.django_db


def test_the_manifests_name_our_scheduler_and_nothing_else_of_ours() -> None:
    for path in MANIFESTS.glob("*.yaml"):
        text = path.read_text()
        assert "run.ai" not in text, path
        assert "runai.io" not in text, path
        assert "simulator/" not in text, path
        assert f"schedulerName: {SCHEDULER_NAME}" in text, path


def test_a_parallel_job_completes(client: ClusterClient, namespace: str, scheduler: ClusterWatch) -> None:
    (job,) = apply(client, namespace, "job_parallel.yaml")

    def ends() -> bool:
        end_programs(client, namespace)
        running = [one for one in pods_of(client, namespace, job) if phase_of(one) == "Running"]
        assert len(running) <= 3
        return is_complete(client, namespace, name_of(job))

    assert until(scheduler, ends)
    assert client.get(JOBS, name_of(job), namespace)["status"]["succeeded"] == 8
    assert len(gangs_of(job)) == 8, "each pod starts on its own, all under the one Job"


def test_an_indexed_job_completes_every_index(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    (job,) = apply(client, namespace, "job_indexed.yaml")

    def ends() -> bool:
        end_programs(client, namespace)
        return is_complete(client, namespace, name_of(job))

    assert until(scheduler, ends)
    assert client.get(JOBS, name_of(job), namespace)["status"]["completedIndexes"] == "0-3"
    pods = pods_of(client, namespace, job)
    numbers = {labels_of(one)["batch.kubernetes.io/job-completion-index"] for one in pods}
    assert numbers == {"0", "1", "2", "3"}
    assert all(str(node_of(one)).startswith(("h100", "a100")) for one in pods), "where there are GPUs"


def test_workers_of_a_queue_end_together(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    *_, queue, job = apply(client, namespace, "job_work_queue.yaml")

    assert until(
        scheduler,
        lambda: (
            is_ready(client.get(PODS, name_of(queue), namespace))
            and len([one for one in pods_of(client, namespace, job) if is_ready(one)]) == 2
        ),
    )
    for _ in range(2):
        end_programs(client, namespace, **{"batch.kubernetes.io__job-name": name_of(job)})
    assert until(scheduler, lambda: is_complete(client, namespace, name_of(job)))
    assert phase_of(client.get(PODS, name_of(queue), namespace)) == "Running"


def test_a_deployment_becomes_available_spread_out(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    (deployment,) = apply(client, namespace, "deployment.yaml")

    assert until(
        scheduler,
        lambda: client.get(DEPLOYMENTS, "web", namespace).get("status", {}).get("availableReplicas") == 3,
    )
    (replica_set,) = client.list(REPLICA_SETS, namespace).items
    assert replica_set["metadata"]["ownerReferences"][0]["uid"] == uid_of(deployment)
    pods = pods_of(client, namespace, replica_set)
    assert len({node_of(one) for one in pods}) == 3, "they would rather not share a node"
    assert {one.queue for one in gangs_of(replica_set)} == {"vision"}, "by the namespace, without a label"


def test_members_of_a_stateful_set_start_in_order(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    _, stateful_set = apply(client, namespace, "stateful_set.yaml")

    assert until(
        scheduler,
        lambda: client.get(STATEFUL_SETS, "member", namespace).get("status", {}).get("readyReplicas") == 3,
    )
    pods = sorted(pods_of(client, namespace, stateful_set), key=name_of)
    assert [name_of(one) for one in pods] == ["member-0", "member-1", "member-2"]
    times = [one["metadata"]["creationTimestamp"] for one in pods]
    assert times == sorted(times)
    assert len(gangs_of(stateful_set)) == 1, "the members are one workload"


def test_members_that_keep_disks_get_them_where_they_are_placed(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    apply(client, namespace, "stateful_set_with_claims.yaml")

    assert until(
        scheduler,
        lambda: client.get(STATEFUL_SETS, "store", namespace).get("status", {}).get("readyReplicas") == 2,
    )
    claims = client.list(PERSISTENT_VOLUME_CLAIMS, namespace).items
    assert {name_of(one): phase_of(one) for one in claims} == {"www-store-0": "Bound", "www-store-1": "Bound"}


def test_a_cron_job_runs_every_minute(client: ClusterClient, namespace: str, scheduler: ClusterWatch) -> None:
    (cron_job,) = apply(client, namespace, "cron_job.yaml")

    def first_run_is_complete() -> bool:
        end_programs(client, namespace)
        return any(
            condition_of(job, "Complete")
            for job in client.list(JOBS, namespace).items
            if any(one["uid"] == uid_of(cron_job) for one in job["metadata"].get("ownerReferences") or [])
        )

    assert until(scheduler, first_run_is_complete, 180)
    assert client.get(CRON_JOBS, "hello", namespace)["status"]["lastScheduleTime"]


def test_a_pytorch_job_starts_whole_and_succeeds(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    install(client, PYTORCH_JOBS, ("State", ".status.conditions[-1:].type"))
    with PyTorchOperator(client, namespace):
        (job,) = apply(client, namespace, "pytorch_job.yaml")

        assert until(scheduler, lambda: has_condition(client, PYTORCH_JOBS, "mnist", namespace, "Running"))
        pods = pods_of(client, namespace, job)
        assert {name_of(one) for one in pods} == {"mnist-master-0", "mnist-worker-0", "mnist-worker-1"}
        assert len(client.list(SERVICES, namespace).items) == 3
        (gang,) = gangs_of(job)
        assert (gang.name, gang.queue) == ("mnist", "vision")

        def ends() -> bool:
            end_programs(client, namespace)
            return has_condition(client, PYTORCH_JOBS, "mnist", namespace, "Succeeded")

        assert until(scheduler, ends)
    status = client.get(PYTORCH_JOBS, "mnist", namespace)["status"]
    assert status["replicaStatuses"]["Master"] == {"succeeded": 1}


def test_an_elastic_pytorch_job_runs_without_a_master_and_cleans_up(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    install(client, PYTORCH_JOBS, ("State", ".status.conditions[-1:].type"))
    with PyTorchOperator(client, namespace):
        (job,) = apply(client, namespace, "pytorch_job_elastic.yaml")

        assert until(scheduler, lambda: has_condition(client, PYTORCH_JOBS, "imagenet", namespace, "Running"))
        assert {name_of(one) for one in pods_of(client, namespace, job)} == {
            "imagenet-worker-0",
            "imagenet-worker-1",
        }
        assert len(gangs_of(job)) == 1

        def ends() -> bool:
            end_programs(client, namespace)
            return has_condition(client, PYTORCH_JOBS, "imagenet", namespace, "Succeeded")

        assert until(scheduler, ends)
        assert eventually(lambda: pods_of(client, namespace, job) == [], 60)


def test_a_deployment_that_must_be_spread_has_one_pod_on_each_node(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    apply(client, namespace, "deployment_spread.yaml")

    def all_run() -> bool:
        return client.get(DEPLOYMENTS, "spread", namespace).get("status", {}).get("availableReplicas") == 4

    assert until(scheduler, all_run)
    pods = client.list(PODS, namespace, label_selector="app=spread").items
    assert len({node_of(one) for one in pods}) == 4
    (sidecar,) = pods[0]["status"]["initContainerStatuses"]
    assert sidecar["ready"]


def test_a_job_with_rules_is_done_with_its_leader(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    (job,) = apply(client, namespace, "job_with_rules.yaml")
    index = "batch.kubernetes.io__job-completion-index"

    def ends() -> bool:
        end_programs(client, namespace, **{index: "0"})
        return is_complete(client, namespace, name_of(job))

    assert until(scheduler, ends)
    status = client.get(JOBS, name_of(job), namespace)["status"]
    assert (status["completedIndexes"], status["succeeded"]) == ("0", 1)
    found = condition_of({"status": status}, "Complete")
    assert found is not None
    assert found.get("reason") == "SuccessPolicy"


def test_a_pod_in_a_namespace_of_no_project_is_told_why_it_waits(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    other = f"{namespace}-other"
    client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}})
    spec = {"schedulerName": SCHEDULER_NAME, "containers": [{"name": "main", "image": "busybox:1.36"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lost", "namespace": other}, "spec": spec}

    def is_made() -> bool:
        try:
            return bool(client.create(PODS, body))
        except Forbidden:  # its service account is not there yet
            return False

    assert eventually(is_made)

    def told() -> bool:
        found = condition_of(client.get(PODS, "lost", other), "PodScheduled")
        return found is not None and found["status"] == "False" and bool(found.get("message"))

    assert until(scheduler, told)
    condition = condition_of(client.get(PODS, "lost", other), "PodScheduled")
    assert condition is not None
    assert "project" in condition["message"]
    client.delete(NAMESPACES, other)
