"""How objects of other projects' operators live: they are suspended, grow, shrink, lose a pod and end, and stay the gangs they are."""

import pytest

from cluster.client import ClusterClient
from cluster.documents import Document, name_of, uid_of
from cluster.kinds import PODS
from cluster.labels import SCHEDULER_NAME
from scheduling.watching import ClusterWatch
from tests.cluster.operators import install, kind_of, pod_of
from tests.cluster.operators.job_sets import JOB_SETS
from tests.cluster.operators.leader_workers import LEADER_WORKER_SETS
from tests.cluster.operators.mpi import MPI_JOBS
from tests.cluster.operators.ray import RAY_CLUSTERS
from tests.cluster.suite.public import (
    all_ready,
    apply,
    end_programs,
    gangs_of,
    has_condition,
    members,
    placed,
    reasons,
    until,
)

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("operators")
def test_a_job_set_is_suspended_resumed_and_started_anew_as_a_whole(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    (job_set,) = apply(client, namespace, "job_set.yaml")
    assert until(scheduler, lambda: all_ready(client, namespace, 5))

    client.merge_patch(JOB_SETS, "trainer", {"spec": {"suspend": True}}, namespace=namespace)
    assert until(scheduler, lambda: not members(client, namespace))
    client.merge_patch(JOB_SETS, "trainer", {"spec": {"suspend": False}}, namespace=namespace)
    assert until(scheduler, lambda: all_ready(client, namespace, 5))

    first = {uid_of(pod) for pod in members(client, namespace)}
    fail(client, namespace, "trainer-workers-1-0")
    assert until(
        scheduler,
        lambda: all_ready(client, namespace, 5) and not first & set(map(uid_of, members(client, namespace))),
    )
    assert client.get(JOB_SETS, "trainer", namespace)["status"]["restarts"] == 1

    def ends() -> bool:
        end_programs(client, namespace)
        return has_condition(client, JOB_SETS, "trainer", namespace, "Completed")

    assert until(scheduler, ends)
    assert len(gangs_of(job_set)) == 1, "it was one gang all the time"


@pytest.mark.usefixtures("operators")
def test_groups_of_a_leader_worker_set_come_go_and_restart_one_by_one(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    (lws,) = apply(client, namespace, "leader_worker_set.yaml")
    assert until(scheduler, lambda: all_ready(client, namespace, 6))

    client.merge_patch(LEADER_WORKER_SETS, "llm", {"spec": {"replicas": 3}}, namespace=namespace)
    assert until(scheduler, lambda: all_ready(client, namespace, 9))
    assert {one.name for one in gangs_of(lws)} == {"llm-0", "llm-1", "llm-2"}
    client.merge_patch(LEADER_WORKER_SETS, "llm", {"spec": {"replicas": 1}}, namespace=namespace)
    assert until(scheduler, lambda: all_ready(client, namespace, 3))

    first = {uid_of(pod) for pod in members(client, namespace)}
    client.delete(PODS, "llm-0-2", namespace)
    assert until(
        scheduler,
        lambda: all_ready(client, namespace, 3) and not first & set(map(uid_of, members(client, namespace))),
    )

    client.delete(LEADER_WORKER_SETS, "llm", namespace)
    assert until(scheduler, lambda: not client.list(PODS, namespace).items)
    assert until(scheduler, lambda: all(one.gone_at for one in gangs_of(lws)))


@pytest.mark.usefixtures("operators")
def test_a_ray_cluster_grows_shrinks_and_gets_its_lost_worker_again(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    (cluster,) = apply(client, namespace, "ray_cluster.yaml")
    assert until(scheduler, lambda: all_ready(client, namespace, 6))

    set_workers(client, namespace, 3)
    assert until(scheduler, lambda: all_ready(client, namespace, 5))
    client.delete(PODS, "research-gpus-worker-0", namespace)
    assert until(scheduler, lambda: len(placed(client, namespace)) == 4)
    assert until(scheduler, lambda: all_ready(client, namespace, 5))
    set_workers(client, namespace, 4)
    assert until(scheduler, lambda: all_ready(client, namespace, 6))
    client.merge_patch(RAY_CLUSTERS, "research", {"spec": {"suspend": True}}, namespace=namespace)
    assert until(scheduler, lambda: not members(client, namespace))
    assert len(gangs_of(cluster)) == 1


def set_workers(client: ClusterClient, namespace: str, replicas: int) -> None:
    spec = client.get(RAY_CLUSTERS, "research", namespace)["spec"]
    spec["workerGroupSpecs"][0]["replicas"] = replicas
    client.merge_patch(RAY_CLUSTERS, "research", {"spec": spec}, namespace=namespace)


def fail(client: ClusterClient, namespace: str, name: str) -> None:
    """The program of the pod ends with an error; the first whose name begins so."""
    pod = next(one for one in members(client, namespace) if name_of(one).startswith(name))
    told = {"simulator/exit-code": "1", "simulator/run-seconds": "0"}
    client.merge_patch(PODS, name_of(pod), {"metadata": {"annotations": told}}, namespace=namespace)


@pytest.mark.usefixtures("operators")
def test_a_ray_job_runs_its_program_on_a_cluster_of_its_own(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    apply(client, namespace, "ray_job.yaml")

    assert until(scheduler, lambda: all_ready(client, namespace, 4))
    (cluster,) = client.list(RAY_CLUSTERS, namespace).items
    assert {one.name for one in gangs_of(cluster)} == {"sample"}, "by the name that its people chose"
    end_programs(client, namespace, **{"batch.kubernetes.io__job-name": "sample"})
    assert until(scheduler, lambda: not members(client, namespace))


@pytest.mark.usefixtures("operators")
def test_an_mpi_job_whose_launcher_comes_last_ends_with_it(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    (job,) = apply(client, namespace, "mpi_job_workers_first.yaml")

    assert until(scheduler, lambda: all_ready(client, namespace, 3))
    end_programs(client, namespace, **{"batch.kubernetes.io__job-name": "horovod-launcher"})
    assert until(scheduler, lambda: has_condition(client, MPI_JOBS, "horovod", namespace, "Succeeded"))
    assert until(scheduler, lambda: not members(client, namespace)), "its workers are cleaned up"
    assert len(gangs_of(job)) == 2


def test_an_operator_may_be_installed_while_the_scheduler_is_at_work(
    client: ClusterClient, namespace: str, scheduler: ClusterWatch
) -> None:
    jobs = kind_of("JAXJob")
    install(client, jobs)
    template = {"spec": pod_spec()}
    spec = {"jaxReplicaSpecs": {"Worker": {"replicas": 2, "template": template}}}
    body = {"apiVersion": jobs.api_version, "kind": jobs.kind, "metadata": {"name": "jax"}, "spec": spec}
    owner = client.create(jobs, body, namespace=namespace)
    labels = {"training.kubeflow.org/replica-type": "worker"}
    client.create(PODS, pod_of(owner, "jax-worker-0", template, labels))
    assert until(scheduler, lambda: reasons(client, namespace))

    client.create(PODS, pod_of(owner, "jax-worker-1", template, labels))

    assert until(scheduler, lambda: all_ready(client, namespace, 2))
    assert {one.name for one in gangs_of(owner)} == {"jax"}


def pod_spec() -> Document:
    return {
        "schedulerName": SCHEDULER_NAME,
        "containers": [{"name": "jax", "image": "registry.example/jax:1"}],
    }
