"""A namespace on the simulated server for each test; a whole simulated cluster for those that use kubectl."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.conftest import with_namespace
from tests.cluster.servers import ClusterApi
from tests.cluster.simulator.kubectl import Run
from tests.cluster.simulator.whole import WholeCluster
from tests.cluster.waiting import eventually


@pytest.fixture
def api(simulator: ClusterApi) -> Iterator[ClusterApi]:
    """The shared simulated server, in a namespace of the test's own."""
    with_namespace(simulator, f"t-{secrets.token_hex(4)}")
    yield simulator
    simulator.send("DELETE", f"/api/v1/namespaces/{simulator.namespace}")


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeCluster]:
    whole = WholeCluster(tmp_path_factory.mktemp("kubectl"), nodes="cpu=1,h100=1")
    whole.start()
    yield whole
    whole.stop()


@pytest.fixture(scope="package")
def run(cluster: WholeCluster, kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run kubectl; gives what it printed, or fails with what it complained about."""
    home = tmp_path_factory.mktemp("home")

    def call(*arguments: str, document: dict[str, Any] | None = None, code: int = 0) -> str:
        done = subprocess.run(
            [str(kubectl), f"--kubeconfig={cluster.kubeconfig}", f"--cache-dir={home}", *arguments],
            input=json.dumps(document) if document else None,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    assert eventually(lambda: json.loads(call("get", "--raw", "/api/v1/nodes"))["items"], 60)
    return call


@pytest.fixture
def place(run: Run, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, made by kubectl (a protobuf body)."""
    name = f"k{abs(hash(request.node.name)) % 10**8}"
    run("create", "namespace", name)
    yield name
    run("delete", "namespace", name, "--wait=false")
