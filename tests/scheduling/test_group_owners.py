"""Which pods of other projects' kinds start together: what the object says, whatever operator made the pods."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.kinds import GROUP_OWNERS, Kind
from scheduling.group_owners import kinds_of, owner_name_of, owner_named_by
from scheduling.grouping import GangKey, Membership, membership_of
from scheduling.pod_facts import Alike, read_pod
from scheduling.requests import UnreadablePod
from tests.scheduling.documents import Document, make_pod

NAMESPACE = "runai-vision"
FIELDS = (
    *("minMember", "schedulingPolicy", "gang", "minCount", "runPolicy", "minAvailable", "elasticPolicy"),
    *("minReplicas", "pytorchReplicaSpecs", "Worker", "replicas", "replicatedJobs", "name", "template"),
    *("spec", "parallelism", "completions", "leaderWorkerTemplate", "size", "startupPolicy", "groupPolicy"),
    *("workerGroupSpecs", "groupName", "numOfHosts", "enableInTreeAutoscaling", "headGroupSpec"),
)


def make_owner(api_version: str, kind: str, name: str, spec: Document, **metadata: Any) -> Document:
    place = {"name": name, "namespace": NAMESPACE, "uid": f"{kind}-{name}", **metadata}
    return {"apiVersion": api_version, "kind": kind, "metadata": place, "spec": spec}


def owned(pod: Document, owner: Document) -> Document:
    metadata = owner["metadata"]
    reference = {"name": metadata["name"], "uid": metadata["uid"], "controller": True}
    pod["metadata"]["ownerReferences"] = [
        {"apiVersion": owner["apiVersion"], "kind": owner["kind"], **reference}
    ]
    return pod


def read(pod: Document, owner: Document) -> Membership:
    assert owner_named_by(pod) == owner_name_of(owner)
    return membership_of(pod, (), owner)


# --- Kubeflow -----------------------------------------------------------------------------------------------------------------


def kubeflow_job(kind: str, replicas: dict[str, int | None], version: str = "v1", **spec: Any) -> Document:
    replica_specs = {name: {} if count is None else {"replicas": count} for name, count in replicas.items()}
    field = f"{kind.removesuffix('Job').lower()}ReplicaSpecs"
    return make_owner(f"kubeflow.org/{version}", kind, "mnist", {field: replica_specs, **spec})


def replica(job: Document, kind: str) -> Document:
    labels = {"training.kubeflow.org/replica-type": kind, "training.kubeflow.org/job-name": "mnist"}
    return owned(make_pod(f"mnist-{kind}-0", labels=labels), job)


@pytest.mark.parametrize("kind", ["PyTorchJob", "TFJob", "XGBoostJob", "JAXJob", "PaddleJob", "MPIJob"])
def test_a_kubeflow_job_starts_with_all_its_replicas(kind: str) -> None:
    job = kubeflow_job(kind, {"Master": None, "Worker": 3})

    found = read(replica(job, "worker"), job)

    assert found.minimums == (("master", 1), ("worker", 3))
    assert (found.name, found.part, found.key) == ("mnist", "worker", GangKey(f"{kind}-mnist", ""))


def test_an_elastic_job_starts_with_its_least_workers_and_its_master() -> None:
    job = kubeflow_job("PyTorchJob", {"Master": 1, "Worker": 4}, elasticPolicy={"minReplicas": 2})

    assert read(replica(job, "master"), job).minimums == (("master", 1), ("worker", 2))


def test_a_job_may_say_itself_how_many_must_be_there() -> None:
    policy = {"schedulingPolicy": {"minAvailable": 3}}
    job = kubeflow_job("TFJob", {"PS": 2, "Worker": 4}, runPolicy=policy)

    found = read(replica(job, "ps"), job)

    assert (found.minimums, found.part) == ((("", 3),), "")


def test_pods_that_do_not_say_which_part_they_are_start_with_all_the_others() -> None:
    job = kubeflow_job("PyTorchJob", {"Master": 1, "Worker": 3})

    found = read(owned(make_pod("mnist-0"), job), job)

    assert (found.minimums, found.part) == ((("", 4),), "")


def mpi_pod(job: Document, role: str) -> Document:
    """The launcher's controller is a Job."""
    labels = {
        "training.kubeflow.org/operator-name": "mpi-operator",
        "training.kubeflow.org/job-name": "mnist",
        "training.kubeflow.org/job-role": role,
    }
    if role == "launcher":
        return make_pod("mnist-launcher-x", labels=labels, owner=("Job", "mnist-launcher"))
    return owned(make_pod("mnist-worker-0", labels=labels), job)


