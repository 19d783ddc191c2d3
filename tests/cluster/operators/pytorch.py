"""A stand-in for Kubeflow's training operator: makes of a PyTorchJob the pods, services and status that the real one makes."""

import copy
from datetime import UTC, datetime
from typing import Any

from cluster.documents import Document, condition_of, format_time, labels_of, name_of
from cluster.kinds import PODS, SERVICES
from cluster.pods import phase_of
from tests.cluster.operators import Operator, child, kind_of, pod_of, reached

PYTORCH_JOBS = kind_of("PyTorchJob")
PORT = 23456
REPLICA_TYPES = ("Master", "Worker")
LABEL = "training.kubeflow.org"


class PyTorchOperator(Operator):
    kind = PYTORCH_JOBS

    def reconcile(self, owner: Document) -> None:
        known = {name_of(pod): pod for pod in self.found(PODS, f"{LABEL}/job-name={name_of(owner)}")}
        if is_over(owner):
            self._clean_up(owner, known)
            return
        wanted = pods_of(owner)
        for pod in wanted:
            if name_of(pod) not in known:
                self.make(PODS, pod)
                self.make(SERVICES, service_of(owner, pod))
        self.tell(owner, status_of(owner, list(known.values()), len(wanted)))

    def _clean_up(self, job: Document, pods: dict[str, Document]) -> None:
        """`cleanPodPolicy` says which pods go with the end: none, those that still run, or all."""
        policy = (job["spec"].get("runPolicy") or {}).get("cleanPodPolicy", "None")
        for name, pod in pods.items():
            if policy == "All" or (policy == "Running" and phase_of(pod) in ("Pending", "Running")):
                for kind in (PODS, SERVICES):
                    self.remove(kind, name)


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
    return pod_of(job, f"{name_of(job)}-{kind.lower()}-{index}", template, labels)


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


def service_of(job: Document, pod: Document) -> Document:
    """A headless service by which the others find this replica."""
    labels = {key: text for key, text in labels_of(pod).items() if key.startswith(LABEL)}
    port = {"name": "pytorchjob-port", "port": PORT, "targetPort": PORT}
    spec = {"clusterIP": "None", "selector": labels, "ports": [port]}
    return child(job, SERVICES, name_of(pod), labels, spec=spec)


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
    stages = ["Created"]
    stages += ["Running"] if running == wanted or succeeded else []
    stages += ["Succeeded"] if succeeded else ["Failed"] if leaders.get("failed") else []
    status["conditions"] = reached(before.get("conditions"), stages, "PyTorchJob")
    if stages[-1] in ("Succeeded", "Failed"):
        status.setdefault("completionTime", now)
    return status
