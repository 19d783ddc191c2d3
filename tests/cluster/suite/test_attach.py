"""kubectl attach shows what a container writes; what cannot be done is said, on both servers."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.kinds import PODS
from tests.cluster.suite.conftest import Server
from tests.cluster.suite.objects import pod
from tests.cluster.waiting import eventually

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(kubectl: Path, server: Server, namespace: str) -> Run:
    """kubectl on a pod that waits a little, says something and ends."""
    document = pod("p", node="cpu-1")
    document["spec"]["containers"][0]["command"] = [
        "sh",
        "-c",
        "echo early; sleep 8; echo late; printf open; exit 3",
    ]
    server.client.create(PODS, document, namespace=namespace)
    assert eventually(
        lambda: server.client.get(PODS, "p", namespace)["status"].get("phase") == "Running", 30, every=0.01
    )

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(kubectl), "--kubeconfig", str(server.kubeconfig), "-n", namespace, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_attach_shows_what_is_written_from_then_on_and_ends_with_the_container(run):
    attached = run("attach", "p")

    assert (attached.stdout, attached.returncode) == ("late\nopen", 0)


def test_a_container_can_be_given_nothing(run):
    attached = run("attach", "-i", "p")

    assert attached.returncode != 0
    assert "no input can be given to a simulated container" in attached.stderr


def test_a_port_cannot_be_forwarded(run):
    forwarded = run("port-forward", "p", ":80")

    assert forwarded.returncode != 0
    assert "a port of a simulated pod cannot be forwarded" in forwarded.stderr
