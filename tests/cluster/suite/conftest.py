"""The two servers that the suite runs against, one of each per run, and a namespace per test."""

import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.client import ClusterClient
from cluster.control_plane.running import ControlPlane, free_ports
from cluster.documents import name_of
from cluster.errors import ClusterError, NotFound
from cluster.kinds import NAMESPACES, NODES, PODS, SERVICE_ACCOUNTS
from cluster.nodes import is_ready
from organization.models import Project
from scheduling.engine import SchedulerConfig
from scheduling.watching import ClusterWatch
from tests import factories
from tests.cluster.operators import install, kind_of
from tests.cluster.operators.job_sets import JOB_SETS, JobSetOperator
from tests.cluster.operators.leader_workers import (
    LEADER_WORKER_SETS,
    LeaderWorkerOperator,
    numbering_webhook,
)
from tests.cluster.operators.mpi import MPI_JOBS, MPIOperator
from tests.cluster.operators.pytorch import PYTORCH_JOBS, PyTorchOperator
from tests.cluster.operators.ray import RAY_CLUSTERS, RAY_JOBS, RayClusterOperator, RayJobOperator
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
    for pod in server.client.list(PODS, name).items:  # the next test wants their places at once
        with suppress(NotFound):
            server.client.delete(PODS, name_of(pod), name, grace_seconds=0)


@pytest.fixture
def scheduler(db: None, server: Server, namespace: str) -> Iterator[ClusterWatch]:
    """Ours, with one node pool of all nodes; the test's namespace is a project's, and no object carries a queue."""
    cluster = factories.make_cluster("suite")
    project = factories.make_project(
        "vision", department=factories.make_department(cluster=cluster, gpus=24), gpus=24
    )
    Project.objects.filter(pk=project.pk).update(namespace=namespace)
    client = ClusterClient.connect(server.kubeconfig)
    watch = ClusterWatch(cluster, client, SchedulerConfig())
    watch.start()
    assert all(cache.synced(30) for cache in watch.caches)
    yield watch
    watch.stop()
    client.close()


@pytest.fixture
def operators(client: ClusterClient, namespace: str, tmp_path: Path) -> Iterator[None]:
    """All of them at work in the test's namespace."""
    groups = kind_of("PodGroup", "v1alpha1"), kind_of("PodGroup", "v1beta1")
    for kind in (PYTORCH_JOBS, MPI_JOBS, JOB_SETS, RAY_CLUSTERS, RAY_JOBS, *groups):
        install(client, kind)
    install(client, LEADER_WORKER_SETS, scale=True)
    at_work: list[AbstractContextManager[object]] = [
        numbering_webhook(client, tmp_path, namespace),
        *(
            kind(client, namespace)
            for kind in (
                PyTorchOperator,
                MPIOperator,
                JobSetOperator,
                LeaderWorkerOperator,
                RayClusterOperator,
                RayJobOperator,
            )
        ),
    ]
    with ExitStack() as stack:
        for one in at_work:
            stack.enter_context(one)
        yield
