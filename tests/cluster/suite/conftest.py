"""The two servers that the suite runs against, one of each per run, and a namespace per test."""

import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.client import ClusterClient
from cluster.control_plane.running import ControlPlane, free_ports
from cluster.errors import ClusterError, NotFound
from cluster.kinds import NAMESPACES, NODES, SERVICE_ACCOUNTS
from cluster.nodes import is_ready
from tests.cluster.waiting import eventually

NODE_SHAPES = "h100=2,a100=1,cpu=1"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Server:
    """One running API server with simulated nodes; `genuine` tells the real one."""

    genuine: bool
    kubeconfig: Path
    client: ClusterClient


@contextmanager
def running_simulator(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m cluster.simulator` as anyone starts it; its log is simulator.log in the folder."""
    command = [sys.executable, "-m", "cluster.simulator", "--nodes", NODE_SHAPES, *arguments]
    with (folder / "simulator.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_server(folder: Path, *, genuine: bool) -> Iterator[Path]:
    """The kubeconfig of a server whose nodes are simulated."""
    kubeconfig = folder / "kubeconfig"
    if genuine:
        with ControlPlane(folder) as plane:
            arguments = ("--target", str(kubeconfig), "--tunnel", str(plane.tunnel))
            with running_simulator(folder, *arguments):
                yield kubeconfig
        return
    port = free_ports(1)[0]
    arguments = ("--port", str(port), "--data", str(folder / "data"), "--kubeconfig", str(kubeconfig))
    with running_simulator(folder, *arguments):
        assert eventually(lambda: kubeconfig.exists() and kubeconfig.read_text(), 60)
        yield kubeconfig


@pytest.fixture(
    scope="session",
    params=["simulator", pytest.param("control-plane", marks=pytest.mark.control_plane)],
)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    genuine = request.param == "control-plane"
    with running_server(tmp_path_factory.mktemp(request.param), genuine=genuine) as kubeconfig:
        client = ClusterClient.connect(kubeconfig)
        assert eventually(lambda: nodes_are_ready(client), 60)
        yield Server(genuine, kubeconfig, client)
        client.close()


def nodes_are_ready(client: ClusterClient) -> bool:
    try:
        nodes = client.list(NODES).items
    except ClusterError:
        return False  # not up yet
    return len(nodes) == 4 and all(is_ready(node) for node in nodes)


@pytest.fixture
def client(server: Server) -> ClusterClient:
    return server.client


@pytest.fixture
def namespace(server: Server) -> Iterator[str]:
    """A fresh namespace with its service account, deleted afterwards."""
    name = f"test-{next(_numbers)}"
    server.client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def account_is_there() -> bool:
        try:
            server.client.get(SERVICE_ACCOUNTS, "default", name)
        except NotFound:
            return False
        return True

    assert eventually(account_is_there)
    yield name
    server.client.delete(NAMESPACES, name)
