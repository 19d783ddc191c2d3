"""The DaemonSet controller: one pod on each node that suits it; a scheduler binds them."""

import logging
import time
from collections.abc import Iterator

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import (
    Document,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from cluster.errors import ClusterError, Conflict, Forbidden, Invalid, NotFound
from cluster.kinds import DAEMON_SETS, PODS
from cluster.pods import is_finished
from cluster.simulator.controllers.claiming import Claims
from cluster.simulator.controllers.daemon_pods import HASH_LABEL, daemon_pod, node_of, should_run
from cluster.simulator.controllers.daemon_rollout import Place, Steps, roll, settle, status_of
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.simulator.controllers.revisions import Revisions
from cluster.simulator.controllers.stateful_status import ready_seconds_left
from cluster.simulator.controllers.telling import Teller
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]
_FIRST_REST, _LONGEST_REST = 1.0, 900.0
"""Real seconds before a node's failed pod is replaced, doubling: a kubelet may refuse each of them."""


class DaemonSetController:
    """`revisions` are kept by the caller, who starts them first."""

    def __init__(
        self,
        client: ClusterClient,
        pods: WatchCache,
        nodes: WatchCache,
        index: PodIndex,
        revisions: Revisions,
    ) -> None:
        self._client, self._nodes, self._index, self._revisions = client, nodes, index, revisions
        self._teller = Teller(client, "daemonset-controller")
        self._doomed: set[str] = set()
        self._rests: dict[tuple[str, str], tuple[float, float]] = {}
        self.daemon_sets = WatchCache(client, DAEMON_SETS, on_change=self._changed)
        self._claims = Claims(client, PODS, self.daemon_sets)
        self._queue: WorkQueue[Key] = WorkQueue("daemonset-controller", self._reconcile, threads=1)
        pods.listen(self._pod_changed)
        nodes.listen(self._node_changed)

    def start(self) -> None:
        """Pods, nodes and revisions must have been listed."""
        self.daemon_sets.start()
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        self.daemon_sets.stop()

    def _changed(self, event: str, new: Document | None, old: Document | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _pod_changed(self, event: str, new: Document | None, old: Document | None) -> None:
        if new is None and old is not None:
            self._doomed.discard(uid_of(old))
        for key in self._claims.concerned(new, old):
            self._queue.add(key)

    def _node_changed(self, event: str, new: Document | None, old: Document | None) -> None:
        """Only what decides where pods belong: heartbeats are frequent."""
        if new is not None and old is not None:
            same_taints = new["spec"].get("taints") == old["spec"].get("taints")
            if same_taints and labels_of(new) == labels_of(old):
                return
        for daemon_set in self.daemon_sets.items():
            self._queue.add(key_of(daemon_set))

    # --- one DaemonSet ----------------------------------------------------------------------------------------------

    def _reconcile(self, key: Key) -> None:
        daemon_set = self.daemon_sets.get(*key)
        if daemon_set is None or is_deleting(daemon_set):
            return
        try:
            owned = self._index.of_owner(uid_of(daemon_set))
            if len(self._claims.claim(daemon_set, owned, self._index.orphans(key[0]))) != len(owned):
                self._queue.add_after(key, 0.05)  # by then the watch has shown whose the pods are
                return
            revision = self._revisions.present(daemon_set)
            digest = revision.removeprefix(f"{name_of(daemon_set)}-")
            places = self._places(daemon_set)
            refusal = self._move(daemon_set, places, digest)
            self._write_status(daemon_set, digest)
            self._revisions.forget(daemon_set, {revision, *self._in_use(daemon_set)})
        except (Conflict, NotFound):
            self._queue.add_after(key, 0.05)  # the cache is behind
            return
        if refusal is not None:
            raise refusal  # again later: the quota may have room then

    def _in_use(self, daemon_set: Document) -> Iterator[str]:
        for pod in self._index.of_owner(uid_of(daemon_set)):
            yield f"{name_of(daemon_set)}-{labels_of(pod).get(HASH_LABEL)}"

    def _places(self, daemon_set: Document) -> list[Place]:
        """All nodes, and those that are gone but still named by a pod."""
        found: dict[str, Place] = {}
        for node in self._nodes.items():
            found[name_of(node)] = Place(name_of(node), *should_run(daemon_set, node))
        for pod in self._index.of_owner(uid_of(daemon_set)):
            place = found.setdefault(node_of(pod), Place(node_of(pod), wanted=False, may_stay=False))
            if not is_deleting(pod) and uid_of(pod) not in self._doomed:
                place.pods.append(pod)
            elif not is_finished(pod):
                place.leaving += 1
        return list(found.values())

    def _move(self, daemon_set: Document, places: list[Place], digest: str) -> ClusterError | None:
        """First one pod for each node, then, when all is well, newer ones. What the API server refuses is given back."""
        steps = Steps()
        for place in places:
            found = settle(daemon_set, place, digest)
            steps.make += found.make
            steps.delete += [*found.delete, *self._ended(daemon_set, place)]
        if not steps.make and not steps.delete:
            steps = roll(daemon_set, places, digest)
        for pod in steps.delete:
            self._delete(daemon_set, pod)
        for node in steps.make:
            try:
                made = self._client.create(PODS, daemon_pod(daemon_set, node, digest))
            except (Invalid, Forbidden) as refusal:
                self._teller.warn(daemon_set, "FailedCreate", f"Error creating: {refusal.message}")
                return refusal
            self._index.assume(made)
            self._teller.tell(daemon_set, "SuccessfulCreate", f"Created pod: {name_of(made)}")
        return None

    def _ended(self, daemon_set: Document, place: Place) -> list[Document]:
        """Daemons do not end: those that did are replaced, failed ones after a rest."""
        doomed = []
        for pod in place.ended():
            where = f"daemon pod {namespace_of(pod)}/{name_of(pod)} on node {place.node}"
            if pod["status"]["phase"] == "Succeeded":
                self._teller.tell(
                    daemon_set, "SucceededDaemonPod", f"Found succeeded {where}, will try to delete it"
                )
            elif self._rests_still(daemon_set, place.node):
                continue
            else:
                self._teller.warn(daemon_set, "FailedDaemonPod", f"Found failed {where}, will try to kill it")
            doomed.append(pod)
        return doomed

    def _rests_still(self, daemon_set: Document, node: str) -> bool:
        """Whether it is too early; if not, the next rest on that node is longer, until it has been well for as long twice over."""
        key, now = (uid_of(daemon_set), node), time.monotonic()
        since, rest = self._rests.get(key, (0.0, 0.0))
        if now < since + rest:
            self._queue.add_after(key_of(daemon_set), since + rest - now)
            return True
        has_been_well = now > since + rest + 2 * _LONGEST_REST
        longer = _FIRST_REST if not rest or has_been_well else min(2 * rest, _LONGEST_REST)
        self._rests[key] = (now, longer)
        return False

    def _delete(self, daemon_set: Document, pod: Document) -> None:
        """It counts as going from now on, whatever the watch still shows."""
        self._client.delete(PODS, name_of(pod), namespace_of(pod), uid=uid_of(pod))
        self._doomed.add(uid_of(pod))
        self._teller.tell(daemon_set, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

    def _write_status(self, daemon_set: Document, digest: str) -> None:
        places = self._places(daemon_set)
        before = daemon_set.get("status") or {}
        status = status_of(daemon_set, places, digest)
        kept = {name: before[name] for name in ("conditions", "collisionCount") if name in before}
        if status | kept != before:
            self._client.replace(DAEMON_SETS, {**daemon_set, "status": status | kept}, subresource="status")
        left = ready_seconds_left(daemon_set, [pod for place in places for pod in place.pods])
        if left is not None:
            self._queue.add_after(key_of(daemon_set), clock.real_seconds(left) + 0.05)
