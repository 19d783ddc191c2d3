"""A namespace on the simulated server for each test."""

import secrets
from collections.abc import Iterator

import pytest

from tests.cluster.conftest import with_namespace
from tests.cluster.servers import ClusterApi


@pytest.fixture
def api(simulator: ClusterApi) -> Iterator[ClusterApi]:
    """The shared simulated server, in a namespace of the test's own."""
    with_namespace(simulator, f"t-{secrets.token_hex(4)}")
    yield simulator
    simulator.send("DELETE", f"/api/v1/namespaces/{simulator.namespace}")
