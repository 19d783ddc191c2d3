"""Behind a service stand the pods that it selects, with the port its target names, on both servers."""

from typing import Any

from cluster.client import ClusterClient
from cluster.kinds import PODS, SERVICES
from cluster.simulator.controllers.endpoint_slices import ENDPOINT_SLICES, SERVICE_NAME
from tests.cluster.suite.objects import pod
from tests.cluster.waiting import eventually


def web(name: str) -> dict[str, Any]:
    document = pod(name, node="cpu-1", run_seconds="3600")
    document["metadata"]["labels"] = {"app": "web"}
    document["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 8080}]
    return document


def behind(client: ClusterClient, namespace: str, service: str) -> dict[str, bool]:
    """Names of the pods, and whether each is ready."""
    slices = client.list(ENDPOINT_SLICES, namespace, label_selector=f"{SERVICE_NAME}={service}").items
    return {
        one["targetRef"]["name"]: one["conditions"]["ready"]
        for found in slices
        for one in found.get("endpoints") or []
    }


def test_a_service_leads_to_the_pods_it_selects(client: ClusterClient, namespace: str) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "labels": {"team": "a"}},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
    }
    client.create(SERVICES, service, namespace=namespace)
    for document in (web("one"), web("two"), pod("stranger", node="cpu-1", run_seconds="3600")):
        client.create(PODS, document, namespace=namespace)

    assert eventually(lambda: behind(client, namespace, "web") == {"one": True, "two": True}, 30)
    (found,) = client.list(ENDPOINT_SLICES, namespace).items
    assert [(one["port"], one["protocol"]) for one in found["ports"]] == [(8080, "TCP")]
    assert found["metadata"]["labels"].items() >= {"team": "a", SERVICE_NAME: "web"}.items()
    client.delete(PODS, "one", namespace)
    assert eventually(lambda: behind(client, namespace, "web") == {"two": True}, 30)
    client.delete(SERVICES, "web", namespace)
    assert eventually(lambda: client.list(ENDPOINT_SLICES, namespace).items == [], 30)
