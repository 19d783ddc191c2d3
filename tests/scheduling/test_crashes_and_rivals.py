"""Nothing is bound twice and nothing is lost when a scheduler dies, loses its lease or has a rival."""

from dataclasses import replace
from typing import Any

import pytest

from cluster.labels import QUEUE
from scheduling.engine import SchedulerConfig
from scheduling.models import Decision, GangState, Outcome, Verdict
from tests.scheduling.documents import make_node, make_pod
from tests.scheduling.fake_cluster import FakeCluster, Killed

pytestmark = pytest.mark.django_db(transaction=True)
VISION = {QUEUE: "vision"}


class Timer:
    """Real seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def four_pods(gpus: int = 2) -> list[dict[str, Any]]:
    return [make_pod(f"t-{n}", gpus=gpus, labels=VISION) for n in range(4)]


@pytest.mark.parametrize("dies", ["before", "after"])
@pytest.mark.parametrize("after_binds", [1, 2, 3, 4])
def test_killed_between_a_binding_and_its_echo_nothing_is_bound_twice(
    make_runner: Any, dies: str, after_binds: int
) -> None:
    """kill -9 before or after the n-th binding reaches the cluster; another process takes over with what the cluster says."""
    cluster = FakeCluster(nodes=[make_node("n1", gpus=4), make_node("n2", gpus=4)], pods=four_pods())
    count = 0

    def kill(pod: str, node: str) -> None:
        nonlocal count
        count += 1
        if count == after_binds:
            raise Killed

    setattr(cluster, f"{dies}_bind", kill)
    with pytest.raises(Killed):
        make_runner(cluster, "first").run(cluster.world)
    cluster.before_bind = cluster.after_bind = None
    before = cluster.placed()

    timer = Timer()
    heir = make_runner(cluster, "second", monotonic=timer)
    assert heir.run(cluster.world).led == [], "the dead one's lease still holds"
    timer.now += 16
    heir.run(cluster.world)

    placed = cluster.placed()
    assert len(placed) == 4
    assert {pod: placed[pod] for pod in before} == before, "what was bound stays where it is"
    per_node = [list(placed.values()).count(node) for node in ("n1", "n2")]
    assert per_node == [2, 2], "no GPU is given twice"


def test_a_crash_leaves_the_intention_in_the_record(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1")], pods=[make_pod("t", gpus=1, labels=VISION)])

    def kill(pod: str, node: str) -> None:
        raise Killed

    cluster.before_bind = kill
    with pytest.raises(Killed):
        make_runner(cluster).run(cluster.world)

    decision = Decision.objects.get()
    assert (decision.verdict, decision.outcome, decision.node) == (Verdict.BIND, Outcome.INTENDED, "n1")


def test_of_two_runners_one_leads(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1")], pods=four_pods(1))
    first, second = make_runner(cluster, "first"), make_runner(cluster, "second")

    reports = [first.run(cluster.world), second.run(cluster.world)]

    assert [len(report.led) for report in reports] == [3, 0], "three pools, one leader"
    assert sorted(cluster.made("bind")) == ["t-0", "t-1", "t-2", "t-3"]


def test_a_leader_that_slept_past_its_lease_does_nothing_more(make_runner: Any) -> None:
    """SIGSTOP in the middle of a cycle, a rival takes over, SIGCONT: the fencing number stops the old one."""
    cluster = FakeCluster(nodes=[make_node("n1", gpus=8)], pods=four_pods(2))
    sleepy, rival_clock = Timer(), Timer()
    first = make_runner(cluster, "first", monotonic=sleepy)
    second = make_runner(cluster, "second", monotonic=rival_clock)
    second.run(cluster.world)  # takes the leases, then lets them go
    second.close()
    first.run(lambda: replace(cluster.world(), pods=[]))  # leads, with nothing to do yet
    asked = len(cluster.made("bind"))

    def sleep_while_reading() -> Any:
        world = cluster.world()
        sleepy.now += 30
        return world

    third = make_runner(cluster, "third", monotonic=rival_clock)
    third.run(cluster.world)
    rival_clock.now += 20
    first.run(sleep_while_reading)

    assert len(cluster.made("bind")) == asked, "decided under a lease that had run out"


def test_every_taking_of_the_lease_raises_the_number_in_the_decisions(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1")], pods=[make_pod("a", gpus=1, labels=VISION)])
    first = make_runner(cluster, "first")
    first.run(cluster.world)
    first.close()
    cluster.add(make_pod("b", gpus=1, labels=VISION))

    make_runner(cluster, "second").run(cluster.world)

    numbers = list(Decision.objects.order_by("pk").values_list("gang", "lease_transitions"))
    assert numbers == [("a", 1), ("b", 2)]


def test_memory_survives_the_process(make_runner: Any, product_clock: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1")], pods=[make_pod("a", gpus=1, labels=VISION)])
    first = make_runner(cluster, "first")
    first.run(cluster.world)
    first.close()
    started = GangState.objects.get(name="a").last_start
    assert started == product_clock()

    product_clock.pass_seconds(600)
    make_runner(cluster, "second").run(cluster.world)

    state = GangState.objects.get(name="a")
    assert state.last_start == started
    assert state.first_seen == started


@pytest.mark.parametrize(("limit", "evicted"), [(20, 4), (1, 0)])
def test_a_plan_beyond_the_safety_limit_evicts_nobody(make_runner: Any, limit: int, evicted: int) -> None:
    """Vision holds 12 of its 8; speech asks for its 4, which takes four evictions."""
    running = [
        make_pod(f"r-{n}", gpus=1, labels=VISION, node="n1", phase="Running", owner=("Job", "r"))
        for n in range(12)
    ]
    wanted = make_pod("w", namespace="runai-speech", gpus=4, labels={QUEUE: "speech"})
    config = replace(SchedulerConfig(), max_evictions=limit)
    cluster = FakeCluster(nodes=[make_node("n1", gpus=12)], pods=[*running, wanted])

    make_runner(cluster, config=config).run(cluster.world)

    assert len(cluster.made("delete")) == evicted


def test_an_evicted_pod_says_why_and_is_not_evicted_again_before_the_watch_shows_it(make_runner: Any) -> None:
    """Vision holds 12 GPUs of its 8; speech gets some of its own back."""
    running = [
        make_pod(f"r-{n}", gpus=2, labels=VISION, node="n1", phase="Running", owner=("Job", "r"))
        for n in range(6)
    ]
    wanted = make_pod("w", namespace="runai-speech", gpus=2, labels={QUEUE: "speech"})
    cluster = FakeCluster(nodes=[make_node("n1", gpus=12)], pods=[*running, wanted])
    runner = make_runner(cluster)
    cluster.lag()

    runner.run(cluster.world)
    evicted = cluster.made("delete")
    runner.run(cluster.world)

    assert len(evicted) == 1
    assert cluster.made("delete") == evicted
    note = cluster.pod(evicted[0])["metadata"]["annotations"]["runai.io/eviction"]
    assert '"message"' in note
    assert '"at":"' in note, "of several losses the last one is told"
    told = {one["type"]: one["status"] for one in cluster.pod(evicted[0])["status"]["conditions"]}
    assert told["DisruptionTarget"] == "True", "a Job must not count it as a failed try"
    assert '"beneficiary":""' in note, "the other project's work is not named"
    assert Decision.objects.get(verdict=Verdict.EVICT).outcome == Outcome.DONE
