"""A stand-in for Kubeflow's training operator: makes of a PyTorchJob the pods, services and status that the real one makes."""

import contextlib
import copy
import threading
from datetime import UTC, datetime
from typing import Any

from cluster.client import ClusterClient
from cluster.documents import (
    Document,
    condition_of,
    format_time,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    with_condition,
)
from cluster.errors import AlreadyExists, ClusterError, NotFound
from cluster.kinds import PODS, SERVICES, Kind
from cluster.pods import phase_of

PYTORCH_JOBS = Kind("kubeflow.org", "v1", "pytorchjobs", "PyTorchJob")
PORT = 23456
REPLICA_TYPES = ("Master", "Worker")
LABEL = "training.kubeflow.org"


class PyTorchOperator:
    """A thread that looks at every PyTorchJob of a namespace a few times a second; a context manager."""

    def __init__(self, client: ClusterClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pytorch-operator", daemon=True)

    def __enter__(self) -> "PyTorchOperator":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            try:
                jobs = self._client.list(PYTORCH_JOBS, self._namespace).items
            except ClusterError:
                continue  # not there for a moment
            for job in jobs:
                with contextlib.suppress(ClusterError):  # the next look repairs it
                    self._reconcile(job)

    def _reconcile(self, job: Document) -> None:
        known = {
            name_of(pod): pod
            for pod in self._client.list(
                PODS, self._namespace, label_selector=f"{LABEL}/job-name={name_of(job)}"
            ).items
        }
        if is_over(job):
            self._clean_up(job, known)
            return
        wanted = pods_of(job)
        for pod in wanted:
            if name_of(pod) not in known:
                self._create(PODS, pod)
                self._create(SERVICES, service_of(pod))
        status = status_of(job, list(known.values()), len(wanted))
        if status != job.get("status"):
            self._client.replace(PYTORCH_JOBS, {**job, "status": status}, subresource="status")

    def _clean_up(self, job: Document, pods: dict[str, Document]) -> None:
        """`cleanPodPolicy` says which pods go with the end: none, those that still run, or all."""
        policy = (job["spec"].get("runPolicy") or {}).get("cleanPodPolicy", "None")
        for name, pod in pods.items():
            if policy == "All" or (policy == "Running" and phase_of(pod) in ("Pending", "Running")):
                for kind in (PODS, SERVICES):
                    with contextlib.suppress(NotFound):
                        self._client.delete(kind, name, self._namespace)

    def _create(self, kind: Kind, document: Document) -> None:
        try:
            self._client.create(kind, document)
        except AlreadyExists:
            return


def is_over(job: Document) -> bool:
    return any(condition_of(job, kind) is not None for kind in ("Succeeded", "Failed"))


def pods_of(job: Document) -> list[Document]:
    """Every replica's pod, the master first."""
    replicas = job["spec"]["pytorchReplicaSpecs"]
    counts = {kind: int(replicas[kind].get("replicas", 1)) for kind in REPLICA_TYPES if kind in replicas}
    return [
        _pod(
            job, kind, index, rank=index + (counts.get("Master", 0) if kind == "Worker" else 0), counts=counts
        )
        for kind, count in counts.items()
        for index in range(count)
    ]


def _pod(job: Document, kind: str, index: int, *, rank: int, counts: dict[str, int]) -> Document:
    replica = job["spec"]["pytorchReplicaSpecs"][kind]
    template = copy.deepcopy(replica["template"])
    labels = {
        f"{LABEL}/job-name": name_of(job),
        f"{LABEL}/operator-name": "pytorchjob-controller",
        f"{LABEL}/replica-index": str(index),
        f"{LABEL}/replica-type": kind.lower(),
    }
    if kind == "Master":
        labels[f"{LABEL}/job-role"] = "master"
    metadata = template.get("metadata") or {}
    spec = template["spec"]
    spec["restartPolicy"] = replica.get("restartPolicy", "OnFailure")
    for container in spec["containers"]:
        if container["name"] == "pytorch":
            told = _rendezvous(job, rank, counts) if counts.get("Master") else []
            container["env"] = [*container.get("env", []), *told, *_elastic(job)]
            ports = container.setdefault("ports", [])
            if not any(port.get("name") == "pytorchjob-port" for port in ports):
                ports.append({"name": "pytorchjob-port", "containerPort": PORT})
    if kind == "Worker" and counts.get("Master"):
        wait = f"until nslookup {name_of(job)}-master-0; do echo waiting for the master; sleep 2; done"
        limits = {"cpu": "100m", "memory": "20Mi"}
        first: dict[str, Any] = {
            "name": "init-pytorch",
            "image": "alpine:3.20",
            "command": ["sh", "-c", wait],
        }
        first["resources"] = {"limits": limits, "requests": {"cpu": "50m", "memory": "10Mi"}}
        spec["initContainers"] = [*spec.get("initContainers", []), first]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **metadata,
            "name": f"{name_of(job)}-{kind.lower()}-{index}",
            "namespace": namespace_of(job),
            "labels": {**metadata.get("labels", {}), **labels},
            "ownerReferences": [owner_reference(job)],
        },
        "spec": spec,
    }


def _rendezvous(job: Document, rank: int, counts: dict[str, int]) -> list[dict[str, str]]:
    """What torchrun and torch.distributed read."""
    master, world = f"{name_of(job)}-master-0", str(sum(counts.values()))
    told = {
        "PYTHONUNBUFFERED": "1",
        "MASTER_PORT": str(PORT),
        "PET_MASTER_PORT": str(PORT),
        "MASTER_ADDR": master,
        "PET_MASTER_ADDR": master,
        "WORLD_SIZE": world,
        "RANK": str(rank),
        "PET_NODE_RANK": str(rank),
        "PET_NNODES": world,
    }
    return [{"name": name, "value": value} for name, value in told.items()]


def _elastic(job: Document) -> list[dict[str, str]]:
    """What torchrun reads of a job that may run with fewer or more workers."""
    policy = job["spec"].get("elasticPolicy")
    if policy is None:
        return []
    told = {
        "PET_NNODES": f"{policy.get('minReplicas', 1)}:{policy.get('maxReplicas', 1)}",
        "PET_RDZV_BACKEND": policy.get("rdzvBackend", "c10d"),
        "PET_RDZV_ENDPOINT": f"{name_of(job)}-worker-0:{PORT}",
        "PET_RDZV_ID": name_of(job),
        "PET_MAX_RESTARTS": str(policy.get("maxRestarts", 3)),
    }
    return [{"name": name, "value": value} for name, value in told.items()]


def service_of(pod: Document) -> Document:
    """A headless service by which the others find this replica."""
    labels = {key: text for key, text in labels_of(pod).items() if key.startswith(LABEL)}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name_of(pod),
            "namespace": namespace_of(pod),
            "labels": labels,
            "ownerReferences": pod["metadata"]["ownerReferences"],
        },
        "spec": {
            "clusterIP": "None",
            "selector": labels,
            "ports": [{"name": "pytorchjob-port", "port": PORT, "targetPort": PORT}],
        },
    }


def status_of(job: Document, pods: list[Document], wanted: int) -> dict[str, Any]:
    """Counts by replica type, and the conditions Created, Running, Succeeded or Failed.

    The master's end is the job's; without a master the workers' together.
    """
    before = job.get("status") or {}
    now = format_time(datetime.now(UTC))
    counts: dict[str, dict[str, int]] = {}
    for pod in pods:
        kind = labels_of(pod)[f"{LABEL}/replica-type"].capitalize()
        state = {"Succeeded": "succeeded", "Failed": "failed"}.get(phase_of(pod), "active")
        counts.setdefault(kind, {})[state] = counts.get(kind, {}).get(state, 0) + 1
    status: dict[str, Any] = {**before, "replicaStatuses": counts}
    status.setdefault("startTime", now)
    running = sum(phase_of(pod) == "Running" for pod in pods)
    leaders = counts.get("Master") or counts.get("Worker", {})
    whole = 1 if "Master" in job["spec"]["pytorchReplicaSpecs"] else wanted
    succeeded = leaders.get("succeeded", 0) == whole
    reached = ["Created"]
    reached += ["Running"] if running == wanted or succeeded else []
    reached += ["Succeeded"] if succeeded else ["Failed"] if leaders.get("failed") else []
    conditions = list(before.get("conditions") or [])
    for kind in reached:
        if not any(one["type"] == kind for one in conditions):
            told = {"type": kind, "status": "True", "reason": f"PyTorchJob{kind}", "lastTransitionTime": now}
            conditions = with_condition(conditions, told)  # type: ignore[arg-type]
    status["conditions"] = conditions
    if reached[-1] in ("Succeeded", "Failed"):
        status.setdefault("completionTime", now)
    return status
