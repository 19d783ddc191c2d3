"""Killed at any moment, the simulated cluster comes back with all it has acknowledged."""

import threading
from pathlib import Path
from typing import Any

import pytest

from cluster.client import ClusterClient
from cluster.errors import AlreadyExists, ClusterError
from cluster.kinds import CONFIG_MAPS
from tests.cluster.simulator.whole import WholeCluster

WRITERS = 4


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    cluster = WholeCluster(tmp_path / "data")
    cluster.start()
    acknowledged: dict[str, str] = {}
    enough = threading.Event()

    def write(writer: int) -> None:
        client = ClusterClient.connect(cluster.kubeconfig)
        number = 0
        while True:
            name = f"c-{writer}-{number}"
            document: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
            try:
                made = client.create(CONFIG_MAPS, document, namespace="default")
            except AlreadyExists:
                number += 1  # stored, but the answer was lost with the process
                continue
            except ClusterError:
                break
            acknowledged[name] = made["metadata"]["resourceVersion"]
            number += 1
            if len(acknowledged) > 200:
                enough.set()
        client.close()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    assert enough.wait(60)
    cluster.kill()
    for thread in threads:
        thread.join(60)

    cluster.start()
    try:
        client = ClusterClient.connect(cluster.kubeconfig)
        listed = client.list(CONFIG_MAPS, "default")
        found = {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in listed.items}
        assert {name: found.get(name) for name in acknowledged} == acknowledged
        assert int(listed.resource_version) >= max(int(version) for version in acknowledged.values())
        after = client.create(
            CONFIG_MAPS,
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "after"}},
            namespace="default",
        )
        assert int(after["metadata"]["resourceVersion"]) > int(listed.resource_version)
        client.close()
    finally:
        cluster.stop()
