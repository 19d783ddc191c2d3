"""Claims and volumes: the default StorageClass, and the finalizers that keep them while they are used."""

from cluster.simulator.kinds.rules import Document, KindRules, Surroundings
from cluster.simulator.problems import Cause, missing
from cluster.simulator.volumes import CLAIM_FINALIZER, DEFAULT_CLASS, VOLUME_FINALIZER


def _admit_claim(document: Document, around: Surroundings) -> None:
    _keep(document, CLAIM_FINALIZER)
    spec = document.get("spec", {})
    if "storageClassName" in spec:
        return
    defaults = [
        stored.document["metadata"]
        for stored in around.store.listed("storageclasses.storage.k8s.io")
        if (stored.document["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
    ]
    if defaults:  # of several the youngest
        newest = max(defaults, key=lambda metadata: (metadata["creationTimestamp"], metadata["name"]))
        spec["storageClassName"] = newest["name"]


def _admit_volume(document: Document, around: Surroundings) -> None:
    _keep(document, VOLUME_FINALIZER)


def _keep(document: Document, finalizer: str) -> None:
    metadata = document["metadata"]
    if finalizer not in metadata.get("finalizers", []):
        metadata["finalizers"] = [*metadata.get("finalizers", []), finalizer]


def _pending(document: Document, around: Surroundings) -> None:
    document["status"] = {"phase": "Pending"}


def _claim_causes(new: Document, old: Document | None) -> list[Cause]:
    spec = new.get("spec", {})
    causes = []
    if not spec.get("accessModes"):
        causes.append(missing("spec.accessModes", "at least 1 access mode is required"))
    if "storage" not in ((spec.get("resources") or {}).get("requests") or {}):
        causes.append(missing("spec.resources[storage]"))
    return causes


CLAIM_RULES = KindRules(admit=_admit_claim, on_create=_pending, causes=_claim_causes, returns_deleted=True)
VOLUME_RULES = KindRules(admit=_admit_volume, on_create=_pending, returns_deleted=True)
