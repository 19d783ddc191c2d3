"""The controller of generic ephemeral volumes: the claim a pod's own volume asks for, gone with the pod."""

import copy
import logging

from cluster.client import ClusterClient
from cluster.documents import Document, key_of, name_of, namespace_of, owner_reference, owners_of, uid_of
from cluster.errors import AlreadyExists, Conflict, Invalid, NotFound
from cluster.kinds import PERSISTENT_VOLUME_CLAIMS
from cluster.simulator.controllers.telling import Teller
from cluster.simulator.controllers.templates import is_active
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)
Key = tuple[str, str]


class EphemeralVolumes:
    """A claim of that name that belongs to somebody else is left alone, and the pod is told."""

    def __init__(self, client: ClusterClient, pods: WatchCache) -> None:
        self._client, self._pods = client, pods
        self._teller = Teller(client, "ephemeral_volume")
        self._queue: WorkQueue[Key] = WorkQueue("ephemeral-volumes", self._reconcile, threads=1)
        pods.listen(self._pod_changed)

    def start(self) -> None:
        """The pods must have been listed."""
        for pod in self._pods.items():
            self._pod_changed("ADDED", pod, None)
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()

    def _pod_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is not None and old is None and claims_wanted(new):
            self._queue.add(key_of(new))

    def _reconcile(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or not is_active(pod):
            return
        for claim in claims_wanted(pod):
            try:
                self._client.create(PERSISTENT_VOLUME_CLAIMS, claim)
            except AlreadyExists:
                self._check(pod, name_of(claim))
            except Invalid as refusal:
                self._teller.warn(pod, "FailedBinding", f"ephemeral volume: {refusal.message}")
            except (NotFound, Conflict):
                logger.debug("the namespace of pod %s/%s is going", *key)

    def _check(self, pod: Document, claim: str) -> None:
        found = self._client.get(PERSISTENT_VOLUME_CLAIMS, claim, namespace_of(pod))
        if not any(one["uid"] == uid_of(pod) for one in owners_of(found)):
            note = f"PVC {namespace_of(pod)}/{claim} was not created for pod {namespace_of(pod)}/{name_of(pod)} (pod is not owner)"
            self._teller.warn(pod, "FailedBinding", f"ephemeral volume: {note}")


def claims_wanted(pod: Document) -> list[Document]:
    """The claims of a pod's ephemeral volumes, named after the pod and the volume."""
    found = []
    for volume in pod["spec"].get("volumes") or []:
        template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
        if template is None:
            continue
        metadata = template.get("metadata") or {}
        found.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": f"{name_of(pod)}-{volume['name']}",
                    "namespace": namespace_of(pod),
                    "labels": dict(metadata.get("labels") or {}),
                    "annotations": dict(metadata.get("annotations") or {}),
                    "ownerReferences": [owner_reference(pod)],
                },
                "spec": copy.deepcopy(template["spec"]),
            }
        )
    return found
