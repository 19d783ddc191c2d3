"""Pods follow their labels: who fits a selector and has no owner is taken over, who fits no longer is let go. On both servers."""

from typing import Any

from cluster.client import ClusterClient
from cluster.documents import Document, controller_of, name_of, uid_of
from cluster.errors import NotFound
from cluster.kinds import DAEMON_SETS, DEPLOYMENTS, PODS, REPLICA_SETS, STATEFUL_SETS, Kind
from tests.cluster.suite.objects import pod
from tests.cluster.waiting import eventually

LABELS = {"app": "x"}


def managed(kind: Kind, **spec: Any) -> Document:
    """An object whose pods name their node, so that nobody has to place them."""
    template = pod("unused", node="cpu-1", policy="Always", run_seconds="3600")
    metadata = {"labels": LABELS, "annotations": template["metadata"]["annotations"]}
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": "x", "labels": LABELS},
        "spec": {
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": metadata, "spec": template["spec"]},
            **spec,
        },
    }


def owners(client: ClusterClient, namespace: str, kind: Kind = PODS) -> dict[str, str]:
    """The name of each pod and the uid of what manages it."""
    found = client.list(kind, namespace, label_selector="app=x").items
    return {name_of(one): (controller_of(one) or {}).get("uid", "") for one in found}


def leave_its_pods(client: ClusterClient, namespace: str, kind: Kind) -> None:
    """Delete x alone."""

    def is_gone() -> bool:
        try:
            client.get(kind, "x", namespace)
        except NotFound:
            return True
        return False

    client.delete(kind, "x", namespace, propagation="Orphan")
    assert eventually(is_gone)


def test_a_stateful_set_that_is_made_anew_takes_its_pods_over(client: ClusterClient, namespace: str) -> None:
    wanted = managed(STATEFUL_SETS, replicas=2, serviceName="x")
    client.create(STATEFUL_SETS, wanted, namespace=namespace)
    assert eventually(lambda: client.get(STATEFUL_SETS, "x", namespace)["status"].get("readyReplicas") == 2)
    before = {name_of(one): uid_of(one) for one in client.list(PODS, namespace).items}
    leave_its_pods(client, namespace, STATEFUL_SETS)
    assert set(owners(client, namespace).values()) == {""}

    made = uid_of(client.create(STATEFUL_SETS, wanted, namespace=namespace))

    assert eventually(lambda: set(owners(client, namespace).values()) == {made})
    assert eventually(lambda: client.get(STATEFUL_SETS, "x", namespace)["status"].get("readyReplicas") == 2)
    assert {name_of(one): uid_of(one) for one in client.list(PODS, namespace).items} == before


def test_a_daemon_set_that_is_made_anew_takes_its_pods_over(client: ClusterClient, namespace: str) -> None:
    wanted = managed(DAEMON_SETS)
    wanted["spec"]["template"]["spec"].pop("nodeName")
    wanted["spec"]["template"]["spec"] |= {"nodeSelector": {"kubernetes.io/hostname": "cpu-1"}}
    wanted["spec"]["template"]["spec"]["schedulerName"] = "default-scheduler"
    client.create(DAEMON_SETS, wanted, namespace=namespace)
    assert eventually(lambda: client.get(DAEMON_SETS, "x", namespace)["status"].get("numberReady") == 1)
    before = set(owners(client, namespace))
    leave_its_pods(client, namespace, DAEMON_SETS)

    made = uid_of(client.create(DAEMON_SETS, wanted, namespace=namespace))

    assert eventually(lambda: set(owners(client, namespace).values()) == {made})
    assert set(owners(client, namespace)) == before


def test_a_deployment_that_is_made_anew_takes_its_replica_set_over(
    client: ClusterClient, namespace: str
) -> None:
    client.create(DEPLOYMENTS, managed(DEPLOYMENTS, replicas=1), namespace=namespace)
    assert eventually(lambda: client.get(DEPLOYMENTS, "x", namespace)["status"].get("readyReplicas") == 1)
    (before,) = owners(client, namespace, REPLICA_SETS)
    leave_its_pods(client, namespace, DEPLOYMENTS)

    made = uid_of(client.create(DEPLOYMENTS, managed(DEPLOYMENTS, replicas=1), namespace=namespace))

    assert eventually(lambda: owners(client, namespace, REPLICA_SETS) == {before: made})


def test_a_pod_of_another_label_is_let_go_and_replaced_and_comes_back(
    client: ClusterClient, namespace: str
) -> None:
    made = uid_of(client.create(REPLICA_SETS, managed(REPLICA_SETS, replicas=1), namespace=namespace))
    assert eventually(lambda: list(owners(client, namespace).values()) == [made])
    (odd,) = owners(client, namespace)

    client.merge_patch(PODS, odd, {"metadata": {"labels": {"app": "debugged"}}}, namespace=namespace)

    assert eventually(lambda: list(owners(client, namespace).values()) == [made])
    assert odd not in owners(client, namespace)
    assert eventually(lambda: controller_of(client.get(PODS, odd, namespace)) is None)

    client.merge_patch(PODS, odd, {"metadata": {"labels": LABELS}}, namespace=namespace)

    assert eventually(lambda: client.get(REPLICA_SETS, "x", namespace)["status"].get("replicas") == 1)
    assert eventually(lambda: list(owners(client, namespace).values()) == [made])