def test_launcher_and_workers_of_an_mpi_job_are_one_gang() -> None:
    job = kubeflow_job("MPIJob", {"Launcher": 1, "Worker": 2}, "v2beta1")

    launcher, worker = (read(mpi_pod(job, role), job) for role in ("launcher", "worker"))

    assert launcher.key == worker.key
    assert launcher.minimums == worker.minimums == (("launcher", 1), ("worker", 2))


def test_a_launcher_that_waits_for_its_workers_is_not_waited_for_by_them() -> None:
    job = kubeflow_job(
        "MPIJob", {"Launcher": 1, "Worker": 2}, "v2beta1", launcherCreationPolicy="WaitForWorkersReady"
    )

    launcher, worker = (read(mpi_pod(job, role), job) for role in ("launcher", "worker"))

    assert launcher.key != worker.key
    assert (launcher.minimums, worker.minimums) == ((("launcher", 1),), (("worker", 2),))


# --- JobSet -------------------------------------------------------------------------------------------------------------------


def job_set(**spec: Any) -> Document:
    jobs = [
        {"name": "driver", "template": {"spec": {}}},
        {"name": "workers", "replicas": 2, "template": {"spec": {"parallelism": 4, "completions": 3}}},
    ]
    return make_owner("jobset.x-k8s.io/v1alpha2", "JobSet", "set", {"replicatedJobs": jobs, **spec})


def job_set_pod(part: str, **annotations: str) -> Document:
    labels = {"jobset.sigs.k8s.io/jobset-name": "set", "jobset.sigs.k8s.io/replicatedjob-name": part}
    return make_pod(f"set-{part}-0-0-x", labels=labels, annotations=annotations, owner=("Job", f"{part}-0"))


def test_all_jobs_of_a_job_set_start_together_with_the_pods_they_run_at_a_time() -> None:
    found = read(job_set_pod("workers"), job_set())

    assert found.minimums == (("driver", 1), ("workers", 6))
    assert (found.name, found.part, found.key) == ("set", "workers", GangKey("JobSet-set", ""))


def depends_on_its_driver() -> Document:
    found = job_set()
    found["spec"]["replicatedJobs"][1]["dependsOn"] = [{"name": "driver", "status": "Ready"}]
    return found


@pytest.mark.parametrize(
    "owner", [job_set(startupPolicy={"startupPolicyOrder": "InOrder"}), depends_on_its_driver()]
)
def test_jobs_that_are_started_one_after_another_are_a_gang_each(owner: Document) -> None:
    driver, workers = (read(job_set_pod(part), owner) for part in ("driver", "workers"))

    assert (driver.minimums, workers.minimums) == ((("driver", 1),), (("workers", 6),))
    assert driver.key != workers.key


def test_pods_that_are_made_only_where_the_first_is_placed_do_not_wait_for_each_other() -> None:
    pod = job_set_pod("workers", **{"alpha.jobset.sigs.k8s.io/exclusive-topology": "rack"})

    assert read(pod, job_set()).minimums == (("", 1),)


# --- LeaderWorkerSet ----------------------------------------------------------------------------------------------------------


def leader_worker_set(**spec: Any) -> Document:
    spec = {"replicas": 2, "leaderWorkerTemplate": {"size": 3}, **spec}
    return make_owner("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "llm", spec)


def leader_worker_pod(group: int, worker: int, size: str = "3") -> Document:
    labels = {
        "leaderworkerset.sigs.k8s.io/name": "llm",
        "leaderworkerset.sigs.k8s.io/group-index": str(group),
        "leaderworkerset.sigs.k8s.io/worker-index": str(worker),
    }
    annotations = {"leaderworkerset.sigs.k8s.io/size": size}
    return make_pod("llm", labels=labels, annotations=annotations, owner=("StatefulSet", f"llm-{group}"))


def test_each_group_of_a_leader_worker_set_is_a_gang_with_its_leader() -> None:
    owner = leader_worker_set()

    leader, worker, other = (read(leader_worker_pod(*place), owner) for place in ((0, 0), (0, 2), (1, 0)))

    assert leader.key == worker.key != other.key
    assert (leader.minimums, leader.name) == ((("", 3),), "llm-0")


def test_a_group_keeps_the_size_it_was_made_with() -> None:
    owner = leader_worker_set(leaderWorkerTemplate={"size": 5})

    assert read(leader_worker_pod(0, 0), owner).minimums == (("", 3),)


def test_workers_that_are_made_when_their_leader_is_ready_are_a_gang_of_their_own() -> None:
    owner = leader_worker_set(startupPolicy="LeaderReady")

    leader, worker = (read(leader_worker_pod(0, number), owner) for number in (0, 1))

    assert leader.key != worker.key
    assert (leader.minimums, worker.minimums) == ((("", 1),), (("", 2),))


# --- Ray ----------------------------------------------------------------------------------------------------------------------


def ray_cluster(*groups: Document, **spec: Any) -> Document:
    owners = [{"apiVersion": "ray.io/v1", "kind": "RayJob", "name": "tune", "uid": "r", "controller": True}]
    return make_owner(
        "ray.io/v1",
        "RayCluster",
        "tune-x7k2p",
        {"headGroupSpec": {}, "workerGroupSpecs": [*groups], **spec},
        ownerReferences=owners,
    )


def ray_pod(owner: Document, group: str) -> Document:
    return owned(make_pod(f"tune-{group}", labels={"ray.io/group": group}), owner)


def test_a_ray_cluster_starts_with_its_head_and_the_least_of_each_group_of_workers() -> None:
    owner = ray_cluster(
        {"groupName": "large", "replicas": 3, "minReplicas": 2, "numOfHosts": 2},
        {"groupName": "small", "replicas": 3},
        {"groupName": "asleep", "minReplicas": 4, "suspend": True},
    )

    found = read(ray_pod(owner, "large"), owner)

    assert dict(found.minimums) == {"headgroup": 1, "large": 4, "small": 3, "asleep": 0}
    assert (found.name, found.part) == ("tune", "large"), "its people know the RayJob"


def test_what_the_autoscaler_adds_is_not_waited_for() -> None:
    owner = ray_cluster({"groupName": "workers", "replicas": 5}, enableInTreeAutoscaling=True)

    assert dict(read(ray_pod(owner, "workers"), owner).minimums) == {"headgroup": 1, "workers": 0}


# --- pod groups ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api_version", "labels", "annotations"),
    [
        ("scheduling.x-k8s.io/v1alpha1", {"scheduling.x-k8s.io/pod-group": "g"}, {}),
        ("scheduling.volcano.sh/v1beta1", {}, {"scheduling.k8s.io/group-name": "g"}),
    ],
)
def test_a_pod_group_says_how_many_start_together(
    api_version: str, labels: dict[str, str], annotations: dict[str, str]
) -> None:
    group = make_owner(api_version, "PodGroup", "g", {"minMember": 3})
    pod = make_pod("p", labels=labels, annotations=annotations, owner=("Job", "j"))

    found = read(pod, group)

    assert (found.minimums, found.name, found.key) == ((("", 3),), "g", GangKey("PodGroup-g", ""))


def native_group(policy: Document) -> tuple[Document, Document]:
    group = make_owner("scheduling.k8s.io/v1alpha2", "PodGroup", "g", {"schedulingPolicy": policy})
    pod = make_pod("p")
    pod["spec"]["schedulingGroup"] = {"podGroupName": "g"}
    return pod, group


