"""A simulated API server without any nodes or controllers, in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from cluster.client import ClusterClient
from cluster.control_plane.running import free_ports
from cluster.errors import ClusterError
from tests.cluster.nodes.place import Place
from tests.cluster.waiting import eventually

_SERVE = (
    "import sys, pathlib; from cluster.simulator.running import ServerSettings, SimulatedServer; folder = pathlib.Path(sys.argv[2]);"
    " SimulatedServer(ServerSettings(int(sys.argv[1]), folder, folder / 'kubeconfig')).run()"
)


@pytest.fixture(scope="session")
def bare_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterClient]:
    folder = tmp_path_factory.mktemp("bare-server")
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(free_ports(1)[0]), str(folder)], stdout=log, stderr=log
        )
    kubeconfig = folder / "kubeconfig"
    assert eventually(lambda: kubeconfig.exists() and kubeconfig.read_text(), 60)
    client = ClusterClient.connect(kubeconfig)

    def answers() -> bool:
        try:
            return bool(client.version())
        except ClusterError:
            return False

    assert eventually(answers, 60)
    yield client
    client.close()
    process.terminate()
    process.wait(30)


@pytest.fixture
def place(bare_server: ClusterClient) -> Iterator[Place]:
    made = Place(bare_server)
    assert eventually(made.is_ready)
    yield made
    made.close()
