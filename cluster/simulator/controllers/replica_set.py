"""The ReplicaSet controller: as many pods as asked for, and a status that says how they are."""

import logging

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import (
    Document,
    condition_of,
    format_time,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    parse_time,
    uid_of,
)
from cluster.errors import ClusterError, Conflict, Forbidden, Invalid, NotFound
from cluster.kinds import PODS, REPLICA_SETS
from cluster.pods import is_ready
from cluster.simulator.controllers.claiming import Claims
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.simulator.controllers.rollout import REPLICA_FAILURE
from cluster.simulator.controllers.telling import Teller
from cluster.simulator.controllers.templates import is_active, pod_from_template
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]
_AT_ONCE = 100


class ReplicaSetController:
    def __init__(self, client: ClusterClient, pods: WatchCache, index: PodIndex) -> None:
        self._client = client
        self._index = index
        self._teller = Teller(client, "replicaset-controller")
        self.replica_sets = WatchCache(client, REPLICA_SETS)
        self.replica_sets.listen(self._changed)
        self._claims = Claims(client, PODS, self.replica_sets)
        self._queue: WorkQueue[Key] = WorkQueue("replicaset-controller", self._reconcile, threads=2)
        pods.listen(self._pod_changed)

    def start(self) -> None:
        """The pods must have been listed."""
        self.replica_sets.start()
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        self.replica_sets.stop()

    def _changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _pod_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        for key in self._claims.concerned(new, old):
            self._queue.add(key)

    def _reconcile(self, key: Key) -> None:
        replica_set = self.replica_sets.get(*key)
        if replica_set is None or is_deleting(replica_set):
            return
        try:
            owned = self._index.of_owner(uid_of(replica_set))
            others = filter(is_active, self._index.orphans(key[0]))
            pods = [pod for pod in self._claims.claim(replica_set, owned, others) if is_active(pod)]
            pods, refusal = self._adjust(replica_set, pods)
            self._write_status(replica_set, pods, refusal)
        except (Conflict, NotFound):
            self._queue.add_after(key, 0.05)
            return
        if refusal is not None:
            raise refusal  # again later: the quota may have room then

    def _adjust(
        self, replica_set: Document, pods: list[Document]
    ) -> tuple[list[Document], ClusterError | None]:
        """The pods afterwards, and what the API server said when it refused to make one."""
        missing = int(replica_set["spec"].get("replicas", 1)) - len(pods)
        if missing < 0:
            doomed = sorted(pods, key=_worth)[:-missing]
            for pod in doomed:
                self._client.delete(PODS, name_of(pod), namespace_of(pod), uid=uid_of(pod))
                self._teller.tell(replica_set, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
            gone = {uid_of(pod) for pod in doomed}
            return [pod for pod in pods if uid_of(pod) not in gone], None
        for _ in range(min(missing, _AT_ONCE)):
            try:
                made = self._client.create(
                    PODS, pod_from_template(replica_set, replica_set["spec"]["template"])
                )
            except (Invalid, Forbidden) as refusal:
                self._teller.warn(replica_set, "FailedCreate", f"Error creating: {refusal.message}")
                return pods, refusal
            self._index.assume(made)
            self._teller.tell(replica_set, "SuccessfulCreate", f"Created pod: {name_of(made)}")
            pods.append(made)
        if missing > _AT_ONCE:
            self._queue.add(key_of(replica_set))
        return pods, None

    def _write_status(
        self, replica_set: Document, pods: list[Document], refusal: ClusterError | None
    ) -> None:
        template = replica_set["spec"]["template"]["metadata"].get("labels") or {}
        ready = [pod for pod in pods if is_ready(pod)]
        wait = int(replica_set["spec"].get("minReadySeconds") or 0)
        available = [pod for pod in ready if _ready_for(pod) >= wait]
        status = {
            "replicas": len(pods),
            "fullyLabeledReplicas": sum(
                1 for pod in pods if template.items() <= (pod["metadata"].get("labels") or {}).items()
            ),
            "readyReplicas": len(ready),
            "availableReplicas": len(available),
            "observedGeneration": replica_set["metadata"].get("generation", 0),
        }
        before = replica_set.get("status") or {}
        conditions = _conditions(before.get("conditions") or [], refusal)
        if conditions != (before.get("conditions") or []) or any(
            before.get(name, 0) != value for name, value in status.items()
        ):
            status = {**before, **status, "conditions": conditions}
            self._client.replace(REPLICA_SETS, {**replica_set, "status": status}, subresource="status")
        if len(available) < len(ready):
            left = min(wait - _ready_for(pod) for pod in ready if _ready_for(pod) < wait)
            self._queue.add_after(key_of(replica_set), clock.real_seconds(left) + 0.05)


def _conditions(before: list[Document], refusal: ClusterError | None) -> list[Document]:
    """That pods could not be made is said while it is so."""
    others = [one for one in before if one["type"] != REPLICA_FAILURE]
    if refusal is None:
        return others
    if len(others) < len(before):
        return before
    failure = {
        "type": REPLICA_FAILURE,
        "status": "True",
        "lastTransitionTime": format_time(clock.now()),
        "reason": "FailedCreate",
        "message": refusal.message,
    }
    return [*others, failure]


def _ready_for(pod: Document) -> float:
    """Product seconds since the pod became ready."""
    condition = condition_of(pod, "Ready")
    if condition is None or "lastTransitionTime" not in condition:
        return 0.0
    return (clock.now() - parse_time(condition["lastTransitionTime"])).total_seconds()


def _worth(pod: Document) -> tuple[bool, bool, bool, str]:
    """Those one misses least come first: not bound, not running, not ready, youngest."""
    running = (pod.get("status") or {}).get("phase") == "Running"
    age = str(pod["metadata"].get("creationTimestamp") or "")
    return (
        bool(pod["spec"].get("nodeName")),
        running,
        is_ready(pod),
        "".join(chr(255 - ord(one)) for one in age),
    )
