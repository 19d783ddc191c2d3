"""Leases have one holder and a fencing number that only rises; events are counted, not piled up. On both servers."""

from datetime import UTC, datetime, timedelta

import pytest

from cluster.errors import NotFound
from cluster.events import EventRecorder, events_about
from cluster.kinds import CONFIG_MAPS, EVENTS, LEASES
from cluster.leases import Lease
from cluster.watch import WatchCache
from tests.cluster.suite.objects import config_map
from tests.cluster.waiting import eventually

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


class HandClock:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hand() -> HandClock:
    return HandClock()


@pytest.fixture
def contend(client, namespace, hand):
    def make(holder: str) -> Lease:
        return Lease(
            client, namespace=namespace, name="leader", holder=holder, duration_seconds=15, monotonic=hand
        )

    return make


def test_only_one_holds_the_lease(contend):
    one, two = contend("one"), contend("two")

    assert one.acquire() == 1
    assert two.acquire() is None
    assert one.acquire() == 1


def test_a_released_lease_is_taken_at_once_with_a_higher_number(contend):
    one, two = contend("one"), contend("two")
    one.acquire()
    one.release()

    assert two.acquire() == 2
    assert one.fencing_number is None
    assert one.acquire() is None


def test_a_silent_holder_is_followed_after_its_time_and_knows_that_it_lost(contend, hand):
    one, two = contend("one"), contend("two")
    one.acquire()
    assert two.acquire() is None

    hand.seconds += 16

    assert one.fencing_number is None
    assert two.acquire() == 2
    assert not one.renew()
    assert one.acquire() is None


def test_a_holder_that_renews_is_never_followed(contend, hand):
    one, two = contend("one"), contend("two")
    one.acquire()
    for _ in range(5):
        hand.seconds += 10
        assert one.renew()
        assert two.acquire() is None
    assert one.fencing_number == 1


def test_a_paused_holder_cannot_write_over_its_follower(contend, hand, client, namespace):
    one, two = contend("one"), contend("two")
    one.acquire()
    two.acquire()
    hand.seconds += 16
    two.acquire()
    hand.seconds -= 10  # the paused process believes that little time has passed

    assert not one.renew()
    assert client.get(LEASES, "leader", namespace)["spec"]["holderIdentity"] == "two"


def test_releasing_what_another_took_leaves_it_to_him(contend, hand, client, namespace):
    one, two = contend("one"), contend("two")
    one.acquire()
    two.acquire()
    hand.seconds += 16
    two.acquire()

    one.release()

    assert client.get(LEASES, "leader", namespace)["spec"]["holderIdentity"] == "two"


def test_a_repeated_event_raises_its_count(client, namespace):
    about = client.create(CONFIG_MAPS, config_map("a"), namespace=namespace)
    recorder = EventRecorder(client, controller="test.run.ai/suite", instance="here")

    for second in range(3):
        recorder.record(
            about, reason="Waits", note="no room", action="Schedule", at=NOON + timedelta(seconds=second)
        )
    recorder.record(about, reason="Waits", note="still no room", action="Schedule", at=NOON, kind="Warning")

    found = events_about(client, namespace, about["metadata"]["uid"])
    by_note = {event["note"]: event for event in found}
    assert len(found) == 2
    assert by_note["no room"]["series"]["count"] == 3
    assert by_note["still no room"]["type"] == "Warning"


def test_an_event_that_was_dropped_is_written_anew(client, namespace):
    about = client.create(CONFIG_MAPS, config_map("a"), namespace=namespace)
    recorder = EventRecorder(client, controller="test.run.ai/suite", instance="here")
    recorder.record(about, reason="Waits", note="no room", action="Schedule", at=NOON)
    client.delete_collection(EVENTS, namespace)

    recorder.record(about, reason="Waits", note="no room", action="Schedule", at=NOON)

    assert len(events_about(client, namespace, about["metadata"]["uid"])) == 1


def test_a_cache_holds_what_the_cluster_holds(client, namespace):
    heard: list[str] = []
    cache = WatchCache(
        client,
        CONFIG_MAPS,
        namespace=namespace,
        label_selector="mine",
        on_change=lambda kind, new, old: heard.append(kind),
    )
    cache.start()
    assert cache.synced(30)

    for name in ("a", "b", "c"):
        client.create(
            CONFIG_MAPS,
            {**config_map(name), "metadata": {"name": name, "labels": {"mine": "yes"}}},
            namespace=namespace,
        )
    client.merge_patch(CONFIG_MAPS, "a", {"data": {"x": "1"}}, namespace=namespace)
    client.delete(CONFIG_MAPS, "b", namespace)

    assert eventually(lambda: {item["metadata"]["name"] for item in cache.items()} == {"a", "c"})
    assert eventually(lambda: heard == ["ADDED", "ADDED", "ADDED", "MODIFIED", "DELETED"])
    assert cache.get(namespace, "a")["data"] == {"x": "1"}
    with pytest.raises(NotFound):
        client.get(CONFIG_MAPS, "b", namespace)
    cache.stop()
