"""Pure: what objects of other projects say of the pods that belong to them: which start together, and how many of each part.

What is started one after another cannot be one gang, because the later pods are not there yet: each step is a gang of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cluster.documents import Document, annotations_of, controller_of, labels_of, name_of, namespace_of
from cluster.kinds import GROUP_OWNERS, Kind
from cluster.labels import (
    JOBSET,
    JOBSET_BY_NODE_SELECTOR,
    JOBSET_EXCLUSIVE,
    JOBSET_REPLICATED_JOB,
    KUBEFLOW_JOB,
    KUBEFLOW_OPERATOR,
    KUBEFLOW_REPLICA_TYPE,
    KUBEFLOW_ROLE,
    LEADER_WORKER_EXCLUSIVE,
    LEADER_WORKER_GROUP,
    LEADER_WORKER_INDEX,
    LEADER_WORKER_SET,
    LEADER_WORKER_SIZE,
    POD_GROUP,
    RAY_GROUP,
    VOLCANO_GROUPS,
)
from scheduling.requests import UnreadablePod

LARGEST_MINIMUM = 100_000
"""Pods of one gang; a minimum above is a slip."""
KUBEFLOW, JOB_SETS, LEADER_WORKERS, RAY = (
    "kubeflow.org",
    "jobset.x-k8s.io",
    "leaderworkerset.x-k8s.io",
    "ray.io",
)
COSCHEDULING, VOLCANO, KUBERNETES = "scheduling.x-k8s.io", "scheduling.volcano.sh", "scheduling.k8s.io"
RAY_HEAD = "headgroup"
"""What KubeRay calls the group of the head."""

Minimums = tuple[tuple[str, int], ...]
"""(part, how many of its pods must start with the others)."""
EACH: Minimums = (("", 1),)
"""Any pod can work without the others."""


class OwnerName(NamedTuple):
    """Without the version: a cluster serves the same object in several."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Share:
    """What an owner says of one pod. `step` is what of the owner starts as one, "" all of it; `part` the pod's part of that."""

    name: str
    step: str
    part: str
    minimums: Minimums


def owner_named_by(pod: Mapping[str, Any]) -> OwnerName | None:
    """The object that says with which others the pod starts; a pod group goes before whoever made it."""
    labels, annotations, namespace = labels_of(pod), annotations_of(pod), namespace_of(pod)
    native = (pod["spec"].get("schedulingGroup") or {}).get("podGroupName")
    volcano = next((annotations[key] for key in VOLCANO_GROUPS if annotations.get(key)), None)
    of_mpi = labels.get(KUBEFLOW_OPERATOR) == "mpi-operator"  # whose launcher belongs to a Job
    for group, kind, name in (
        (KUBERNETES, "PodGroup", native),
        (COSCHEDULING, "PodGroup", labels.get(POD_GROUP)),
        (VOLCANO, "PodGroup", volcano),
        (JOB_SETS, "JobSet", labels.get(JOBSET)),
        (LEADER_WORKERS, "LeaderWorkerSet", labels.get(LEADER_WORKER_SET)),
        (KUBEFLOW, "MPIJob", labels.get(KUBEFLOW_JOB) if of_mpi else None),
    ):
        if name:
            return OwnerName(group, kind, namespace, str(name))
    owner = controller_of(pod)
    if owner is None:
        return None
    found = OwnerName(owner["apiVersion"].partition("/")[0], owner["kind"], namespace, owner["name"])
    return found if found[:2] in _RULES else None


def owner_name_of(owner: Document) -> OwnerName:
    group = str(owner["apiVersion"]).partition("/")[0]
    return OwnerName(group, str(owner["kind"]), namespace_of(owner), name_of(owner))


def kinds_of(name: OwnerName) -> list[Kind]:
    return [kind for kind in GROUP_OWNERS if (kind.group, kind.kind) == name[:2]]


def share_of(pod: Mapping[str, Any], owner: Document) -> Share:
    """Raises UnreadablePod when the owner's numbers cannot be meant, or it has another shape than its kind."""
    try:
        return _RULES[owner_name_of(owner)[:2]](pod, owner)
    except UnreadablePod:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        text = f"{owner_name_of(owner)} cannot be read: {type(error).__name__} {str(error)[:200]}."
        raise UnreadablePod("InvalidGang", text) from error


def shown_name(owner: Document) -> str:
    """Of the topmost that is known: a RayJob's cluster and a TrainJob's JobSet have names that nobody chose."""
    above = controller_of(owner)
    return str(above["name"]) if above else name_of(owner)


def _pod_group(pod: Mapping[str, Any], owner: Document) -> Share:
    """Coscheduling's and Volcano's."""
    least = _number(owner, "spec.minMember", owner["spec"].get("minMember"), 1)
    return Share(shown_name(owner), "", "", (("", least),))


def _native_group(pod: Mapping[str, Any], owner: Document) -> Share:
    gang = (owner["spec"].get("schedulingPolicy") or {}).get("gang")
    if gang is None:  # the basic policy: each for itself
        return Share(name_of(pod), name_of(pod), "", EACH)
    least = _number(owner, "spec.schedulingPolicy.gang.minCount", gang.get("minCount"), 1)
    return Share(shown_name(owner), "", "", (("", least),))


