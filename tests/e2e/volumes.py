"""A claim whose volume is made where its pod goes: class, claim, pod, and the volume as a provisioner makes it."""

from typing import Any

STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "genuine-local"},
    "provisioner": "tests.example/volumes",
    "volumeBindingMode": "WaitForFirstConsumer",
}
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "genuine-data", "namespace": "runai-vision"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "genuine-local",
        "resources": {"requests": {"storage": "1Gi"}},
    },
}
POD_WITH_A_VOLUME = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "genuine-with-a-volume",
        "namespace": "runai-vision",
        "labels": {"kai.scheduler/node-pool": "l40s"},
    },
    "spec": {
        "schedulerName": "runai-scheduler",
        "containers": [
            {
                "name": "main",
                "image": "registry.example/train:1",
                "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "genuine-data"}}],
    },
}


def volume_on(node: str, claim: dict[str, Any]) -> dict[str, Any]:
    """What a provisioner makes for a claim that has its node."""
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    reference = {"name": claim["metadata"]["name"], "namespace": claim["metadata"]["namespace"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "genuine-volume"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "genuine-local",
            "claimRef": {
                **reference,
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "uid": claim["metadata"]["uid"],
            },
            "local": {"path": "/data"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }
