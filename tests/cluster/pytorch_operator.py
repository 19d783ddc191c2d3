"""A stand-in for Kubeflow's training operator: makes of a PyTorchJob the pods, services and status that the real one makes."""

import copy
import threading
from datetime import UTC, datetime
from typing import Any

from cluster.client import ClusterClient
from cluster.documents import (
    Document,
    format_time,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    with_condition,
)
from cluster.errors import AlreadyExists, ClusterError
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
                for job in self._client.list(PYTORCH_JOBS, self._namespace).items:
                    self._reconcile(job)
            except ClusterError:
                continue  # the next look repairs it

    def _reconcile(self, job: Document) -> None:
        known = {
            name_of(pod): pod
            for pod in self._client.list(
                PODS, self._namespace, label_selector=f"{LABEL}/job-name={name_of(job)}"
            ).items
        }
        wanted = pods_of(job)
        for pod in wanted:
            if name_of(pod) not in known:
                self._create(PODS, pod)
                self._create(SERVICES, service_of(pod))
        status = status_of(job, list(known.values()), len(wanted))
        if status != job.get("status"):
            self._client.replace(PYTORCH_JOBS, {**job, "status": status}, subresource="status")

    def _create(self, kind: Kind, document: Document) -> None:
        try:
            self._client.create(kind, document)
        except AlreadyExists:
            return


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
            container["env"] = [*container.get("env", []), *_rendezvous(job, rank, counts)]
            container.setdefault("ports", []).append({"name": "pytorchjob-port", "containerPort": PORT})
    if kind == "Worker":
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
    """Counts by replica type, and the conditions Created, Running, Succeeded or Failed: the master's end is the job's."""
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
    masters = counts.get("Master", {})
    reached = ["Created"]
    reached += ["Running"] if running == wanted or masters.get("succeeded") else []
    reached += ["Succeeded"] if masters.get("succeeded") else ["Failed"] if masters.get("failed") else []
    conditions = list(before.get("conditions") or [])
    for kind in reached:
        if not any(one["type"] == kind for one in conditions):
            told = {"type": kind, "status": "True", "reason": f"PyTorchJob{kind}", "lastTransitionTime": now}
            conditions = with_condition(conditions, told)  # type: ignore[arg-type]
    status["conditions"] = conditions
    if reached[-1] in ("Succeeded", "Failed"):
        status.setdefault("completionTime", now)
    return status
