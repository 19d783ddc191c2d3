"""The scenarios: a queue that waits, a burst, a steady stream; and a large cluster that stands and moves a little."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from cluster.client import ClusterClient
from tests.benchmarks.binding.contenders import Contender, processor_seconds, resident_mib
from tests.benchmarks.binding.installation import cycles_since
from tests.benchmarks.binding.objects import (
    make_nodes,
    make_pods,
    make_pods_steadily,
    remove_pods,
    requests_served,
    wait_until,
)
from tests.benchmarks.binding.observer import Observer

LONGEST_SECONDS = 180.0
QUIET_PER_SECOND = 5.0
"""Requests of a scheduler that has nothing left to do, at most."""


@dataclass(frozen=True)
class Measured:
    """One scenario of one scheduler; times in seconds, `per_second` counted from first to last bound."""

    scenario: str
    scheduler: str
    pods: int
    seconds: float
    p50: float
    p99: float
    processor: float
    """Seconds of processor time of the scheduler's own process."""

    @property
    def per_second(self) -> float:
        return self.pods / self.seconds


def waiting_queue(client: ClusterClient, contender: Contender, pods: int) -> Measured:
    """The pods are there before the scheduler starts: what it can do when it does nothing but place and bind.

    Latencies count from the first binding, since the start of a process says nothing about its speed.
    """
    with Observer(client) as observer:
        created = make_pods(client, "waits", pods, contender.scheduler_name)
        contender.start()
        wait_until(lambda: bool(observer.count(set(created))), 120, f"{contender.name} binds its first pod")
        first, before = min(observer.bound.values()), processor_seconds(contender.processes())
        _until_bound(observer, set(created), contender)
        spent = processor_seconds(contender.processes()) - before
        measured = _measured("queue waits", contender, observer, dict.fromkeys(created, first), spent)
    remove_pods(client)
    return measured


def burst(client: ClusterClient, contender: Contender, pods: int) -> Measured:
    """The scheduler runs; pods are made as fast as eight writers can."""
    with Observer(client) as observer, _processor(contender) as spent:
        created = make_pods(client, "burst", pods, contender.scheduler_name)
        _until_bound(observer, set(created), contender)
        measured = _measured("burst", contender, observer, created, spent())
    remove_pods(client)
    return measured


def steady(client: ClusterClient, contender: Contender, pods: int, *, per_second: float) -> Measured:
    """The scheduler runs; pods are made at an even pace."""
    with Observer(client) as observer, _processor(contender) as spent:
        created = make_pods_steadily(client, "steady", pods, contender.scheduler_name, per_second=per_second)
        _until_bound(observer, set(created), contender)
        measured = _measured(f"steady {per_second:.0f}/s", contender, observer, created, spent())
    remove_pods(client)
    return measured


@dataclass(frozen=True)
class Large:
    """A cluster that stands, then moves a little."""

    pods: int
    binding: Measured
    snapshot_ms: float
    decide_ms: float
    resident_mib: float
    most_mib: float
    idle_requests: float
    """Per second, of the scheduler while nothing happens (what the server asks of itself is taken off)."""
    churn: Measured


def large_cluster(
    client: ClusterClient, contender: Contender, *, nodes: int, pods: int, alone_requests: float
) -> Large:
    """`nodes` more nodes and `pods` bound pods; then pods come at an even pace while snapshots are timed."""
    make_nodes(client, nodes, gpus=8, first=1000)
    with Observer(client) as observer, _processor(contender) as spent:
        created = make_pods(client, "large", pods, contender.scheduler_name)
        _until_bound(observer, set(created), contender)
        binding = _measured("fills", contender, observer, created, spent())
    _until_quiet(client, alone_requests)
    idle = requests_per_second(client, 10) - alone_requests
    since = datetime.now(UTC)
    churn = _churn(client, contender)
    cycles = cycles_since(since)
    now, most = resident_mib(contender.processes()[0])
    return Large(
        pods=pods,
        binding=binding,
        snapshot_ms=median(cycle.read_ms for cycle in cycles),
        decide_ms=median(cycle.decide_ms for cycle in cycles),
        resident_mib=now,
        most_mib=most,
        idle_requests=idle,
        churn=churn,
    )


def _until_quiet(client: ClusterClient, alone_requests: float) -> None:
    """Events are written behind the bindings, slower than these: wait for the last of them."""
    give_up_at = time.monotonic() + LONGEST_SECONDS
    while requests_per_second(client, 2) - alone_requests > QUIET_PER_SECOND:
        if time.monotonic() >= give_up_at:
            raise AssertionError(f"the scheduler is not quiet after {LONGEST_SECONDS:.0f} s")


def _churn(client: ClusterClient, contender: Contender) -> Measured:
    with Observer(client) as observer, _processor(contender) as spent:
        created = make_pods_steadily(client, "churn", 200, contender.scheduler_name, per_second=20)
        _until_bound(observer, set(created), contender)
        measured = _measured("steady 20/s", contender, observer, created, spent())
    time.sleep(1)  # the last cycle is recorded
    return measured


def requests_per_second(client: ClusterClient, seconds: float) -> float:
    """What the API server answers, our own two questions not counted."""
    before, begun = requests_served(client), time.monotonic()
    time.sleep(seconds)
    return (requests_served(client) - before - 1) / (time.monotonic() - begun)


@contextmanager
def _processor(contender: Contender) -> Iterator["_Spent"]:
    yield _Spent(contender)


class _Spent:
    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._before = processor_seconds(contender.processes())

    def __call__(self) -> float:
        return processor_seconds(self._contender.processes()) - self._before


def _until_bound(observer: Observer, uids: set[str], contender: Contender) -> None:
    wait_until(
        lambda: observer.count(uids) == len(uids), LONGEST_SECONDS, f"{contender.name} binds {len(uids)} pods"
    )
    if observer.wrong:
        raise AssertionError(f"pods were bound twice: {observer.wrong[:3]}")


def _measured(
    scenario: str, contender: Contender, observer: Observer, since: dict[str, float], processor: float
) -> Measured:
    moments = [observer.bound[uid] for uid in since]
    late = sorted(max(0.0, observer.bound[uid] - begun) for uid, begun in since.items())
    return Measured(
        scenario,
        contender.name,
        len(moments),
        max(moments) - min(moments),
        late[len(late) // 2],
        late[min(len(late) - 1, int(len(late) * 0.99))],
        processor,
    )
