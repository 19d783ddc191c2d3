"""The Deployment controller: one ReplicaSet for each template, rolled over within surge and unavailability."""

import copy
import logging
from typing import Any

from cluster.client import ClusterClient
from cluster.documents import (
    Document,
    annotations_of,
    controller_of,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from cluster.errors import AlreadyExists, Conflict, NotFound
from cluster.kinds import DEPLOYMENTS, REPLICA_SETS
from cluster.pods import is_finished
from cluster.simulator.controllers.claiming import Claims
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.simulator.controllers.rollout import (
    HASH,
    REVISION,
    available_of,
    conditions_of,
    limits_of,
    new_size,
    next_revision,
    plain_template,
    replicas_of,
    revision_of,
    shared_annotations,
    template_hash,
    template_of,
    with_failure,
)
from cluster.simulator.controllers.telling import Teller
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]
_LOOK_AGAIN_SECONDS = 0.2


class DeploymentController:
    def __init__(self, client: ClusterClient, replica_sets: WatchCache, index: PodIndex) -> None:
        self._client = client
        self._index = index
        self._teller = Teller(client, "deployment-controller")
        self._replica_sets = replica_sets
        self._assumed: dict[str, Document] = {}
        self.deployments = WatchCache(client, DEPLOYMENTS)
        self.deployments.listen(self._changed)
        self._claims = Claims(client, REPLICA_SETS, self.deployments)
        replica_sets.listen(self._replica_set_changed)
        self._queue: WorkQueue[Key] = WorkQueue("deployment-controller", self._reconcile, threads=1)

    def start(self) -> None:
        self.deployments.start()
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        self.deployments.stop()

    def _changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _replica_set_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        for document in (new, old):
            if document is not None:
                self._assumed.pop(uid_of(document), None)
        for key in self._claims.concerned(new, old):
            self._queue.add(key)

    def _reconcile(self, key: Key) -> None:
        deployment = self.deployments.get(*key)
        if deployment is None or is_deleting(deployment):
            return
        try:
            self._sync(deployment)
        except (Conflict, NotFound):
            self._queue.add_after(key, 0.05)

    def _sync(self, deployment: Document) -> None:
        owned = self._owned(deployment)
        digest = template_hash(deployment["spec"]["template"])
        current = next(
            (one for one in owned if template_of(one) == plain_template(deployment["spec"]["template"])), None
        )
        if current is None and not deployment["spec"].get("paused"):
            current = self._make(deployment, digest, owned)
            owned.append(current)
        old = [one for one in owned if current is None or uid_of(one) != uid_of(current)]
        if current is not None:
            self._mark_revision(deployment, current, old)
            self._roll(deployment, current, old)
            self._prune(deployment, old)
        self._write_status(deployment, current, owned)

    def _owned(self, deployment: Document) -> list[Document]:
        mine = uid_of(deployment)
        seen = [one for one in self._replica_sets.items() if (controller_of(one) or {}).get("uid") == mine]
        known = {uid_of(one) for one in seen}
        assumed = [
            one
            for uid, one in self._assumed.items()
            if uid not in known and (controller_of(one) or {}).get("uid") == mine
        ]
        others = (one for one in self._replica_sets.items() if controller_of(one) is None)
        return self._claims.claim(deployment, seen + assumed, others)

    def _make(self, deployment: Document, digest: str, owned: list[Document]) -> Document:
        template = copy.deepcopy(deployment["spec"]["template"])
        template.setdefault("metadata", {}).setdefault("labels", {})[HASH] = digest
        selector = copy.deepcopy(deployment["spec"]["selector"])
        selector.setdefault("matchLabels", {})[HASH] = digest
        old_total = sum(replicas_of(one) for one in owned)
        document = {
            "apiVersion": REPLICA_SETS.api_version,
            "kind": REPLICA_SETS.kind,
            "metadata": {
                "name": f"{name_of(deployment)}-{digest}",
                "namespace": namespace_of(deployment),
                "labels": dict(template["metadata"]["labels"]),
                "annotations": {**shared_annotations(deployment), REVISION: str(next_revision(owned))},
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {
                "replicas": new_size(deployment, 0, old_total),
                "selector": selector,
                "template": template,
                "minReadySeconds": deployment["spec"].get("minReadySeconds", 0),
            },
        }
        try:
            made = self._client.create(REPLICA_SETS, document)
            if replicas_of(made):
                self._tell_scaled(deployment, made, 0, replicas_of(made))
        except AlreadyExists:
            made = self._client.get(REPLICA_SETS, f"{name_of(deployment)}-{digest}", namespace_of(deployment))
        self._assumed[uid_of(made)] = made
        return made

    def _mark_revision(self, deployment: Document, current: Document, old: list[Document]) -> None:
        """The newest template has the highest revision, also after a roll-back to an older one."""
        revision = revision_of(current)
        highest = max((revision_of(one) for one in old), default=0)
        if revision <= highest:
            revision = highest + 1
        wanted = {**shared_annotations(deployment), REVISION: str(revision)}
        if not wanted.items() <= annotations_of(current).items():
            patch = {"metadata": {"annotations": wanted}}
            self._client.merge_patch(REPLICA_SETS, name_of(current), patch, namespace=namespace_of(current))
        if annotations_of(deployment).get(REVISION) != str(revision):
            self._client.merge_patch(
                DEPLOYMENTS,
                name_of(deployment),
                {"metadata": {"annotations": {REVISION: str(revision)}}},
                namespace=namespace_of(deployment),
            )

    def _roll(self, deployment: Document, current: Document, old: list[Document]) -> None:
        wanted = int(deployment["spec"].get("replicas", 1))
        if deployment["spec"].get("paused"):
            return
        if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            for one in old:
                self._scale(deployment, one, 0)
            if any(self._has_live_pods(one) for one in old):
                self._queue.add_after(key_of(deployment), _LOOK_AGAIN_SECONDS)
            else:
                self._scale(deployment, current, wanted)
            return
        old_total = sum(replicas_of(one) for one in old)
        self._scale(deployment, current, new_size(deployment, replicas_of(current), old_total))
        self._shrink_old(deployment, current, old)

    def _has_live_pods(self, replica_set: Document) -> bool:
        """Also pods that are being deleted run until their kubelet says otherwise."""
        return any(not is_finished(pod) for pod in self._index.of_owner(uid_of(replica_set)))

    def _shrink_old(self, deployment: Document, current: Document, old: list[Document]) -> None:
        """Old pods go as far as enough stay available; those that are not available go first."""
        wanted = int(deployment["spec"].get("replicas", 1))
        _, unavailable = limits_of(deployment)
        available = sum(available_of(one) for one in [current, *old])
        spare = max(0, available - max(0, wanted - unavailable))
        for one in sorted(old, key=lambda each: str(each["metadata"].get("creationTimestamp"))):
            replicas = replicas_of(one)
            broken = max(0, replicas - available_of(one))
            healthy_to_go = min(replicas - broken, spare)
            spare -= healthy_to_go
            self._scale(deployment, one, replicas - broken - healthy_to_go)

    def _scale(self, deployment: Document, replica_set: Document, replicas: int) -> None:
        before = replicas_of(replica_set)
        if before != replicas:
            patch = {"spec": {"replicas": replicas}}
            self._client.merge_patch(
                REPLICA_SETS, name_of(replica_set), patch, namespace=namespace_of(replica_set)
            )
            self._tell_scaled(deployment, replica_set, before, replicas)

    def _tell_scaled(self, deployment: Document, replica_set: Document, before: int, after: int) -> None:
        way = "up" if after > before else "down"
        note = f"Scaled {way} replica set {name_of(replica_set)} from {before} to {after}"
        self._teller.tell(deployment, "ScalingReplicaSet", note)

    def _prune(self, deployment: Document, old: list[Document]) -> None:
        keep = deployment["spec"].get("revisionHistoryLimit", 10)
        empty = [
            one
            for one in old
            if replicas_of(one) == 0 and not int((one.get("status") or {}).get("replicas") or 0)
        ]
        for one in sorted(empty, key=revision_of)[: max(0, len(empty) - int(keep))]:
            self._client.delete(REPLICA_SETS, name_of(one), namespace_of(one), uid=uid_of(one))

    def _write_status(self, deployment: Document, current: Document | None, owned: list[Document]) -> None:
        wanted = int(deployment["spec"].get("replicas", 1))
        _, unavailable = limits_of(deployment)

        def total(field: str, sets: list[Document]) -> int:
            return sum(int((one.get("status") or {}).get(field) or 0) for one in sets)

        updated = total("replicas", [current] if current else [])
        available = total("availableReplicas", owned)
        status: dict[str, Any] = {
            "observedGeneration": deployment["metadata"].get("generation", 0),
            "replicas": total("replicas", owned),
            "updatedReplicas": updated,
            "readyReplicas": total("readyReplicas", owned),
            "availableReplicas": available,
            "unavailableReplicas": max(0, total("replicas", owned) - available, wanted - available),
        }
        before = deployment.get("status") or {}
        conditions = conditions_of(
            before.get("conditions"),
            enough=available >= wanted - unavailable,
            done=updated == wanted == available and status["replicas"] == wanted,
            name=name_of(current) if current else "",
        )
        status["conditions"] = with_failure(conditions, [*([current] if current else []), *owned])
        merged = {**before, **status}
        if {k: v for k, v in merged.items() if v} != {k: v for k, v in before.items() if v}:
            self._client.replace(DEPLOYMENTS, {**deployment, "status": merged}, subresource="status")
