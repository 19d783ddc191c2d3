"""What claims and volumes say of each other. Pure."""

from typing import Any

from cluster.documents import Document, annotations_of, labels_of, name_of, namespace_of, uid_of
from cluster.quantities import parse_quantity
from cluster.simulator.selectors import object_selector_test

PROVISIONER = "disk.simulator.run.ai"
"""Makes a volume for every claim of a StorageClass that names it."""
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
OLD_STORAGE_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
BOUND_BY_CONTROLLER, BIND_COMPLETED = (
    "pv.kubernetes.io/bound-by-controller",
    "pv.kubernetes.io/bind-completed",
)
CLAIM_FINALIZER, VOLUME_FINALIZER = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"


def phase_of(document: Document) -> str:
    return str((document.get("status") or {}).get("phase", "Pending"))


def class_of(document: Document) -> str:
    """Of a claim or a volume; "" for none."""
    return str(document["spec"].get("storageClassName") or "")


def waits_for_consumer(storage_class: Document | None) -> bool:
    return storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"


def belongs_to(volume: Document, claim: Document) -> bool:
    """The volume is kept for this claim; by a name alone when whoever made it did not know the claim yet."""
    reference = volume["spec"].get("claimRef") or {}
    return (reference.get("namespace"), reference.get("name")) == (
        namespace_of(claim),
        name_of(claim),
    ) and reference.get("uid") in (None, "", uid_of(claim))


def fits(volume: Document, claim: Document) -> bool:
    """Whether the volume could be the claim's."""
    wanted, given = claim["spec"], volume["spec"]
    if volume["metadata"].get("deletionTimestamp") or class_of(volume) != class_of(claim):
        return False
    if given.get("claimRef") is not None:
        return belongs_to(volume, claim)
    if phase_of(volume) not in ("Available", "Pending"):
        return False
    selector = wanted.get("selector")
    if selector is not None and not object_selector_test(selector)(labels_of(volume)):
        return False
    modes = set(wanted.get("accessModes") or []) <= set(given.get("accessModes") or [])
    same_form = wanted.get("volumeMode") == given.get("volumeMode")
    return modes and same_form and size_of(given.get("capacity")) >= size_of(requested(claim))


def requested(claim: Document) -> dict[str, str]:
    return (claim["spec"].get("resources") or {}).get("requests") or {}


def size_of(amounts: dict[str, str] | None) -> Any:
    return parse_quantity((amounts or {}).get("storage", "0"))


def reference_to(claim: Document) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": namespace_of(claim),
        "name": name_of(claim),
        "uid": uid_of(claim),
        "resourceVersion": claim["metadata"]["resourceVersion"],
    }


def claims_of_pod(pod: Document) -> list[str]:
    """Names of the claims a pod's volumes are, generic ephemeral ones too."""
    found = []
    for volume in pod["spec"].get("volumes") or []:
        if "persistentVolumeClaim" in volume:
            found.append(str(volume["persistentVolumeClaim"]["claimName"]))
        elif "ephemeral" in volume:
            found.append(f"{name_of(pod)}-{volume['name']}")
    return found


def new_volume(claim: Document, storage_class: Document) -> Document:
    """An imaginary disk of the size that is asked for, on the chosen node where one was chosen."""
    spec: Document = {
        "capacity": {"storage": requested(claim).get("storage", "1Gi")},
        "accessModes": claim["spec"].get("accessModes") or [],
        "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
        "claimRef": reference_to(claim),
        "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
        "storageClassName": name_of(storage_class),
        "csi": {"driver": PROVISIONER, "volumeHandle": f"disk-{uid_of(claim)}"},
    }
    node = annotations_of(claim).get(SELECTED_NODE)
    if node and waits_for_consumer(storage_class):
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"pvc-{uid_of(claim)}", "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": spec,
    }


def standard_class() -> Document:
    """What claims get that name no class."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "standard", "annotations": {DEFAULT_CLASS: "true"}},
        "provisioner": PROVISIONER,
    }
