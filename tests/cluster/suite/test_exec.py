"""kubectl exec runs one command in a container, on both servers."""

import subprocess
from pathlib import Path

import pytest

from cluster.kinds import PODS
from tests.cluster.suite.conftest import Server
from tests.cluster.suite.objects import pod
from tests.cluster.waiting import eventually


class Pods:
    """One pod without and one with devices, and kubectl to look into them."""

    def __init__(self, kubectl: Path, server: Server, namespace: str) -> None:
        self._command = [str(kubectl), "--kubeconfig", str(server.kubeconfig), "-n", namespace, "exec"]
        for name, node, gpus in (("plain", "cpu-1", 0), ("gpus", "h100-1", 2)):
            document = pod(name, node=node, gpus=gpus, run_seconds="3600")
            document["spec"]["containers"][0]["env"] = [
                {"name": "COLOUR", "value": "blue"},
                {"name": "SELF", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "BOTH", "value": "$(COLOUR)/$(SELF) $$(SELF) $(NOBODY)"},
            ]
            document["spec"]["initContainers"] = [
                {"name": "beside", "image": "example/beside:1", "restartPolicy": "Always"}
            ]
            server.client.create(PODS, document, namespace=namespace)

        def run(name: str) -> bool:
            return server.client.get(PODS, name, namespace)["status"].get("phase") == "Running"

        assert eventually(lambda: run("plain") and run("gpus"), 30)

    def run(
        self, name: str, *command: str, stdin: str | None = None, container: str = "main"
    ) -> subprocess.CompletedProcess[str]:
        options = ["-c", container, *(["-i"] if stdin is not None else [])]
        return subprocess.run(
            [*self._command, *options, name, "--", *command],
            capture_output=True,
            text=True,
            input=stdin,
            timeout=60,
            check=False,
        )


@pytest.fixture
def pods(kubectl: Path, server: Server, namespace: str) -> Pods:
    return Pods(kubectl, server, namespace)


def test_a_command_says_something_and_its_exit_code_is_passed_on(pods):
    said = pods.run("plain", "echo", "hello", "there")
    assert (said.stdout, said.stderr, said.returncode) == ("hello there\n", "", 0)

    assert pods.run("plain", "hostname").stdout == "plain\n"
    assert pods.run("plain", "hostname", container="beside").stdout == "plain\n"
    environment = dict(line.split("=", 1) for line in pods.run("plain", "env").stdout.splitlines())
    assert (environment["COLOUR"], environment["SELF"]) == ("blue", "plain")
    assert environment["BOTH"] == "blue/plain $(SELF) $(NOBODY)"
    assert "NVIDIA_VISIBLE_DEVICES" not in environment

    ended = pods.run("plain", "sh", "-c", "echo $COLOUR; echo more && exit 7")
    assert (ended.stdout, ended.returncode) == ("blue\nmore\n", 7)
    assert pods.run("plain", "cat", stdin="one\ntwo\n").stdout == "one\ntwo\n"


def test_what_cannot_be_run_is_said(pods):
    missing = pods.run("plain", "no-such-program")
    assert missing.returncode != 0
    assert 'exec: "no-such-program": executable file not found in $PATH' in missing.stderr
    without_devices = pods.run("plain", "nvidia-smi")
    assert "executable file not found" in without_devices.stderr
    assert pods.run("plain", "cat", "/etc/passwd").returncode == 1


def test_a_container_with_devices_sees_its_own(pods):
    listed = pods.run("gpus", "nvidia-smi", "-L").stdout.splitlines()
    assert [line.split(":")[0] for line in listed] == ["GPU 0", "GPU 1"]
    asked = pods.run(
        "gpus", "nvidia-smi", "--query-gpu=index,uuid,memory.total", "--format=csv,noheader"
    ).stdout
    assert all(line.endswith(" MiB") for line in asked.splitlines())
    seen = pods.run("gpus", "printenv", "NVIDIA_VISIBLE_DEVICES").stdout.strip().split(",")
    assert [line.split(", ")[1] for line in asked.splitlines()] == seen
    assert "NVIDIA-SMI" in pods.run("gpus", "nvidia-smi").stdout
