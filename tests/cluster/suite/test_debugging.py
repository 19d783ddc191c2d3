"""kubectl debug adds a container to a pod that runs, on both servers: it is shown, has a log, and commands run in it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.kinds import PODS
from tests.cluster.suite.conftest import Server
from tests.cluster.suite.objects import pod
from tests.cluster.waiting import eventually

Run = Callable[..., str]


@pytest.fixture
def run(kubectl: Path, server: Server, namespace: str) -> Run:
    def run(*arguments: str) -> str:
        command = [str(kubectl), "--kubeconfig", str(server.kubeconfig), "-n", namespace, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    return run


def test_a_debugging_container_runs_until_its_pod_ends(run: Run, server: Server, namespace: str) -> None:
    client = server.client
    client.create(PODS, pod("p", node="cpu-1", run_seconds="15"), namespace=namespace)

    def shown() -> dict[str, dict[str, object]]:
        status = client.get(PODS, "p", namespace)["status"]
        return {one["name"]: one["state"] for one in status.get("ephemeralContainerStatuses") or []}

    run("debug", "p", "--image=busybox", "--container=d", "--target=main", "--", "sleep", "1000")

    assert eventually(lambda: "running" in shown().get("d", {}), 30)
    assert run("logs", "p", "-c", "d") == "started\n"
    assert run("exec", "p", "-c", "d", "--", "echo", "here") == "here\n"
    assert "  d:" in run("describe", "pod", "p").partition("Ephemeral Containers:")[2]
    run("debug", "p", "--image=busybox", "--container=e", "--", "sh")
    assert eventually(lambda: set(shown()) == {"d", "e"}, 30)
    assert eventually(lambda: all("terminated" in one for one in shown().values()), 60)
