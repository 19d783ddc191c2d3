"""A server that comes back from an old backup, on both servers: its versions begin anew below those a cache has seen."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cluster import watch as watch_module
from cluster.client import ClusterClient
from cluster.control_plane.building import missing_binaries
from cluster.control_plane.running import ControlPlane, free_ports
from cluster.kinds import CONFIG_MAPS, NAMESPACES
from cluster.retries import RetryPolicy
from cluster.watch import WatchCache
from tests.cluster.faults.test_watches import Ear, held
from tests.cluster.servers import served
from tests.cluster.waiting import eventually

Running = Callable[[], AbstractContextManager[Path]]
"""Starts the server at the same address each time; the kubeconfig."""


def simulator(folder: Path) -> Running:
    port = free_ports(1)[0]

    @contextmanager
    def running() -> Iterator[Path]:
        with served(folder, port=port):
            yield folder / "kubeconfig"

    return running


def control_plane(folder: Path) -> Running:
    if missing_binaries() or shutil.which("etcd") is None:
        pytest.skip("no control plane on this machine: make control-plane, and etcd")

    @contextmanager
    def running() -> Iterator[Path]:
        with ControlPlane(folder, controller_manager=False) as plane:
            yield plane.kubeconfig

    return running


@pytest.mark.parametrize(
    "server",
    [simulator, pytest.param(control_plane, marks=pytest.mark.control_plane)],
    ids=lambda f: f.__name__,
)
def test_a_cache_does_not_keep_what_a_restored_server_never_had(server, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(watch_module, "_RECONNECT", RetryPolicy(first_wait=0.05, longest_wait=0.5))
    folder, backup = tmp_path / "server", tmp_path / "backup"
    folder.mkdir()
    running = server(folder)
    with running() as kubeconfig:
        client = ClusterClient.connect(kubeconfig)
        client.create(NAMESPACES, {"metadata": {"name": "t"}})
        made(client, "both")
    shutil.copytree(folder, backup, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    ear = Ear()
    cache = WatchCache(client, CONFIG_MAPS, namespace="t", on_change=ear.hear)
    try:
        with running():
            cache.start()
            assert cache.synced(30)
            for number in range(30):
                made(client, f"lost-{number}")
            assert eventually(lambda: "lost-29" in held(cache.items()), 30)
        shutil.rmtree(folder)
        shutil.copytree(backup, folder, symlinks=True)
        with running():
            made(client, "after")
            client.delete(CONFIG_MAPS, "both", "t")
            assert eventually(lambda: held(cache.items()) == stored(client), 60)
            assert held(ear.known.values()) == held(cache.items())
            made(client, "later")
            assert eventually(lambda: "later" in held(cache.items()), 30)
    finally:
        cache.stop()
        client.close()


def made(client: ClusterClient, name: str) -> None:
    client.create(
        CONFIG_MAPS, {"metadata": {"name": name, "namespace": "t"}, "data": {"a": secrets.token_hex(4)}}
    )


def stored(client: ClusterClient) -> dict[str, Any]:
    return held(client.list(CONFIG_MAPS, "t").items)
