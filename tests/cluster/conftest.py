"""Servers for the cluster tests: `simulator` alone, `control_plane` alone, and `cluster_api` for what must hold on both."""

import contextlib
import secrets
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.control_plane.building import cache_folder, missing_binaries
from cluster.control_plane.running import ControlPlane
from cluster.errors import AlreadyExists, NotFound
from cluster.kinds import NAMESPACES, SERVICE_ACCOUNTS
from tests.cluster.servers import ClusterApi, served

SIMULATOR, CONTROL_PLANE = "simulator", "control-plane"


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterApi]:
    """The simulated API server."""
    with served(tmp_path_factory.mktemp("simulator")) as server:
        assert server.settings.kubeconfig is not None
        api = ClusterApi(SIMULATOR, server.settings.kubeconfig)
        yield api
        api.close()


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterApi]:
    """The real one, without controllers, so that nothing but the tests changes its objects; skipped where it has not been built."""
    if missing_binaries():
        pytest.skip("no control plane on this machine: make control-plane")
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"), controller_manager=False)
    try:
        plane.start()
    except ssl.SSLError:
        plane.start()  # the server's certificate was read while it was being written; everything was stopped again
    try:
        api = ClusterApi(CONTROL_PLANE, plane.kubeconfig)
        yield api
        api.close()
    finally:
        plane.stop()


@pytest.fixture(params=[SIMULATOR, pytest.param(CONTROL_PLANE, marks=pytest.mark.control_plane)])
def cluster_api(request: pytest.FixtureRequest) -> Iterator[ClusterApi]:
    """Each server in turn, in a namespace of the test's own."""
    api: ClusterApi = request.getfixturevalue(request.param.replace("-", "_"))
    with_namespace(api, f"t-{secrets.token_hex(4)}")
    yield api
    with contextlib.suppress(NotFound):  # a test may have been about deleting it
        api.client.delete(NAMESPACES, api.namespace)


def with_namespace(api: ClusterApi, name: str) -> None:
    """Make a namespace with its service account, and let the test work there."""
    api.client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    api.namespace = name
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": name},
    }
    with contextlib.suppress(AlreadyExists):
        api.client.create(SERVICE_ACCOUNTS, account, namespace=name)


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """The real kubectl, of the same version; skipped where it has not been built."""
    path = cache_folder() / "kubectl"
    if not path.is_file():
        pytest.skip("no kubectl on this machine: make control-plane")
    return path
