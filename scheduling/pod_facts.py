"""Pure: one pod's JSON -> what the scheduler needs of it, worked out once per version of the pod."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from cluster.documents import (
    Document,
    annotations_of,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    parse_time,
    uid_of,
)
from cluster.labels import (
    EVICTION,
    GANG,
    KUBEFLOW_REPLICA_TYPE,
    KUBEFLOW_ROLE,
    LEADER_WORKER_INDEX,
    RAY_NODE_TYPE,
    REFUSAL,
    SCHEDULER_NAME,
    SPARK_ROLE,
    TASK_PRIORITY,
)
from scheduling.constraints import Namespaces, read_constraints
from scheduling.engine.model.constraints import ANYWHERE, Constraints
from scheduling.engine.model.tasks import TaskRequest, TaskState
from scheduling.group_owners import owner_named_by
from scheduling.grouping import Membership, Words, membership_of
from scheduling.requests import UnreadablePod, read_request
from scheduling.volumes import claims_of

MOST_ALIKE = 10_000
"""Different requests, or constraints, that are remembered."""
LEADER_LABELS = (
    (KUBEFLOW_ROLE, "master"),
    (KUBEFLOW_ROLE, "launcher"),
    (KUBEFLOW_REPLICA_TYPE, "master"),
    (KUBEFLOW_REPLICA_TYPE, "launcher"),
    (KUBEFLOW_REPLICA_TYPE, "chief"),
    (LEADER_WORKER_INDEX, "0"),
    (RAY_NODE_TYPE, "head"),
    (SPARK_ROLE, "driver"),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a pod cannot be scheduled as it is written."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PodFacts:
    """`state` is None for a pod that is over or gone before it got a place. `membership` is None for other schedulers' pods.

    `problem` set: the pod is not offered to the engine; if it sits on a node nonetheless, what it holds there is unknown.
    """

    uid: str
    namespace: str
    name: str
    ours: bool
    finished_well: bool
    state: TaskState | None
    node: str
    request: TaskRequest
    constraints: Constraints
    membership: Membership | None
    problem: Problem | None
    priority: int | None
    leader: bool
    created_at: float
    labels: dict[str, str]
    document: Document
    claims: tuple[tuple[str, str], ...] = ()
    """Volume claims (namespace, name) that it mounts."""
    claims_to_place: tuple[tuple[str, str], ...] = ()
    """Volume claims (namespace, name) that get their volume where the pod goes."""

    @property
    def holds(self) -> bool:
        return self.state is not None and bool(self.node)


class Alike:
    """Equal requests and constraints of many pods as one object each: by that the engine knows at a glance that tasks are alike."""

    def __init__(self) -> None:
        self._requests: dict[TaskRequest, TaskRequest] = {}
        self._constraints: dict[Constraints, Constraints] = {}

    def request(self, one: TaskRequest) -> TaskRequest:
        return _interned(self._requests, one)

    def constraints(self, one: Constraints) -> Constraints:
        return one if one is ANYWHERE else _interned(self._constraints, one)


T = TypeVar("T")


def _interned(known: dict[T, T], one: T) -> T:
    found = known.get(one)
    if found is not None:
        return found
    if len(known) >= MOST_ALIKE:  # most of them of pods that are long gone
        known.clear()
    known[one] = one
    return one


def read_pod(
    pod: Document,
    alike: Alike,
    owner_said: Words = (),
    namespaces: Namespaces | None = None,
    group_owner: Document | None = None,
) -> PodFacts:
    ours = pod["spec"].get("schedulerName") == SCHEDULER_NAME
    request, constraints, membership, problem = TaskRequest(), ANYWHERE, None, None
    try:
        membership = membership_of(pod, owner_said, group_owner) if ours else None
        request = read_request(pod)
        request = alike.request(request)
        constraints = alike.constraints(read_constraints(pod, namespaces)) if ours else ANYWHERE
    except UnreadablePod as error:
        problem = Problem(error.code, str(error))
    except Exception as error:  # noqa: BLE001  (whatever people wrote: one pod must not stop the others')
        problem = Problem("InvalidPod", f"It cannot be read: {type(error).__name__} {str(error)[:200]}.")
    if ours and problem is None and group_owner is None:
        problem = _of_unknown_owner(pod, owner_said)
    labels = labels_of(pod)
    return PodFacts(
        uid=uid_of(pod),
        namespace=namespace_of(pod),
        name=name_of(pod),
        ours=ours,
        finished_well=(pod.get("status") or {}).get("phase") == "Succeeded",
        state=state_of(pod),
        node=str(pod["spec"].get("nodeName") or ""),
        request=request,
        constraints=constraints,
        membership=membership,
        problem=problem,
        priority=_whole(labels.get(TASK_PRIORITY)),
        leader=any(labels.get(key, "").lower() == value for key, value in LEADER_LABELS),
        created_at=parse_time(pod["metadata"]["creationTimestamp"]).timestamp(),
        labels=labels,
        document=pod,
        claims=tuple(claims_of(pod)),
    )


def _of_unknown_owner(pod: Document, owner_said: Words) -> Problem | None:
    """Nobody starts alone who is to start with others: how many is written on the owner."""
    if state_of(pod) is not TaskState.PENDING or GANG in annotations_of(pod) or GANG in dict(owner_said):
        return None
    named = owner_named_by(pod)
    if named is None:
        return None
    return Problem("OwnerDoesNotExist", f"There is no {named}, which says how many pods start together.")


def state_of(pod: Mapping[str, Any]) -> TaskState | None:
    """Where the pod stands as the cluster says; None when it holds nothing and wants nothing."""
    phase = (pod.get("status") or {}).get("phase") or "Pending"
    if phase in ("Succeeded", "Failed"):
        return None
    bound = bool(pod["spec"].get("nodeName"))
    if is_deleting(pod):
        return TaskState.RELEASING if bound else None
    if bound:
        return TaskState.RUNNING if phase == "Running" else TaskState.BOUND
    return TaskState.GATED if pod["spec"].get("schedulingGates") else TaskState.PENDING


def _whole(text: str | None) -> int | None:
    try:
        return int(text) if text is not None and len(text) < 20 else None
    except ValueError:
        return None


def matters(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether a change of a pod could change a decision (its conditions, our own explanation among them, do not)."""
    if new["spec"] != old["spec"] or state_of(new) != state_of(old):
        return True
    if labels_of(new) != labels_of(old) or uid_of(new) != uid_of(old):
        return True
    return _asked(new) != _asked(old)


def _asked(pod: Mapping[str, Any]) -> dict[str, str]:
    """Annotations without those the scheduler writes itself."""
    return {key: text for key, text in annotations_of(pod).items() if key not in (REFUSAL, EVICTION)}
