"""A plan whose bindings take long goes on while the scheduler looks again: places are held, rules kept, outcomes written once known."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.labels import PRIORITY_CLASS, QUEUE
from scheduling.models import Cycle, Decision, GangState, Outcome, Verdict
from tests.scheduling.documents import make_node, make_pod
from tests.scheduling.fake_cluster import FakeCluster, refuse

pytestmark = pytest.mark.django_db(transaction=True)
VISION = {QUEUE: "vision"}
SOON = 10.0
"""Seconds for what happens at once on any machine."""


class Gate:
    """Bindings of these pods wait until it opens."""

    def __init__(self, cluster: FakeCluster, *pods: str) -> None:
        self._pods = pods
        self._open = threading.Event()
        self.reached = threading.Event()
        cluster.before_bind = self._wait

    def _wait(self, pod: str, node: str) -> None:
        if pod in self._pods:
            self.reached.set()
            assert self._open.wait(SOON)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster(nodes=[make_node("n1", gpus=4)], pods=[make_pod("slow", gpus=2, labels=VISION)])


@pytest.fixture
def gate(cluster: FakeCluster) -> Iterator[Gate]:
    made = Gate(cluster, "slow")
    yield made
    made.open()


def outcomes() -> dict[str, str]:
    decisions = Decision.objects.exclude(verdict=Verdict.WAIT)
    return {one.gang: one.outcome for one in decisions}


def test_who_comes_meanwhile_is_placed_beside_the_places_that_are_promised(
    make_runner: Any, cluster: FakeCluster, gate: Gate
) -> None:
    runner = make_runner(cluster)
    runner.run(cluster.world, 0.0)
    assert gate.reached.wait(SOON)
    cluster.add(make_pod("quick", gpus=2, labels=VISION), make_pod("late", gpus=2, labels=VISION))

    runner.run(cluster.world, 0.0)

    assert runner.is_binding
    gate.open()
    runner.run(cluster.world)
    assert not runner.is_binding
    placed = cluster.placed()
    assert "slow" in placed
    assert len(placed) == 2, "two of the four GPUs were promised"
    assert len(cluster.made("bind")) == 2


def test_what_has_become_of_a_plan_is_written_when_it_has_ended(
    make_runner: Any, cluster: FakeCluster, gate: Gate
) -> None:
    runner = make_runner(cluster)
    assert runner.run(cluster.world, 0.0).bound == 0
    assert outcomes() == {"slow": Outcome.INTENDED}, "written before anything is done"

    gate.open()
    report = runner.run(cluster.world)

    assert report.bound == 1
    assert outcomes() == {"slow": Outcome.DONE}
    assert Cycle.objects.get().bound == 1
    assert GangState.objects.get(name="slow").last_start is not None


def test_who_fails_behind_is_held_back_before_anybody_looks_again(
    make_runner: Any, cluster: FakeCluster, product_clock: Any
) -> None:
    cluster.before_bind = refuse("a webhook says no")
    runner = make_runner(cluster)
    runner.run(cluster.world, 0.0)
    while runner.is_binding:
        runner.keep_up()

    runner.run(cluster.world)

    assert cluster.made("bind") == ["slow"], "no second try before its time"
    assert GangState.objects.get(name="slow").bind_failures == 1
    assert outcomes() == {"slow": Outcome.FAILED}
    product_clock.pass_seconds(600)
    cluster.before_bind = None
    runner.run(cluster.world)
    assert cluster.placed() == {"slow": "n1"}


def test_a_mistake_in_one_effect_holds_its_gang_back_and_nobody_else(
    make_runner: Any, cluster: FakeCluster
) -> None:
    cluster.add(make_pod("other", gpus=1, labels=VISION))

    def stumble(pod: str, node: str) -> None:
        if pod == "slow":
            raise KeyError("spec")

    cluster.before_bind = stumble
    report = make_runner(cluster).run(cluster.world)

    assert (report.bound, report.failed) == (1, 1)
    assert outcomes() == {"slow": Outcome.FAILED, "other": Outcome.DONE}
    assert GangState.objects.get(name="slow").bind_failures == 1


def test_nobody_is_evicted_whose_binding_is_still_under_way(
    make_runner: Any, cluster: FakeCluster, gate: Gate
) -> None:
    """What comes with more right waits for the end of the binding, then takes the place."""
    runner = make_runner(cluster)
    runner.run(cluster.world, 0.0)
    assert gate.reached.wait(SOON)
    urgent = make_pod("urgent", gpus=4, labels={**VISION, PRIORITY_CLASS: "build"})
    cluster.add(urgent)
    opener = threading.Timer(0.2, gate.open)
    opener.start()

    runner.run(cluster.world)
    opener.join()

    calls = [call for call in cluster.calls if call[0] in ("bind", "delete")]
    assert calls == [("bind", "slow"), ("delete", "slow")]
    assert cluster.placed() == {"slow": "n1"}, "it was there before it had to go"


def test_a_stop_begins_no_more_bindings_and_records_what_it_knows(
    make_runner: Any, cluster: FakeCluster
) -> None:
    pods = [make_pod(f"p-{number:02}", gpus=0, labels=VISION) for number in range(40)]
    cluster.add(*pods)
    gate = Gate(cluster, "slow", *(pod["metadata"]["name"] for pod in pods))
    runner = make_runner(cluster)
    runner.run(cluster.world, 0.0)
    assert gate.reached.wait(SOON)
    opener = threading.Timer(0.2, gate.open)
    opener.start()

    runner.close()
    opener.join()

    placed = cluster.placed()
    assert 0 < len(placed) < 41
    done = Decision.objects.filter(outcome=Outcome.DONE).values_list("gang", flat=True)
    assert set(done) == set(placed)
    assert Decision.objects.filter(outcome=Outcome.INTENDED).count() == 41 - len(placed)
