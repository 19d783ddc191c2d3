"""The simulated cluster may be killed at any moment: what was accepted is there afterwards, and nothing runs twice."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from cluster.client import ClusterClient
from cluster.control_plane.running import free_ports
from cluster.documents import condition_of, name_of
from cluster.errors import ClusterError
from cluster.kinds import JOBS, PODS
from tests.cluster.suite.conftest import nodes_are_ready, running_simulator
from tests.cluster.suite.objects import job
from tests.cluster.waiting import eventually

JOBS_COUNT, COMPLETIONS = 6, 3


def kill(process: subprocess.Popen[bytes], *, only_nodes: bool) -> None:
    children = psutil.Process(process.pid).children()
    if only_nodes:
        for child in children:
            child.send_signal(signal.SIGKILL)
        return
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(children, timeout=20)


def make_jobs(client: ClusterClient) -> None:
    for number in range(JOBS_COUNT):
        document = job(
            f"j{number}",
            completions=COMPLETIONS,
            parallelism=1,
            told={"run_seconds": "1.5"},
            gpus=1,
            node="h100-1",
        )
        client.create(JOBS, document, namespace="default")


def finished(client: ClusterClient) -> int:
    try:
        return sum(1 for one in client.list(JOBS, "default").items if condition_of(one, "Complete"))
    except ClusterError:
        return -1  # being restarted


def succeeded(client: ClusterClient) -> int:
    return sum(1 for pod in client.list(PODS, "default").items if pod["status"].get("phase") == "Succeeded")


def check_all_ran_once(client: ClusterClient) -> None:
    jobs = client.list(JOBS, "default").items
    assert {name_of(one): one["status"]["succeeded"] for one in jobs} == {
        f"j{n}": COMPLETIONS for n in range(JOBS_COUNT)
    }
    pods = client.list(PODS, "default").items
    assert len(pods) == JOBS_COUNT * COMPLETIONS
    assert all(pod["status"]["containerStatuses"][0]["restartCount"] == 0 for pod in pods)


@pytest.mark.slow
def test_killing_everything_loses_nothing_and_runs_nothing_twice(tmp_path: Path):
    kubeconfig = tmp_path / "kubeconfig"
    arguments = (
        "--port",
        str(free_ports(1)[0]),
        "--data",
        str(tmp_path / "data"),
        "--kubeconfig",
        str(kubeconfig),
    )
    with running_simulator(tmp_path, *arguments) as process:
        assert eventually(lambda: kubeconfig.exists() and kubeconfig.read_text(), 60)
        client = ClusterClient.connect(kubeconfig)
        assert eventually(lambda: nodes_are_ready(client), 60)
        make_jobs(client)
        assert eventually(lambda: succeeded(client) >= 2)
        kill(process, only_nodes=False)
    with running_simulator(tmp_path, *arguments) as process:
        assert eventually(lambda: nodes_are_ready(client), 60)
        assert eventually(lambda: finished(client) == JOBS_COUNT, 90)
        check_all_ran_once(client)
    client.close()


@pytest.mark.slow
def test_killing_the_nodes_alone_loses_nothing_and_runs_nothing_twice(tmp_path: Path):
    kubeconfig = tmp_path / "kubeconfig"
    arguments = (
        "--port",
        str(free_ports(1)[0]),
        "--data",
        str(tmp_path / "data"),
        "--kubeconfig",
        str(kubeconfig),
    )
    with running_simulator(tmp_path, *arguments) as process:
        assert eventually(lambda: kubeconfig.exists() and kubeconfig.read_text(), 60)
        client = ClusterClient.connect(kubeconfig)
        assert eventually(lambda: nodes_are_ready(client), 60)
        make_jobs(client)
        for least in (2, 6):
            assert eventually(lambda least=least: succeeded(client) >= least, 60)
            kill(process, only_nodes=True)
        assert eventually(lambda: finished(client) == JOBS_COUNT, 90)
        check_all_ran_once(client)
    client.close()
