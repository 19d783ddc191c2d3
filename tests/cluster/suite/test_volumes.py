"""Claims find volumes and pods wait for them, on both servers; the disks are imaginary on both."""

from typing import Any

from cluster.client import ClusterClient
from cluster.errors import NotFound
from cluster.kinds import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, STORAGE_CLASSES, Kind
from cluster.simulator.volumes import PROVISIONER
from tests.cluster.suite.objects import pod
from tests.cluster.waiting import eventually


def claim(name: str, size: str = "1Gi", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec},
    }


def volume(name: str, size: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/imaginary"},
            **spec,
        },
    }


def user_of(claim_name: str, name: str = "p") -> dict[str, Any]:
    document = pod(name, node="cpu-1", run_seconds="3600")
    document["spec"]["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": claim_name}}]
    return document


def phase(client: ClusterClient, kind: Kind, name: str, namespace: str | None = None) -> str:
    try:
        return str((client.get(kind, name, namespace).get("status") or {}).get("phase"))
    except NotFound:
        return "gone"


def test_a_claim_without_a_class_gets_a_disk_that_goes_with_it(client, namespace):
    client.create(PODS, user_of("data"), namespace=namespace)
    assert not eventually(lambda: phase(client, PODS, "p", namespace) == "Running", 1)
    client.create(PERSISTENT_VOLUME_CLAIMS, claim("data", "2Gi"), namespace=namespace)

    assert eventually(lambda: phase(client, PERSISTENT_VOLUME_CLAIMS, "data", namespace) == "Bound", 30)
    made = client.get(PERSISTENT_VOLUME_CLAIMS, "data", namespace)
    assert made["spec"]["storageClassName"] == "standard"
    assert made["status"]["capacity"] == {"storage": "2Gi"}
    disk = client.get(PERSISTENT_VOLUMES, made["spec"]["volumeName"])
    assert disk["spec"]["claimRef"]["uid"] == made["metadata"]["uid"]
    assert disk["spec"]["csi"]["driver"] == PROVISIONER
    assert eventually(lambda: phase(client, PODS, "p", namespace) == "Running", 30)

    client.delete(PERSISTENT_VOLUME_CLAIMS, "data", namespace)
    assert client.get(PERSISTENT_VOLUME_CLAIMS, "data", namespace)["metadata"]["deletionTimestamp"]  # in use
    client.delete(PODS, "p", namespace)
    assert eventually(lambda: phase(client, PERSISTENT_VOLUME_CLAIMS, "data", namespace) == "gone", 40)
    assert eventually(lambda: phase(client, PERSISTENT_VOLUMES, disk["metadata"]["name"]) == "gone", 40)


def test_the_smallest_volume_that_fits_is_taken_and_kept(client, namespace):
    none = {"storageClassName": ""}
    own = f"{namespace}-class"
    for name, size in (
        (f"{namespace}-large", "10Gi"),
        (f"{namespace}-medium", "5Gi"),
        (f"{namespace}-small", "1Gi"),
    ):
        client.create(PERSISTENT_VOLUMES, volume(name, size, storageClassName=own))
        assert eventually(lambda name=name: phase(client, PERSISTENT_VOLUMES, name) == "Available", 20)
    client.create(PERSISTENT_VOLUME_CLAIMS, claim("data", "3Gi", storageClassName=own), namespace=namespace)
    client.create(PERSISTENT_VOLUME_CLAIMS, claim("other", "1Gi", **none), namespace=namespace)

    assert eventually(lambda: phase(client, PERSISTENT_VOLUME_CLAIMS, "data", namespace) == "Bound", 30)
    bound = client.get(PERSISTENT_VOLUME_CLAIMS, "data", namespace)
    assert bound["spec"]["volumeName"] == f"{namespace}-medium"
    assert bound["status"]["capacity"] == {"storage": "5Gi"}
    assert phase(client, PERSISTENT_VOLUMES, f"{namespace}-medium") == "Bound"
    assert eventually(lambda: phase(client, PERSISTENT_VOLUMES, f"{namespace}-large") == "Available", 20)
    assert phase(client, PERSISTENT_VOLUME_CLAIMS, "other", namespace) == "Pending"

    client.delete(PERSISTENT_VOLUME_CLAIMS, "data", namespace)
    assert eventually(lambda: phase(client, PERSISTENT_VOLUMES, f"{namespace}-medium") == "Released", 40)
    for name in ("large", "medium", "small"):
        client.delete(PERSISTENT_VOLUMES, f"{namespace}-{name}")
    assert eventually(lambda: phase(client, PERSISTENT_VOLUMES, f"{namespace}-medium") == "gone", 40)


def test_a_volume_kept_for_a_claim_goes_to_nobody_else(client, namespace):
    own = f"{namespace}-class"
    reserved = {"claimRef": {"namespace": namespace, "name": "mine"}, "storageClassName": own}
    client.create(PERSISTENT_VOLUMES, volume(f"{namespace}-kept", "5Gi", **reserved))
    client.create(PERSISTENT_VOLUME_CLAIMS, claim("other", storageClassName=own), namespace=namespace)
    client.create(PERSISTENT_VOLUME_CLAIMS, claim("mine", storageClassName=own), namespace=namespace)

    assert eventually(lambda: phase(client, PERSISTENT_VOLUME_CLAIMS, "mine", namespace) == "Bound", 30)
    assert phase(client, PERSISTENT_VOLUME_CLAIMS, "other", namespace) == "Pending"
    client.delete(PERSISTENT_VOLUME_CLAIMS, "mine", namespace)
    client.delete(PERSISTENT_VOLUMES, f"{namespace}-kept")


def test_a_class_may_wait_until_the_pod_has_a_node(client, namespace):
    own = f"{namespace}-later"
    document = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": own},
        "provisioner": PROVISIONER,
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    client.create(STORAGE_CLASSES, document)
    client.create(PERSISTENT_VOLUME_CLAIMS, claim("data", storageClassName=own), namespace=namespace)
    assert not eventually(lambda: phase(client, PERSISTENT_VOLUME_CLAIMS, "data", namespace) == "Bound", 1.5)

    chosen = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "cpu-1"}}}
    client.merge_patch(PERSISTENT_VOLUME_CLAIMS, "data", chosen, namespace=namespace)

    assert eventually(lambda: phase(client, PERSISTENT_VOLUME_CLAIMS, "data", namespace) == "Bound", 30)
    name = client.get(PERSISTENT_VOLUME_CLAIMS, "data", namespace)["spec"]["volumeName"]
    terms = client.get(PERSISTENT_VOLUMES, name)["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert terms[0]["matchExpressions"][0]["values"] == ["cpu-1"]
    client.delete(STORAGE_CLASSES, own)


def test_a_pods_own_volume_is_made_for_it_and_goes_with_it(client, namespace):
    document = pod("p", node="cpu-1", run_seconds="3600")
    template = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    document["spec"]["volumes"] = [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}]
    made = client.create(PODS, document, namespace=namespace)

    assert eventually(lambda: phase(client, PODS, "p", namespace) == "Running", 30)
    (owner,) = client.get(PERSISTENT_VOLUME_CLAIMS, "p-scratch", namespace)["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == (made["metadata"]["uid"], True)
    client.delete(PODS, "p", namespace)
    assert eventually(lambda: phase(client, PERSISTENT_VOLUME_CLAIMS, "p-scratch", namespace) == "gone", 60)
