"""The cache holds what the cluster holds, whatever happens to the watch."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster import watch as watch_module
from cluster.kinds import PODS
from cluster.retries import RetryPolicy
from cluster.watch import WatchCache
from tests.cluster.scripted_server import Answer, ScriptedServer, line, status


def pod(name: str, version: int, uid: str = "") -> dict[str, Any]:
    meta = {"name": name, "namespace": "n", "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta}


def listing(version: int, *pods: dict[str, Any]) -> Answer:
    return Answer(200, {"metadata": {"resourceVersion": str(version)}, "items": list(pods)})


def bookmark(version: int) -> bytes:
    return line("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}})


class World:
    """A scripted server, a cache on it, and what the cache told."""

    def __init__(self) -> None:
        self.server = ScriptedServer()
        self.client = self.server.client()
        self.open = threading.Event()
        self.told: list[tuple[str, str]] = []
        self.cache = WatchCache(self.client, PODS, on_change=self.hear)

    def hear(self, kind: str, new: Any, old: Any) -> None:
        self.told.append((kind, (new or old)["metadata"]["name"]))

    def stay(self) -> None:
        """Keeps a watch open until the test ends."""
        self.open.wait(20)

    def close(self) -> None:
        self.open.set()
        self.cache.stop()
        self.server.close()
        self.client.close()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(watch_module, "_RECONNECT", RetryPolicy(first_wait=0.001, longest_wait=0.01))
    made = World()
    yield made
    made.close()


def eventually(claim: Callable[[], bool], seconds: float = 10) -> bool:
    give_up = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.005)
    return True


def test_the_cache_follows_the_watch(world):
    world.server.answers = [
        listing(5, pod("a", 3), pod("b", 4)),
        Answer(
            chunks=[
                line("MODIFIED", pod("a", 6)),
                line("DELETED", pod("b", 7)),
                line("ADDED", pod("c", 8)),
                world.stay,
            ]
        ),
    ]
    world.cache.start()

    assert world.cache.synced(10)
    assert eventually(lambda: world.cache.resource_version == "8")
    assert {item["metadata"]["name"] for item in world.cache.items()} == {"a", "c"}
    assert world.cache.get("n", "a")["metadata"]["resourceVersion"] == "6"
    assert world.told == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b"), ("ADDED", "c")]
    assert world.cache.healthy


def test_a_watch_that_ends_goes_on_from_the_last_bookmark(world):
    world.server.answers = [
        listing(5),
        Answer(chunks=[bookmark(9)]),
        listing(9),
        Answer(chunks=[world.stay]),
    ]
    world.cache.start()

    assert eventually(lambda: len(world.server.asked) == 4)
    assert world.server.asked[2].query == {"limit": "1"}  # where is the server now?
    assert world.server.asked[3].query["resourceVersion"] == "9"
    assert world.server.asked[3].query["allowWatchBookmarks"] == "true"


def test_a_server_that_was_restored_from_a_backup_is_listed_anew(world):
    """Its watch would be silent up to the version that we know, and tell nothing of what is otherwise below it."""
    world.server.answers = [
        listing(90, pod("stays", 1), pod("was never", 80), pod("otherwise", 70)),
        Answer(chunks=[line("ADDED", pod("nor this", 95))], cut=True),
        listing(60),
        listing(61, pod("stays", 1), pod("otherwise", 61, uid="another")),
        Answer(chunks=[world.stay]),
    ]
    world.cache.start()

    assert eventually(lambda: len(world.server.asked) == 5)
    assert world.server.asked[4].query["resourceVersion"] == "61"
    assert {item["metadata"]["name"] for item in world.cache.items()} == {"stays", "otherwise"}
    assert sorted(world.told[4:]) == [
        ("ADDED", "otherwise"),
        ("DELETED", "nor this"),
        ("DELETED", "otherwise"),
        ("DELETED", "was never"),
    ]


@pytest.mark.parametrize(
    "gone", [status(410, "Expired"), Answer(chunks=[line("ERROR", status(410, "Expired").document)])]
)
def test_after_410_it_lists_again_and_tells_what_was_missed(world, gone):
    world.server.answers = [
        listing(5, pod("stays", 1), pod("changes", 2), pod("goes", 3), pod("again", 4)),
        gone,
        listing(50, pod("stays", 1), pod("changes", 40), pod("comes", 41), pod("again", 42, uid="another")),
        Answer(chunks=[world.stay]),
    ]
    world.cache.start()

    assert eventually(lambda: len(world.server.asked) == 4)
    assert {item["metadata"]["name"] for item in world.cache.items()} == {
        "stays",
        "changes",
        "comes",
        "again",
    }
    assert sorted(world.told[4:]) == [
        ("ADDED", "again"),
        ("ADDED", "comes"),
        ("DELETED", "again"),
        ("DELETED", "goes"),
        ("MODIFIED", "changes"),
    ]


def test_a_cut_watch_is_taken_up_where_it_broke_without_a_new_list(world):
    world.server.answers = [
        listing(5),
        Answer(chunks=[line("ADDED", pod("a", 6))], cut=True),
        listing(7),  # only its version is looked at
        Answer(chunks=[line("ADDED", pod("b", 7)), world.stay]),
    ]
    world.cache.start()

    assert eventually(lambda: len(world.cache) == 2)
    assert world.server.asked[3].query["resourceVersion"] == "6"


def test_while_the_server_is_down_the_cache_serves_what_it_knew_and_says_so(world):
    down = [status(503, "ServiceUnavailable")] * 400
    world.server.answers = [listing(5, pod("a", 1)), Answer(chunks=[], cut=True), *down]
    world.cache.start()

    assert world.cache.synced(10)
    assert eventually(lambda: not world.cache.healthy)
    assert [item["metadata"]["name"] for item in world.cache.items()] == ["a"]
    with world.server.lock:
        world.server.answers = [listing(5), Answer(chunks=[world.stay])]
    assert eventually(lambda: world.cache.healthy)


def test_stopping_ends_a_silent_watch_at_once(world):
    world.server.answers = [listing(5), Answer(chunks=[bookmark(6), world.stay])]
    world.cache.start()
    assert eventually(lambda: world.cache.resource_version == "6")
    begun = time.monotonic()

    world.cache.stop(timeout=10)

    assert time.monotonic() - begun < 5
    assert not world.cache.healthy


def test_a_listener_that_fails_does_not_end_the_cache(world, caplog):
    def fail(kind, new, old):
        raise RuntimeError("broken listener")

    world.cache = WatchCache(world.client, PODS, on_change=fail)
    world.server.answers = [
        listing(5),
        Answer(chunks=[line("ADDED", pod("a", 6)), line("ADDED", pod("b", 7)), world.stay]),
    ]
    world.cache.start()

    assert eventually(lambda: len(world.cache) == 2)
    assert "broken listener" in caplog.text


def test_a_kind_that_was_not_there_is_asked_for_soon_when_somebody_has_seen_signs_of_it(world, monkeypatch):
    monkeypatch.setattr(watch_module, "_ABSENT_SECONDS", (0.01, 600.0))
    cache = WatchCache(world.client, PODS, optional=True)
    world.server.answers = [status(404, "NotFound"), listing(5, pod("a", 3)), Answer(chunks=[world.stay])]
    cache.start()
    assert cache.synced(10)
    assert (cache.items(), cache.healthy) == ([], True)

    cache.hint()

    assert eventually(lambda: len(cache.items()) == 1)
    world.open.set()
    cache.stop()
