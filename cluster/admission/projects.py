"""What the webhooks know of a project: only what stands on its namespace, so that they need no database. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster import labels
from cluster.documents import Document, labels_of, name_of

_COPIED = (labels.PROJECT_ID, labels.DEPARTMENT_ID, labels.TENANT_ID, labels.CLUSTER_ID)


@dataclass(frozen=True)
class Project:
    """`marks` are the labels that each pod of the project carries; `enforces` gives every pod our scheduler."""

    namespace: str
    queue: str
    marks: Mapping[str, str]
    enforces: bool


def project_of(namespace: Document) -> Project | None:
    """The project a namespace belongs to, or None when it is nobody's."""
    found = labels_of(namespace)
    queue = found.get(labels.QUEUE, "")
    if not queue or not found.get(labels.PROJECT_ID):
        return None
    marks: dict[str, str] = {labels.QUEUE: queue}
    marks |= {name: found[name] for name in _COPIED if found.get(name)}
    return Project(name_of(namespace), queue, marks, found.get(labels.ENFORCE_SCHEDULER) != "false")


def namespace_selector() -> dict[str, Any]:
    """Which namespaces the webhooks are called for at all; the API server decides by it, also when we are down."""
    return {
        "matchExpressions": [
            {"key": labels.PROJECT_ID, "operator": "Exists"},
            {"key": labels.QUEUE, "operator": "Exists"},
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(NEVER)},
        ]
    }


NEVER = ("kube-system", "kube-public", "kube-node-lease", "runai")
"""Whatever labels these are given by mistake: a cluster whose own parts wait for us would not come up again."""
