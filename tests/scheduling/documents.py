"""Pods and nodes as Kubernetes writes them, with what a scheduler needs."""

import itertools
from typing import Any

from cluster.labels import GPU_RESOURCE, NODE_POOL_OF_NODE, SCHEDULER_NAME

Document = dict[str, Any]
_uids = itertools.count(1)
CREATED = "2030-01-01T12:00:00Z"


def make_pod(
    name: str,
    *,
    namespace: str = "runai-vision",
    gpus: int | str = 0,
    cpu: str = "1",
    memory: str = "1Gi",
    node: str = "",
    phase: str = "Pending",
    scheduler: str = SCHEDULER_NAME,
    owner: tuple[str, str] | None = None,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    created: str = CREATED,
    uid: str = "",
) -> Document:
    """`owner` is (kind, name); its uid is derived from both."""
    asked: dict[str, Any] = {"cpu": cpu, "memory": memory}
    limits = {GPU_RESOURCE: str(gpus)} if gpus else {}
    metadata: Document = {
        "name": name,
        "namespace": namespace,
        "uid": uid or f"pod-{next(_uids)}",
        "resourceVersion": "1",
        "creationTimestamp": created,
        "labels": labels or {},
        "annotations": annotations or {},
    }
    if owner:
        kind, owner_name = owner
        metadata["ownerReferences"] = [
            {
                "apiVersion": "batch/v1",
                "kind": kind,
                "name": owner_name,
                "uid": f"{kind}-{owner_name}",
                "controller": True,
            }
        ]
    spec: Document = {
        "schedulerName": scheduler,
        "containers": [
            {
                "name": "main",
                "image": "busybox",
                "resources": {"requests": {**asked, **limits}, "limits": limits},
            }
        ],
    }
    if node:
        spec["nodeName"] = node
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": spec,
        "status": {"phase": phase},
    }


def make_node(
    name: str,
    *,
    gpus: int = 8,
    cpu: str = "64",
    memory: str = "512Gi",
    pool: str = "",
    ready: bool = True,
    cordoned: bool = False,
) -> Document:
    allocatable = {"cpu": cpu, "memory": memory, "pods": "110", GPU_RESOURCE: str(gpus)}
    spec: Document = {"unschedulable": True} if cordoned else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": f"node-{name}",
            "resourceVersion": "1",
            "labels": {NODE_POOL_OF_NODE: pool} if pool else {},
        },
        "spec": spec,
        "status": {
            "allocatable": allocatable,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }
