"""The volume controllers: claims find volumes, volumes lose claims, and neither goes while it is used."""

import logging

from cluster.client import ClusterClient
from cluster.documents import Document, annotations_of, is_deleting, key_of, name_of, namespace_of, uid_of
from cluster.errors import Conflict, NotFound
from cluster.kinds import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES
from cluster.pods import is_finished
from cluster.simulator.controllers.telling import Teller
from cluster.simulator.controllers.templates import is_active
from cluster.simulator.volumes import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    CLAIM_FINALIZER,
    OLD_STORAGE_PROVISIONER,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    VOLUME_FINALIZER,
    belongs_to,
    claims_of_pod,
    class_of,
    fits,
    phase_of,
    reference_to,
    size_of,
    waits_for_consumer,
)
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]
PROVISIONING = (
    "Waiting for a volume to be created either by the external provisioner '{}' or manually by the system administrator."
    " If volume creation is delayed, please verify that the provisioner is running and correctly registered."
)


class VolumeBinder:
    """Keys without a namespace are volumes. One thread, so that no volume is given away twice."""

    def __init__(self, client: ClusterClient, pods: WatchCache) -> None:
        self._client, self._pods = client, pods
        self._teller = Teller(client, "persistentvolume-controller")
        self._queue: WorkQueue[Key] = WorkQueue("volume-binder", self._reconcile, threads=1)
        self.classes = WatchCache(client, STORAGE_CLASSES, on_change=self._class_changed)
        self.claims = WatchCache(client, PERSISTENT_VOLUME_CLAIMS, on_change=self._claim_changed)
        self.volumes = WatchCache(client, PERSISTENT_VOLUMES, on_change=self._volume_changed)
        pods.listen(self._pod_changed)

    def start(self) -> None:
        """The pods must have been listed."""
        for cache in (self.classes, self.volumes, self.claims):
            cache.start()
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        for cache in (self.classes, self.volumes, self.claims):
            cache.stop()

    def _claim_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        claim = new or old
        if claim is None:
            return
        self._queue.add(key_of(claim))
        if claim["spec"].get("volumeName"):
            self._queue.add(("", claim["spec"]["volumeName"]))

    def _volume_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is not None:
            self._queue.add(("", name_of(new)))
        self._look_at_waiting()

    def _class_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        self._look_at_waiting()

    def _look_at_waiting(self) -> None:
        for claim in self.claims.items():
            if phase_of(claim) == "Pending":
                self._queue.add(key_of(claim))

    def _pod_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        pod = new or old
        if pod is not None and (new is None or not is_active(new)):
            for name in claims_of_pod(pod):
                self._queue.add((namespace_of(pod), name))

    def _reconcile(self, key: Key) -> None:
        try:
            if key[0]:
                claim = self.claims.get(*key)
                if claim is not None:
                    self._settle_claim(claim)
            else:
                volume = self.volumes.get(*key)
                if volume is not None:
                    self._settle_volume(volume)
        except (Conflict, NotFound):
            self._queue.add_after(key, 0.05)

    # --- claims ---------------------------------------------------------------------------------------------------

    def _settle_claim(self, claim: Document) -> None:
        if is_deleting(claim):
            if CLAIM_FINALIZER in (claim["metadata"].get("finalizers") or []) and not self._is_used(claim):
                self._free(claim, CLAIM_FINALIZER)
            return
        if phase_of(claim) == "Bound":
            if self.volumes.get("", claim["spec"].get("volumeName", "")) is None:
                self._set_phase(claim, "Lost")
            return
        volume = self._volume_for(claim)
        if volume is not None:
            self._bind(claim, volume)
        elif not claim["spec"].get("volumeName"):
            self._ask_provisioner(claim)

    def _is_used(self, claim: Document) -> bool:
        return any(
            name_of(claim) in claims_of_pod(pod)
            for pod in self._pods.items()
            if namespace_of(pod) == namespace_of(claim) and not is_finished(pod)
        )

    def _volume_for(self, claim: Document) -> Document | None:
        """The one it names, the one that is kept for it, else the smallest that fits; none while it waits for its pod's node."""
        named = claim["spec"].get("volumeName")
        if named:
            volume = self.volumes.get("", named)
            free = volume is not None and ("claimRef" not in volume["spec"] or belongs_to(volume, claim))
            return volume if free else None
        fitting = [volume for volume in self.volumes.items() if fits(volume, claim)]
        kept = next((volume for volume in fitting if belongs_to(volume, claim)), None)
        if kept is not None or self._waits(claim):
            return kept
        return min(fitting, key=lambda volume: size_of(volume["spec"].get("capacity")), default=None)

    def _waits(self, claim: Document) -> bool:
        storage_class = self.classes.get("", class_of(claim))
        return waits_for_consumer(storage_class) and SELECTED_NODE not in annotations_of(claim)

    def _ask_provisioner(self, claim: Document) -> None:
        storage_class = self.classes.get("", class_of(claim)) if class_of(claim) else None
        if storage_class is None:
            return
        if self._waits(claim):
            waiting = "waiting for first consumer to be created before binding"
            self._teller.tell(claim, "WaitForFirstConsumer", waiting)
            return
        provisioner = storage_class["provisioner"]
        if annotations_of(claim).get(STORAGE_PROVISIONER) != provisioner:
            notes = {STORAGE_PROVISIONER: provisioner, OLD_STORAGE_PROVISIONER: provisioner}
            self._patch_claim(claim, {"metadata": {"annotations": notes}})
            self._teller.tell(claim, "ExternalProvisioning", PROVISIONING.format(provisioner))

    def _bind(self, claim: Document, volume: Document) -> None:
        """Volume first: whoever reads a bound claim must find a volume that is its own."""
        name = name_of(volume)
        if (volume["spec"].get("claimRef") or {}).get("uid") != uid_of(claim):
            notes = {} if "claimRef" in volume["spec"] else {BOUND_BY_CONTROLLER: "yes"}
            patch = {"metadata": {"annotations": notes}, "spec": {"claimRef": reference_to(claim)}}
            volume = self._client.merge_patch(PERSISTENT_VOLUMES, name, patch)
        if phase_of(volume) != "Bound":
            self._client.merge_patch(
                PERSISTENT_VOLUMES, name, {"status": {"phase": "Bound"}}, subresource="status"
            )
        notes = {BIND_COMPLETED: "yes"}
        if not claim["spec"].get("volumeName"):
            notes[BOUND_BY_CONTROLLER] = "yes"
        self._patch_claim(claim, {"metadata": {"annotations": notes}, "spec": {"volumeName": name}})
        status = {
            "phase": "Bound",
            "accessModes": volume["spec"].get("accessModes"),
            "capacity": volume["spec"].get("capacity"),
        }
        self._patch_claim(claim, {"status": status}, subresource="status")

    def _set_phase(self, claim: Document, phase: str) -> None:
        self._patch_claim(claim, {"status": {"phase": phase}}, subresource="status")

    def _patch_claim(self, claim: Document, patch: Document, subresource: str | None = None) -> None:
        self._client.merge_patch(
            PERSISTENT_VOLUME_CLAIMS,
            name_of(claim),
            patch,
            namespace=namespace_of(claim),
            subresource=subresource,
        )

    # --- volumes --------------------------------------------------------------------------------------------------

    def _settle_volume(self, volume: Document) -> None:
        phase, reference = phase_of(volume), volume["spec"].get("claimRef")
        if is_deleting(volume):
            if VOLUME_FINALIZER in (volume["metadata"].get("finalizers") or []) and phase != "Bound":
                self._free(volume, VOLUME_FINALIZER)
            return
        wanted = phase
        if reference is None:
            wanted = "Available"
        elif reference.get("uid"):
            claim = self.claims.get(reference["namespace"], reference["name"])
            if (claim is None or uid_of(claim) != reference["uid"]) and phase == "Bound":
                wanted = "Released"
        elif phase == "Pending":
            wanted = "Available"
        if wanted != phase:
            self._client.merge_patch(
                PERSISTENT_VOLUMES, name_of(volume), {"status": {"phase": wanted}}, subresource="status"
            )

    def _free(self, document: Document, finalizer: str) -> None:
        kind = PERSISTENT_VOLUMES if document["kind"] == "PersistentVolume" else PERSISTENT_VOLUME_CLAIMS
        kept = [one for one in document["metadata"]["finalizers"] if one != finalizer]
        patch = {
            "metadata": {
                "finalizers": kept or None,
                "resourceVersion": document["metadata"]["resourceVersion"],
            }
        }
        self._client.merge_patch(kind, name_of(document), patch, namespace=namespace_of(document) or None)
