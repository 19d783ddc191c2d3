"""Pods wait for the ConfigMaps and Secrets they name, say what is missing, and find in their environment what is in them."""

import base64
import subprocess
from pathlib import Path
from typing import Any

from cluster.events import events_about
from cluster.kinds import CONFIG_MAPS, PODS, SECRETS
from tests.cluster.suite.conftest import Server
from tests.cluster.suite.objects import pod
from tests.cluster.waiting import eventually


def make(client, namespace: str, kind, name: str, **data: str) -> None:
    if kind is SECRETS:
        data = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    document = {"apiVersion": "v1", "kind": kind.kind, "metadata": {"name": name}, "data": data}
    client.create(kind, document, namespace=namespace)


def start(client, namespace: str, name: str, *, volumes=(), **container: Any) -> str:
    document = pod(name, node="cpu-1", policy="Always")
    document["spec"]["containers"][0] |= container
    document["spec"]["volumes"] = list(volumes)
    return client.create(PODS, document, namespace=namespace)["metadata"]["uid"]


def waiting(client, namespace: str, name: str) -> tuple[str | None, str | None]:
    """(reason, message) of what its container waits for."""
    status = client.get(PODS, name, namespace)["status"]
    state = (status.get("containerStatuses") or [{}])[0].get("state", {}).get("waiting", {})
    return state.get("reason"), state.get("message")


def phase(client, namespace: str, name: str) -> str:
    return client.get(PODS, name, namespace)["status"].get("phase", "")


def told(client, namespace: str, uid: str, reason: str) -> set[str]:
    return {event["note"] for event in events_about(client, namespace, uid) if event["reason"] == reason}


def test_a_container_that_names_what_is_missing_waits_and_starts_when_it_is_there(client, namespace):
    uid = start(client, namespace, "p", envFrom=[{"configMapRef": {"name": "settings"}}])

    missing = 'configmap "settings" not found'
    assert eventually(lambda: waiting(client, namespace, "p") == ("CreateContainerConfigError", missing))
    assert phase(client, namespace, "p") == "Pending"
    assert eventually(lambda: told(client, namespace, uid, "Failed") == {f"Error: {missing}"})

    make(client, namespace, CONFIG_MAPS, "settings", colour="blue")
    assert eventually(lambda: phase(client, namespace, "p") == "Running")


def test_a_missing_key_is_named_with_its_object(client, namespace):
    make(client, namespace, SECRETS, "keys", token="t0p")
    key = {"name": "keys", "key": "password"}
    start(client, namespace, "p", env=[{"name": "P", "valueFrom": {"secretKeyRef": key}}])

    message = f"couldn't find key password in Secret {namespace}/keys"
    assert eventually(lambda: waiting(client, namespace, "p") == ("CreateContainerConfigError", message))
    coded = base64.b64encode(b"hush").decode()
    client.merge_patch(SECRETS, "keys", {"data": {"password": coded}}, namespace=namespace)
    assert eventually(lambda: phase(client, namespace, "p") == "Running")


def test_a_volume_of_what_is_missing_keeps_the_pod_from_beginning(client, namespace):
    sources = [{"secret": {"name": "keys"}}, {"configMap": {"name": "more", "optional": True}}]
    volumes = [{"name": "all", "projected": {"sources": sources}}]
    uid = start(client, namespace, "p", volumes=volumes)

    sentence = 'MountVolume.SetUp failed for volume "all" : secret "keys" not found'
    assert eventually(lambda: told(client, namespace, uid, "FailedMount") == {sentence})
    assert waiting(client, namespace, "p") == ("ContainerCreating", None)
    assert not told(client, namespace, uid, "Pulling")

    make(client, namespace, SECRETS, "keys", token="t0p")
    assert eventually(lambda: phase(client, namespace, "p") == "Running")
    assert eventually(lambda: told(client, namespace, uid, "Pulling"))


def test_a_pod_that_waits_for_a_missing_object_can_be_deleted(client, namespace):
    start(client, namespace, "p", envFrom=[{"secretRef": {"name": "never"}}])
    assert eventually(lambda: waiting(client, namespace, "p")[0] == "CreateContainerConfigError")

    client.delete(PODS, "p", namespace)

    assert eventually(lambda: not client.list(PODS, namespace).items)


def test_an_init_container_that_lacks_something_is_the_one_that_says_so(client, namespace):
    document = pod("p", node="cpu-1")
    document["spec"]["initContainers"] = [
        {"name": "first", "image": "i", "envFrom": [{"configMapRef": {"name": "x"}}]}
    ]
    client.create(PODS, document, namespace=namespace)

    def shown() -> dict:
        (status,) = client.get(PODS, "p", namespace)["status"].get("initContainerStatuses") or [{}]
        return status.get("state", {}).get("waiting", {})

    assert eventually(lambda: shown().get("reason") == "CreateContainerConfigError")
    assert shown()["message"] == 'configmap "x" not found'


def test_a_container_finds_what_its_sources_hold(kubectl: Path, server: Server, namespace: str) -> None:
    make(server.client, namespace, CONFIG_MAPS, "settings", colour="blue", size="5")
    make(server.client, namespace, SECRETS, "keys", token="t0p")
    start(
        server.client,
        namespace,
        "p",
        envFrom=[
            {"configMapRef": {"name": "settings"}},
            {"prefix": "SECRET_", "secretRef": {"name": "keys"}},
            {"configMapRef": {"name": "none", "optional": True}},
        ],
        env=[
            {"name": "size", "value": "$(size)$(SECRET_token)"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
            {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {
                "name": "CORES",
                "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}},
            },
        ],
    )
    assert eventually(lambda: phase(server.client, namespace, "p") == "Running")

    said = subprocess.run(
        [str(kubectl), "--kubeconfig", str(server.kubeconfig), "-n", namespace, "exec", "p", "--", "env"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    found = dict(line.split("=", 1) for line in said.stdout.splitlines())
    wanted = {
        "colour": "blue",
        "size": "5t0p",
        "SECRET_token": "t0p",
        "TOKEN": "t0p",
        "WHERE": "cpu-1",
        "CORES": "100",
    }
    assert found.items() >= wanted.items()


def test_a_restarted_container_finds_what_its_sources_hold_then(client, namespace):
    make(client, namespace, CONFIG_MAPS, "settings", WORD="before")
    say = ["sh", "-c", "echo $WORD; sleep 1; exit 1"]
    start(client, namespace, "p", command=say, envFrom=[{"configMapRef": {"name": "settings"}}])
    assert eventually(lambda: phase(client, namespace, "p") == "Running")

    client.merge_patch(CONFIG_MAPS, "settings", {"data": {"WORD": "after"}}, namespace=namespace)

    assert eventually(lambda: client.logs(namespace, "p") == "after\n")


def test_a_source_that_is_gone_at_a_restart_is_missed(client, namespace):
    make(client, namespace, CONFIG_MAPS, "settings", WORD="before")
    start(client, namespace, "p", command=["sleep", "1"], envFrom=[{"configMapRef": {"name": "settings"}}])
    assert eventually(lambda: phase(client, namespace, "p") == "Running")

    client.delete(CONFIG_MAPS, "settings", namespace)

    missing = ("CreateContainerConfigError", 'configmap "settings" not found')
    assert eventually(lambda: waiting(client, namespace, "p") == missing)
    assert phase(client, namespace, "p") == "Running"  # as for every container that is restarted
