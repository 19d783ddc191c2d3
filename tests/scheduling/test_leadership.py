"""Leases are kept during long work, and never brought back to life in the middle of it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.errors import ClusterUnavailable
from scheduling.announcing import Announcer
from scheduling.assumptions import Assumptions
from scheduling.executor import Binding, Executor
from scheduling.leadership import LEASE_SECONDS, Leadership
from scheduling.pod_facts import Alike, read_pod
from tests.scheduling.documents import make_node, make_pod
from tests.scheduling.fake_cluster import FakeCluster
from tests.scheduling.test_crashes_and_rivals import Timer


def lead(cluster: FakeCluster, timer: Timer, holder: str = "first") -> Leadership:
    return Leadership(cluster, namespace="runai", holder=holder, monotonic=timer)  # type: ignore[arg-type]


def test_work_longer_than_the_lease_stays_covered_and_a_rival_stays_out() -> None:
    cluster, timer = FakeCluster(), Timer()
    first, rival = lead(cluster, timer), lead(cluster, timer, "rival")
    assert first.hold(["default"]) == ["default"]
    number = first.number("default")

    for _ in range(20):
        timer.now += LEASE_SECONDS / 3
        first.keep()
        assert rival.hold(["default"]) == []

    assert first.number("default") == number


def test_a_lease_that_ran_out_is_not_taken_again_before_the_next_cycle() -> None:
    cluster, timer = FakeCluster(), Timer()
    first = lead(cluster, timer)
    first.hold(["default"])
    before = first.number("default")
    timer.now += LEASE_SECONDS + 1

    first.keep()
    assert first.number("default") is None

    first.hold(["default"])
    after = first.number("default")
    assert before is not None
    assert after is not None
    assert after > before, "what was decided before is old"


def test_a_server_that_is_away_for_a_moment_costs_no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, timer = FakeCluster(), Timer()
    first = lead(cluster, timer)
    first.hold(["default"])
    number = first.number("default")

    def away(*_: Any, **__: Any) -> None:
        raise ClusterUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(cluster, "replace", away)
        timer.now += LEASE_SECONDS / 3
        first.keep()
    timer.now += LEASE_SECONDS / 3
    first.keep()
    timer.now += LEASE_SECONDS / 2

    assert first.number("default") == number


def test_every_effect_of_a_batch_gives_the_lease_a_heartbeat() -> None:
    pods = [make_pod(f"p{number}", gpus=1) for number in range(20)]
    cluster = FakeCluster(nodes=[make_node("n1", gpus=32)], pods=pods)
    beats: list[int] = []
    announcer = Announcer(EventsOff())  # type: ignore[arg-type]
    executor = Executor(
        cluster,  # type: ignore[arg-type]
        Assumptions(),
        announcer,
        heartbeat=lambda: beats.append(1),
    )
    bindings = [Binding(read_pod(pod, Alike()), "n1") for pod in pods]

    batch = executor.bind(bindings, leading=lambda: True, now=datetime(2030, 1, 1, tzinfo=UTC))

    assert batch.wait()
    assert (len(batch.outcomes.done), len(beats)) == (20, 20)
    executor.close()
    announcer.close()


class EventsOff:
    def record(self, *_: Any, **__: Any) -> None:
        """Nobody reads them here."""