def test_kubernetes_own_pod_group_is_a_gang_or_each_pod_for_itself() -> None:
    assert read(*native_group({"gang": {"minCount": 4}})).minimums == (("", 4),)
    alone = read(*native_group({"basic": {}}))
    assert (alone.minimums, alone.key.sub_group) == ((("", 1),), "p")


def test_a_pod_group_goes_before_the_operator_that_made_it() -> None:
    job = kubeflow_job("PyTorchJob", {"Worker": 3})
    pod = replica(job, "worker")
    pod["metadata"]["labels"]["scheduling.x-k8s.io/pod-group"] = "g"

    named = owner_named_by(pod)

    assert named is not None
    assert (named.kind, named.name) == ("PodGroup", "g")


# --- all of them --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", GROUP_OWNERS, ids=lambda kind: f"{kind.kind}.{kind.api_version}")
def test_every_kind_that_is_watched_is_understood(kind: Any) -> None:
    owner = make_owner(kind.api_version, kind.kind, "o", {})

    found = membership_of(make_pod("p"), (), owner)

    assert sum(least for _, least in found.minimums) in (0, 1)
    assert kind in kinds_of(owner_name_of(owner))


@pytest.mark.parametrize("count", ["3", -1, 2.5, True, 10**9])
def test_numbers_that_cannot_be_meant_are_refused_with_field_and_limit(count: Any) -> None:
    group = make_owner("scheduling.x-k8s.io/v1alpha1", "PodGroup", "g", {"minMember": count})

    with pytest.raises(UnreadablePod, match=r"spec\.minMember .* 0 to 100000"):
        membership_of(make_pod("p"), (), group)


def test_a_pod_waits_for_the_object_it_names_and_one_that_runs_is_not_touched() -> None:
    waiting, running = (ray_pod(ray_cluster(), "headgroup") for _ in range(2))
    running["spec"]["nodeName"] = "n1"

    problem = read_pod(waiting, Alike()).problem

    assert problem is not None
    assert problem.code == "OwnerDoesNotExist"
    assert f"RayCluster {NAMESPACE}/tune-x7k2p" in problem.message
    assert read_pod(running, Alike()).problem is None


def test_numbers_written_later_do_not_hurt_who_has_a_place() -> None:
    owner = ray_cluster({"groupName": "workers", "minReplicas": "many"})
    waiting, running = (ray_pod(owner, "workers") for _ in range(2))
    running["spec"]["nodeName"] = "n1"

    assert read_pod(waiting, Alike(), group_owner=owner).problem is not None
    assert read_pod(running, Alike(), group_owner=owner).problem is None


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(["", "x", "2:4"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300)
@given(st.sampled_from(GROUP_OWNERS), SHAPES)
def test_whatever_shape_an_owner_has_it_hurts_nobody_but_pods_of_its_own_that_wait(
    kind: Kind, spec: Any
) -> None:
    """Nobody validates these kinds for us: not every cluster's definitions have a schema, and operators write them anew."""
    owner = make_owner(kind.api_version, kind.kind, "g", spec)
    waiting, running = (owned(make_pod("p"), owner) for _ in range(2))
    running["spec"]["nodeName"] = "n1"

    waits, runs = (read_pod(pod, Alike(), group_owner=owner) for pod in (waiting, running))

    assert waits.problem is None or waits.problem.code == "InvalidGang"
    assert (waits.membership is None) == (waits.problem is not None)
    assert runs.problem is None
    assert runs.membership is not None


def test_executors_of_spark_are_one_gang_with_their_driver() -> None:
    labels = {"sparkoperator.k8s.io/app-name": "pi", "spark-role": "driver"}
    driver = make_pod("pi-driver", labels=labels, owner=("SparkApplication", "pi"), uid="d")
    executor = make_pod("pi-exec-1", labels={**labels, "spark-role": "executor"})
    reference = {"apiVersion": "v1", "kind": "Pod", "name": "pi-driver", "uid": "d", "controller": True}
    executor["metadata"]["ownerReferences"] = [reference]

    of_driver, of_executor = membership_of(driver), membership_of(executor)

    assert of_driver.key == of_executor.key
    assert (of_executor.name, of_executor.minimums) == ("pi", (("", 1),))
