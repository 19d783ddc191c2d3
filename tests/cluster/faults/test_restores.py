"""A server that comes back, on both servers: in the midst of a burst, without the past, or from a backup below versions a cache has seen."""

import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cluster import watch as watch_module
from cluster.client import ClusterClient
from cluster.control_plane.building import missing_binaries
from cluster.control_plane.running import ControlPlane, free_ports
from cluster.errors import AlreadyExists, Gone
from cluster.events import EventRecorder
from cluster.kinds import CONFIG_MAPS, NAMESPACES, PODS, SERVICE_ACCOUNTS
from cluster.retries import RetryPolicy
from cluster.watch import WatchCache
from scheduling.announcing import Announcer
from scheduling.assumptions import Assumptions
from scheduling.executor import Binding, Executor
from scheduling.pod_facts import Alike, read_pod
from tests.cluster.faults.test_watches import Ear, held
from tests.cluster.servers import ClusterApi, served
from tests.cluster.waiting import eventually

NOW = datetime(2030, 1, 1, tzinfo=UTC)
BURST = 600
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
    if missing_binaries():
        pytest.skip("no control plane on this machine: make control-plane")

    @contextmanager
    def running() -> Iterator[Path]:
        with ControlPlane(folder, controller_manager=False) as plane:
            yield plane.kubeconfig

    return running


SERVERS = pytest.mark.parametrize(
    "server",
    [simulator, pytest.param(control_plane, marks=pytest.mark.control_plane)],
    ids=lambda f: f.__name__,
)


@SERVERS
def test_a_watch_from_before_a_restart_is_told_so_by_an_event(server, tmp_path) -> None:
    """With 200, and 410 in the stream: who looks at the status alone would take it for a watch."""
    running = server(tmp_path)
    with running() as kubeconfig:
        api = ClusterApi("before", kubeconfig)
        api.client.create(NAMESPACES, {"metadata": {"name": "t"}})
        version = api.client.list(CONFIG_MAPS, "t").resource_version
        made(api.client, "one")
        made(api.client, "two")
        api.close()
    with running() as kubeconfig:
        api = ClusterApi("after", kubeconfig)
        told = api.send("GET", f"{CONFIG_MAPS.path('t')}?watch=1&timeoutSeconds=5&resourceVersion={version}")
        with pytest.raises(Gone, match="too old resource version"):
            list(api.client.watch(CONFIG_MAPS, namespace="t", resource_version=version, timeout_seconds=5))
        api.close()

    assert told.status == 200
    assert told.body["type"] == "ERROR"
    wanted = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired"}
    assert wanted.items() <= told.body["object"].items()
    assert re.fullmatch(rf"too old resource version: {version} \(\d+\)", told.body["object"]["message"])


@SERVERS
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


@SERVERS
def test_bindings_go_on_after_a_restart_in_their_midst(server, tmp_path) -> None:
    """What was reported as bound is bound, what surely failed is not, and the next try brings the rest, each to its own node."""
    running = server(tmp_path)
    with running() as kubeconfig:
        client = ClusterClient.connect(kubeconfig)
        client.create(NAMESPACES, {"metadata": {"name": "t"}})
        account = {"metadata": {"name": "default", "namespace": "t"}}
        with suppress(AlreadyExists):
            client.create(SERVICE_ACCOUNTS, account)
        pods = [client.create(PODS, pod(number)) for number in range(BURST)]
    bindings = [Binding(read_pod(one, Alike()), f"node-{number}") for number, one in enumerate(pods)]
    assumptions, announcer = (
        Assumptions(),
        Announcer(EventRecorder(client, controller="tester", instance="one")),
    )
    executor = Executor(client, assumptions, announcer)
    try:
        with running():
            first = executor.bind(bindings, leading=lambda: True, now=NOW)
            assert eventually(lambda: first.wait(0.0) or len(first.outcomes.done) > BURST // 10, 60)
        with running():
            assert first.wait(120)
            where = nodes(client)
            for one in bindings:
                if one.pod.uid in first.outcomes.done:
                    assert where[one.pod.uid] == one.node
            executor.let_go(first.outcomes)
            surely = [one for one in bindings if assumptions.node_of(one.pod.uid) is None]
            assert not [one for one in surely if where[one.pod.uid]]
            left = [one for one in bindings if not where[one.pod.uid]]
            again = executor.bind(left, leading=lambda: True, now=NOW)
            assert again.wait(60)
            assert nodes(client) == {one.pod.uid: one.node for one in bindings}
    finally:
        executor.close()
        announcer.close()
        client.close()


def pod(number: int) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "i"}], "schedulerName": "runai-scheduler"}
    return {"metadata": {"name": f"p-{number}", "namespace": "t"}, "spec": spec}


def nodes(client: ClusterClient) -> dict[str, str | None]:
    return {one["metadata"]["uid"]: one["spec"].get("nodeName") for one in client.list(PODS, "t").items}


def made(client: ClusterClient, name: str) -> None:
    client.create(
        CONFIG_MAPS, {"metadata": {"name": name, "namespace": "t"}, "data": {"a": secrets.token_hex(4)}}
    )


def stored(client: ClusterClient) -> dict[str, Any]:
    return held(client.list(CONFIG_MAPS, "t").items)
