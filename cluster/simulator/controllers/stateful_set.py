"""The StatefulSet controller: pods with lasting names and claims, made, renewed and taken away in order."""

import logging

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import (
    Document,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    uid_of,
)
from cluster.errors import AlreadyExists, ClusterError, Conflict, Forbidden, Invalid, NotFound
from cluster.kinds import PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from cluster.simulator.controllers.claiming import Claims
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.simulator.controllers.revisions import Revisions
from cluster.simulator.controllers.stateful_pods import (
    claim_name,
    claim_templates,
    make_claims,
    make_pod,
    ordinal_of,
    ordinals,
    owned_by_pod,
    pod_name,
    policy_of,
    revision_of,
)
from cluster.simulator.controllers.stateful_status import is_available, ready_seconds_left, status_of
from cluster.simulator.controllers.telling import Teller
from cluster.simulator.controllers.templates import is_active
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]


class StatefulSetController:
    def __init__(self, client: ClusterClient, pods: WatchCache, index: PodIndex) -> None:
        self._client, self._index = client, index
        self._teller = Teller(client, "statefulset-controller")
        self.revisions = Revisions(client)
        self.stateful_sets = WatchCache(client, STATEFUL_SETS, on_change=self._changed)
        self._claims = Claims(client, PODS, self.stateful_sets)
        self._queue: WorkQueue[Key] = WorkQueue("statefulset-controller", self._reconcile, threads=2)
        pods.listen(self._pod_changed)

    def start(self) -> None:
        """The pods must have been listed."""
        self.revisions.revisions.start()
        self.revisions.revisions.synced(60)
        self.stateful_sets.start()
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        self.stateful_sets.stop()
        self.revisions.revisions.stop()

    def _changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _pod_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        for key in self._claims.concerned(new, old):
            self._queue.add(key)

    def _reconcile(self, key: Key) -> None:
        stateful_set = self.stateful_sets.get(*key)
        if stateful_set is None or is_deleting(stateful_set):
            return
        try:
            newest = self.revisions.present(stateful_set)
            owned = self._index.of_owner(uid_of(stateful_set))
            named = [pod for pod in self._index.orphans(key[0]) if ordinal_of(stateful_set, pod) is not None]
            pods = {
                number: pod
                for pod in self._claims.claim(stateful_set, owned, named)
                if (number := ordinal_of(stateful_set, pod)) is not None
            }
            refusal = self._move_as_far_as_allowed(stateful_set, pods, newest)
            self._write_status(stateful_set, pods, newest)
            self.revisions.forget(stateful_set, {newest, *(revision_of(pod) for pod in pods.values())})
        except (Conflict, NotFound, AlreadyExists):
            self._queue.add_after(key, 0.05)  # the cache is behind
            return
        if refusal is not None:
            raise refusal  # again later: the quota may have room then

    # --- one step -------------------------------------------------------------------------------------------------

    def _move_as_far_as_allowed(
        self, stateful_set: Document, pods: dict[int, Document], newest: str
    ) -> ClusterError | None:
        """What the API server said when it refused a pod or a claim."""
        try:
            self._move(stateful_set, pods, newest)
        except (Invalid, Forbidden) as refusal:
            return refusal
        return None

    def _move(self, stateful_set: Document, pods: dict[int, Document], newest: str) -> None:
        """Everything that may happen now; what follows happens when the pods' changes are seen."""
        parallel = stateful_set["spec"].get("podManagementPolicy") == "Parallel"
        wanted = ordinals(stateful_set)
        for number in wanted:
            pod = pods.get(number)
            if pod is not None and not is_deleting(pod) and not is_active(pod):
                self._delete(stateful_set, pod)  # it has ended: the next one has its name
                pod = None
                if not parallel:
                    return
            elif pod is None:
                pod = pods[number] = self._make(stateful_set, number, newest)
            if not parallel and (pod is None or is_deleting(pod) or not is_available(stateful_set, pod)):
                return
        if self._take_away(stateful_set, pods, wanted, parallel=parallel):
            return
        self._renew(stateful_set, pods, wanted, newest)

    def _make(self, stateful_set: Document, number: int, newest: str) -> Document:
        revision = self._revision_for(stateful_set, number, newest)
        template = self.revisions.template(stateful_set, revision) if revision != newest else None
        if template is None:
            revision, template = newest, stateful_set["spec"]["template"]
        for claim in make_claims(stateful_set, number):
            try:
                self._client.create(PERSISTENT_VOLUME_CLAIMS, claim)
                self._tell(
                    stateful_set, f"Create Claim {name_of(claim)} Pod {pod_name(stateful_set, number)}", ""
                )
            except AlreadyExists:
                logger.debug("claim %s is there", name_of(claim))
        try:
            made = self._client.create(PODS, make_pod(stateful_set, template, revision, number))
        except (Invalid, Forbidden) as refusal:
            what = f"Create Pod {pod_name(stateful_set, number)} in StatefulSet {name_of(stateful_set)}"
            self._teller.warn(stateful_set, "FailedCreate", f"{what} failed error: {refusal.message}")
            raise
        self._index.assume(made)
        self._tell(stateful_set, f"Create Pod {name_of(made)}", "ful")
        return made

    def _tell(self, stateful_set: Document, done: str, end: str) -> None:
        reason = f"Successful{done.partition(' ')[0]}"
        self._teller.tell(stateful_set, reason, f"{done} in StatefulSet {name_of(stateful_set)} success{end}")

    def _revision_for(self, stateful_set: Document, number: int, newest: str) -> str:
        """Below the partition pods stay at the revision that was complete last."""
        current = (stateful_set.get("status") or {}).get("currentRevision") or newest
        return current if number < _first_renewed(stateful_set) else newest

    def _take_away(
        self, stateful_set: Document, pods: dict[int, Document], wanted: range, *, parallel: bool
    ) -> bool:
        """Pods beyond the wanted numbers go from the last on; True while some are there."""
        surplus = sorted((number for number in pods if number not in wanted), reverse=True)
        for number in surplus:
            pod = pods[number]
            if not is_deleting(pod):
                if policy_of(stateful_set, "whenScaled") == "Delete":
                    self._let_claims_go_with(stateful_set, pod)
                self._delete(stateful_set, pod)
            if not parallel:
                break
        return bool(surplus)

    def _let_claims_go_with(self, stateful_set: Document, pod: Document) -> None:
        for template in claim_templates(stateful_set):
            patch = {"metadata": {"ownerReferences": [owned_by_pod(pod)]}}
            name = claim_name(template, name_of(pod))
            try:
                self._client.merge_patch(
                    PERSISTENT_VOLUME_CLAIMS, name, patch, namespace=namespace_of(stateful_set)
                )
            except NotFound:
                logger.debug("claim %s is gone", name)

    def _renew(self, stateful_set: Document, pods: dict[int, Document], wanted: range, newest: str) -> None:
        """Pods of an older revision go one at a time, from the last on, each when those after it are well."""
        strategy = stateful_set["spec"].get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete":
            return
        for number in reversed(wanted):
            pod = pods.get(number)
            if number < _first_renewed(stateful_set) or pod is None or is_deleting(pod):
                return
            if revision_of(pod) != newest:
                self._delete(stateful_set, pod)
                return
            if not is_available(stateful_set, pod):
                return

    def _delete(self, stateful_set: Document, pod: Document) -> None:
        self._client.delete(PODS, name_of(pod), namespace_of(pod), uid=uid_of(pod))
        self._tell(stateful_set, f"Delete Pod {name_of(pod)}", "ful")

    def _write_status(self, stateful_set: Document, pods: dict[int, Document], newest: str) -> None:
        kept = [pod for pod in pods.values() if not is_deleting(pod)]
        status = status_of(stateful_set, kept, newest)
        if status != (stateful_set.get("status") or {}):
            self._client.replace(STATEFUL_SETS, {**stateful_set, "status": status}, subresource="status")
        left = ready_seconds_left(stateful_set, kept)
        if left is not None:
            self._queue.add_after(key_of(stateful_set), clock.real_seconds(left) + 0.05)


def _first_renewed(stateful_set: Document) -> int:
    """The partition counts pods, whatever number the first of them has."""
    rolling = (stateful_set["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return ordinals(stateful_set).start + int(rolling.get("partition") or 0)
