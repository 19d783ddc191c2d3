"""What a pod takes of its node, as the kubelet adds it up."""

from typing import Any

from cluster.simulator.kubelet.requests import requests_of


def container(cpu: str, **more: Any) -> dict[str, Any]:
    return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **more}


def test_sidecars_count_beside_the_containers_and_beside_what_starts_after_them() -> None:
    sidecar = container("1", restartPolicy="Always")
    spec = {"initContainers": [sidecar, container("4")], "containers": [container("2")]}

    assert requests_of({"spec": spec})["cpu"] == 5000
    spec["initContainers"] = [container("4"), sidecar]
    assert requests_of({"spec": spec})["cpu"] == 4000
    spec["initContainers"] = [sidecar]
    assert requests_of({"spec": spec})["cpu"] == 3000


def test_what_the_pod_asks_for_as_a_whole_counts_instead() -> None:
    spec = {"containers": [container("2")], "resources": {"requests": {"cpu": "500m"}}}

    assert requests_of({"spec": spec})["cpu"] == 500
