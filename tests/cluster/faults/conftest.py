"""A client that speaks through a faulty proxy, before each server in turn."""

from collections.abc import Iterator

import pytest

from cluster.client import ClusterClient
from cluster.connection import connect_with_token
from cluster.retries import RetryPolicy
from tests.cluster.faults.proxy import FaultyProxy, proxy_before
from tests.cluster.servers import ClusterApi

SWIFT = RetryPolicy(attempts=5, first_wait=0.01, longest_wait=0.05)


@pytest.fixture
def proxy(cluster_api: ClusterApi) -> Iterator[FaultyProxy]:
    with proxy_before(cluster_api.kubeconfig) as found:
        yield found


@pytest.fixture
def client(proxy: FaultyProxy) -> Iterator[ClusterClient]:
    found = ClusterClient(connect_with_token(proxy.url, "any"), user_agent="tester/1", policy=SWIFT)
    yield found
    found.close()
