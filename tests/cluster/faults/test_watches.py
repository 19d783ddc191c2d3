"""A watch under every fault, on both servers: the cache ends up with what the server has, and listeners heard each thing once."""

import secrets
import threading
from typing import Any

import pytest

from cluster import reading
from cluster import watch as watch_module
from cluster.client import ClusterClient
from cluster.kinds import CONFIG_MAPS
from cluster.retries import RetryPolicy
from cluster.watch import WatchCache
from tests.cluster.faults.proxy import Fault, FaultyProxy, Request
from tests.cluster.servers import ClusterApi
from tests.cluster.waiting import eventually

FAULTS = [
    Fault("cut inside an event", lines=2, then="cut"),
    Fault("reset inside an event", lines=2, then="reset"),
    Fault("ended politely inside an event", lines=1, then="close-inside"),
    Fault("ended after events", lines=3, then="end"),
    Fault("ended at once", lines=0, then="end"),
    Fault("stalled", lines=1, then="stall"),
    Fault("410 in the stream", lines=2, then="gone"),
    Fault("410 at once", lines=0, then="gone"),
    Fault("error in the stream", lines=1, then="error"),
    Fault("garbage in the stream", lines=1, then="garbage"),
    Fault("an event without a version", lines=1, then="odd-event"),
    Fault("an event of no known type", lines=1, then="odd-type"),
    Fault("an error that is none", lines=1, then="odd-error"),
    Fault("410 as the answer", status=410),
    Fault("500 as the answer", status=500),
    Fault("429 as the answer", status=429, headers=(("Retry-After", "0.01"),)),
    Fault("403 as the answer", status=403),
    Fault("never answered", hold=True),
    Fault("hung up"),
    Fault("garbage as the answer", garbage=b"<html>hello</html>\n"),
]
TIMES = 4
"""So many watches meet the fault before one is well."""


class Ear:
    """What a listener heard, replayed: the same as the cache if nothing was lost or doubled on the way."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.wrong: list[str] = []

    def hear(self, kind: str, new: Any, old: Any) -> None:
        name = (new or old)["metadata"]["name"]
        if kind == "ADDED":
            if name in self.known:
                self.wrong.append(f"{name} was added twice")
            self.known[name] = new
        elif kind == "MODIFIED":
            before = self.known.get(name)
            if before is None or before["metadata"]["uid"] != new["metadata"]["uid"]:
                self.wrong.append(f"{name} was changed before it was added")
            elif int(before["metadata"]["resourceVersion"]) >= int(new["metadata"]["resourceVersion"]):
                self.wrong.append(f"{name} went back in time, or was told twice")
            self.known[name] = new
        elif self.known.pop(name, None) is None:
            self.wrong.append(f"{name} was deleted twice")


@pytest.fixture
def swift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_RECONNECT", RetryPolicy(first_wait=0.01, longest_wait=0.1))
    monkeypatch.setattr(reading, "LONGEST_SILENCE_SECONDS", 0.5)


def item(api: ClusterApi, name: str, value: int) -> dict[str, Any]:
    meta = {"name": name, "namespace": api.namespace, "labels": {"mine": "yes"}}
    return {"metadata": meta, "data": {"value": str(value)}}


def live(api: ClusterApi, stop: threading.Event) -> None:
    """Creates, changes, deletes and makes anew, for as long as the test wants."""
    number = 0
    while not stop.is_set():
        name = f"i-{number % 7}"
        api.client.apply(CONFIG_MAPS, item(api, name, number), field_manager="tester")
        if number % 3 == 0:
            api.client.delete(CONFIG_MAPS, name, api.namespace)
        number += 1
        stop.wait(0.01)


def stored(api: ClusterApi) -> dict[str, tuple[str, str]]:
    found = api.client.list(CONFIG_MAPS, api.namespace, label_selector="mine=yes").items
    return {
        one["metadata"]["name"]: (one["metadata"]["uid"], one["metadata"]["resourceVersion"]) for one in found
    }


def held(items: Any) -> dict[str, tuple[str, str]]:
    return {
        one["metadata"]["name"]: (one["metadata"]["uid"], one["metadata"]["resourceVersion"]) for one in items
    }


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_nothing_is_lost_and_nothing_doubled(
    proxy: FaultyProxy, client: ClusterClient, cluster_api: ClusterApi, fault: Fault, swift: None
):
    ear, stop = Ear(), threading.Event()
    met = []

    def plan(asked: Request) -> Fault | None:
        if asked.watches and len(met) < TIMES:
            met.append(asked)
            return fault
        return None

    proxy.plan = plan
    cache = WatchCache(
        client, CONFIG_MAPS, namespace=cluster_api.namespace, label_selector="mine=yes", on_change=ear.hear
    )
    writer = threading.Thread(target=live, args=(cluster_api, stop), daemon=True)
    writer.start()
    cache.start()
    try:
        assert cache.synced(30)
        assert eventually(lambda: len(met) >= TIMES, 30)
        assert eventually(lambda: cache.healthy, 30)
        stop.set()
        writer.join(30)
        assert eventually(lambda: held(cache.items()) == stored(cluster_api), 30)
        assert eventually(lambda: held(ear.known.values()) == stored(cluster_api), 10)
        assert ear.wrong == []
    finally:
        stop.set()
        proxy.held.set()
        cache.stop()
        writer.join(30)
    assert not cache.healthy  # its thread has ended


def test_a_watch_with_nothing_but_bookmarks_stays_well(client, cluster_api, swift, monkeypatch, caplog):
    """Nothing happens in the collection for longer than a silence may last: it is asked anew, without a list."""
    monkeypatch.setattr(reading, "LONGEST_SILENCE_SECONDS", 0.2)
    cluster_api.client.create(CONFIG_MAPS, item(cluster_api, f"i-{secrets.token_hex(2)}", 1))
    ear = Ear()
    cache = WatchCache(
        client, CONFIG_MAPS, namespace=cluster_api.namespace, label_selector="mine=yes", on_change=ear.hear
    )
    cache.start()
    try:
        assert cache.synced(30)
        threading.Event().wait(1.0)
        cluster_api.client.create(CONFIG_MAPS, item(cluster_api, "late", 2))
        assert eventually(lambda: len(cache) == 2, 30)
        assert ear.wrong == []
        assert len(ear.known) == 2
        assert caplog.records == []  # a quiet kind is no trouble
    finally:
        cache.stop()


def test_a_watch_that_is_ended_again_and_again_is_no_storm(proxy, client, cluster_api, monkeypatch):
    monkeypatch.setattr(watch_module, "_RECONNECT", RetryPolicy(first_wait=0.2, longest_wait=5.0))
    proxy.plan = lambda asked: Fault("ended at once", lines=0, then="end") if asked.watches else None
    cache = WatchCache(client, CONFIG_MAPS, namespace=cluster_api.namespace)
    cache.start()
    try:
        assert cache.synced(30)
        threading.Event().wait(2.0)
        assert proxy.count(contains="watch=true") < 12  # without pauses it would be thousands
    finally:
        cache.stop()


def test_a_listener_hears_of_a_namesake_as_of_another_object(proxy, client, cluster_api, swift):
    """Deleted and made anew while the watch was away, and the versions between are forgotten."""
    cluster_api.client.create(CONFIG_MAPS, item(cluster_api, "same", 1))
    ear = Ear()
    gate = threading.Event()

    def plan(asked: Request) -> Fault | None:
        if asked.watches and not gate.is_set():
            return Fault("410 at once", lines=0, then="gone")
        return None

    proxy.plan = plan
    cache = WatchCache(
        client, CONFIG_MAPS, namespace=cluster_api.namespace, label_selector="mine=yes", on_change=ear.hear
    )
    cache.start()
    try:
        assert cache.synced(30)
        cluster_api.client.delete(CONFIG_MAPS, "same", cluster_api.namespace)
        anew = cluster_api.client.create(CONFIG_MAPS, item(cluster_api, "same", 2))
        gate.set()
        assert eventually(lambda: held(cache.items()) == held([anew]), 30)
        assert ear.wrong == []
        assert held(ear.known.values()) == held([anew])
    finally:
        cache.stop()