def _kubeflow(pod: Mapping[str, Any], owner: Document) -> Share:
    """All replicas, or as many as its scheduling or elastic policy says."""
    spec, labels = owner["spec"], labels_of(pod)
    part = (labels.get(KUBEFLOW_REPLICA_TYPE) or labels.get(KUBEFLOW_ROLE) or "").lower()
    replicas: dict[str, Any] = next((spec[key] for key in spec if key.endswith("ReplicaSpecs")), {})
    minimums = {
        kind.lower(): _number(owner, f"{kind}.replicas", one.get("replicas"), 1)
        for kind, one in replicas.items()
    }
    elastic = spec.get("elasticPolicy")
    if elastic is not None and "worker" in minimums:
        minimums["worker"] = _number(owner, "spec.elasticPolicy.minReplicas", elastic.get("minReplicas"), 1)
    name, policy = shown_name(owner), (spec.get("runPolicy") or {}).get("schedulingPolicy") or {}
    least = policy.get("minAvailable")
    if least is not None:
        least = _number(owner, "spec.runPolicy.schedulingPolicy.minAvailable", least, 1)
    if spec.get("launcherCreationPolicy") == "WaitForWorkersReady":
        of_part = minimums.get(part, 1)
        return Share(name, part, part, ((part, of_part if least is None else min(of_part, least)),))
    if least is not None:
        return Share(name, "", "", (("", least),))
    return _whole(name, part, minimums)


def _job_set(pod: Mapping[str, Any], owner: Document) -> Share:
    spec, part = owner["spec"], labels_of(pod).get(JOBSET_REPLICATED_JOB, "")
    jobs = spec.get("replicatedJobs") or []
    minimums = {str(job["name"]): _pods_of_replicated(owner, job) for job in jobs}
    name, annotations = shown_name(owner), annotations_of(pod)
    if JOBSET_EXCLUSIVE in annotations and JOBSET_BY_NODE_SELECTOR not in annotations:
        return Share(name, "", "", EACH)  # the others are made where the first of their Job has its place
    in_order = (spec.get("startupPolicy") or {}).get("startupPolicyOrder") == "InOrder"
    if in_order or any(job.get("dependsOn") for job in jobs):
        return Share(f"{name}-{part}", part, part, ((part, minimums.get(part, 1)),))
    return _whole(name, part, minimums)


def _pods_of_replicated(owner: Document, job: Mapping[str, Any]) -> int:
    """How many of them run at a time."""
    spec, where = (job.get("template") or {}).get("spec") or {}, f"replicatedJobs {job['name']}"
    parallel = _number(owner, f"{where}: parallelism", spec.get("parallelism"), 1)
    in_all = _number(owner, f"{where}: completions", spec.get("completions"), parallel)
    return _number(owner, f"{where}: replicas", job.get("replicas"), 1) * min(parallel, in_all)


def _leader_workers(pod: Mapping[str, Any], owner: Document) -> Share:
    """One gang for each of its groups. A group keeps the size it was made with, which stands on its pods."""
    spec, labels, annotations = owner["spec"], labels_of(pod), annotations_of(pod)
    told = annotations.get(LEADER_WORKER_SIZE)
    size = int(told) if told and told.isdecimal() else (spec.get("leaderWorkerTemplate") or {}).get("size")
    size = _number(owner, "spec.leaderWorkerTemplate.size", size, 1)
    group = labels.get(LEADER_WORKER_GROUP, "0")
    name = f"{shown_name(owner)}-{group}"
    if spec.get("startupPolicy") == "LeaderReady" or LEADER_WORKER_EXCLUSIVE in annotations:
        leads = labels.get(LEADER_WORKER_INDEX) == "0"
        part = "leader" if leads else "workers"
        return Share(f"{name}-{part}", f"{group}-{part}", "", (("", 1 if leads else size - 1),))
    return Share(name, group, "", (("", size),))


def _ray_cluster(pod: Mapping[str, Any], owner: Document) -> Share:
    """The head, and of each group of workers what the cluster never has less of."""
    minimums = {RAY_HEAD: 1}
    grows = bool(owner["spec"].get("enableInTreeAutoscaling"))
    for group in owner["spec"].get("workerGroupSpecs") or []:
        where = f"workerGroupSpecs {group['groupName']}"
        least = _number(owner, f"{where}: minReplicas", group.get("minReplicas"), 0)
        if least == 0 and not grows:
            least = _number(owner, f"{where}: replicas", group.get("replicas"), 0)
        hosts = _number(owner, f"{where}: numOfHosts", group.get("numOfHosts"), 1)
        minimums[str(group["groupName"])] = 0 if group.get("suspend") else least * hosts
    return _whole(shown_name(owner), labels_of(pod).get(RAY_GROUP, ""), minimums)


def _whole(name: str, part: str, minimums: dict[str, int]) -> Share:
    """Everything starts as one; of pods that do not say which part they are only the sum is known."""
    if part not in minimums:
        return Share(name, "", "", (("", sum(minimums.values())),))
    return Share(name, "", part, tuple(minimums.items()))


def _number(owner: Document, field: str, value: Any, default: int) -> int:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_MINIMUM:
        text = f"{owner_name_of(owner)}: {field} is {str(value)[:40]}; it must be a whole number from 0 to {LARGEST_MINIMUM}."
        raise UnreadablePod("InvalidGang", text)
    return value


_RULES: dict[tuple[str, ...], Callable[[Mapping[str, Any], Document], Share]] = {
    (COSCHEDULING, "PodGroup"): _pod_group,
    (VOLCANO, "PodGroup"): _pod_group,
    (KUBERNETES, "PodGroup"): _native_group,
    (JOB_SETS, "JobSet"): _job_set,
    (LEADER_WORKERS, "LeaderWorkerSet"): _leader_workers,
    (RAY, "RayCluster"): _ray_cluster,
    **{(KUBEFLOW, kind.kind): _kubeflow for kind in GROUP_OWNERS if kind.group == KUBEFLOW},
}
"""By group and kind: what `GROUP_OWNERS` has, no matter which version."""
