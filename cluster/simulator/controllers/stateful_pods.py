"""What the pods and claims of a StatefulSet look like: names, labels, volumes. Pure."""

import copy
import re
from typing import Any

from cluster.documents import Document, controller_of, labels_of, name_of, namespace_of, uid_of
from cluster.simulator.controllers.templates import pod_from_template

POD_NAME, POD_INDEX = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"
REVISION = "controller-revision-hash"
_NAME = re.compile(r"(.*)-(\d+)")


def ordinals(stateful_set: Document) -> range:
    """The numbers its pods have."""
    first = int((stateful_set["spec"].get("ordinals") or {}).get("start", 0))
    return range(first, first + int(stateful_set["spec"].get("replicas", 1)))


def ordinal_of(stateful_set: Document, pod: Document) -> int | None:
    """The number in a pod's name, or None for a pod of another name."""
    match = _NAME.fullmatch(name_of(pod))
    return int(match[2]) if match and match[1] == name_of(stateful_set) else None


def revision_of(pod: Document) -> str:
    return labels_of(pod).get(REVISION, "")


def pod_name(stateful_set: Document, ordinal: int) -> str:
    return f"{name_of(stateful_set)}-{ordinal}"


def claim_name(template: Document, pod: str) -> str:
    return f"{name_of(template)}-{pod}"


def claim_templates(stateful_set: Document) -> list[Document]:
    return list(stateful_set["spec"].get("volumeClaimTemplates") or [])


def make_pod(stateful_set: Document, template: Document, revision: str, ordinal: int) -> Document:
    """A pod that keeps its name, its address under the service, and its claims, wherever it runs."""
    name = pod_name(stateful_set, ordinal)
    labels = {POD_NAME: name, POD_INDEX: str(ordinal), REVISION: revision}
    pod = pod_from_template(stateful_set, template, name=name, labels=labels)
    spec = pod["spec"]
    spec.setdefault("hostname", name)
    if stateful_set["spec"].get("serviceName"):
        spec.setdefault("subdomain", stateful_set["spec"]["serviceName"])
    claims = {name_of(one): claim_name(one, name) for one in claim_templates(stateful_set)}
    kept = [volume for volume in spec.get("volumes") or [] if volume["name"] not in claims]
    made = [
        {"name": volume, "persistentVolumeClaim": {"claimName": claim}} for volume, claim in claims.items()
    ]
    if made or kept:
        spec["volumes"] = [*made, *kept]
    return pod


def make_claims(stateful_set: Document, ordinal: int) -> list[Document]:
    """The claims of one pod; with `whenDeleted: Delete` they go with the set."""
    selected = (stateful_set["spec"].get("selector") or {}).get("matchLabels") or {}
    claims = []
    for template in claim_templates(stateful_set):
        claim = copy.deepcopy(template)
        metadata: dict[str, Any] = {
            "name": claim_name(template, pod_name(stateful_set, ordinal)),
            "namespace": namespace_of(stateful_set),
            "labels": {**labels_of(template), **selected},
            "annotations": (template["metadata"].get("annotations") or {}),
        }
        if policy_of(stateful_set, "whenDeleted") == "Delete":
            metadata["ownerReferences"] = [_owned_by(stateful_set, "apps/v1", "StatefulSet")]
        claims.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": metadata,
                "spec": claim["spec"],
            }
        )
    return claims


def policy_of(stateful_set: Document, moment: str) -> str:
    """What happens to claims `whenDeleted` or `whenScaled`."""
    policy = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    return str(policy.get(moment, "Retain"))


def owned_by_pod(pod: Document) -> Document:
    return _owned_by(pod, "v1", "Pod")


def _owned_by(document: Document, api_version: str, kind: str) -> Document:
    return {"apiVersion": api_version, "kind": kind, "name": name_of(document), "uid": uid_of(document)}


def is_owned(stateful_set: Document, pod: Document) -> bool:
    owner = controller_of(pod)
    return owner is not None and owner["uid"] == uid_of(stateful_set)
