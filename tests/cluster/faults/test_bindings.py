"""The scheduler's bindings under every fault, on both servers: each pod gets its node once, and the executor knows it."""

import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.client import ClusterClient
from cluster.events import EventRecorder
from cluster.kinds import PODS
from scheduling.announcing import Announcer
from scheduling.assumptions import Assumptions
from scheduling.executor import Binding, Executor
from scheduling.pod_facts import Alike, read_pod
from tests.cluster.faults.proxy import Fault, FaultyProxy, Request
from tests.cluster.faults.test_requests import FAULTS, pod
from tests.cluster.servers import ClusterApi

NOW = datetime(2030, 1, 1, tzinfo=UTC)
A_PAGE = Fault("a page of something in between", garbage=b"<html>please sign in</html>")


class Setup:
    """An executor behind the faulty proxy, and pods for it to bind."""

    def __init__(self, client: ClusterClient, api: ClusterApi) -> None:
        self.assumptions = Assumptions()
        self._api = api
        self._announcer = Announcer(EventRecorder(client, controller="tester", instance="one"))
        self._executor = Executor(client, self.assumptions, self._announcer)

    def close(self) -> None:
        self._executor.close()
        self._announcer.close()

    def bindings(self, count: int) -> list[Binding]:
        made = [self._api.client.create(PODS, pod(self._api)) for _ in range(count)]
        return [Binding(read_pod(one, Alike()), f"node-{number}") for number, one in enumerate(made)]

    def bind(self, bindings: list[Binding], leading: Callable[[], bool] = lambda: True) -> Any:
        batch = self._executor.bind(bindings, leading=leading, now=NOW)
        assert batch.wait(60)
        return batch.outcomes

    def nodes(self, bindings: list[Binding]) -> list[str | None]:
        stored = (self._api.client.get(PODS, one.pod.name, self._api.namespace) for one in bindings)
        return [one["spec"].get("nodeName") for one in stored]


@pytest.fixture
def setup(client: ClusterClient, cluster_api: ClusterApi) -> Iterator[Setup]:
    made = Setup(client, cluster_api)
    yield made
    made.close()


@pytest.mark.parametrize("fault", [*FAULTS, A_PAGE], ids=str)
def test_the_first_try_of_each_fails_and_all_are_bound_once(
    proxy: FaultyProxy, setup: Setup, fault: Fault
) -> None:
    bindings = setup.bindings(3)
    struck: set[str] = set()
    lock = threading.Lock()

    def plan(asked: Request) -> Fault | None:
        with lock:
            if not asked.path.endswith("/binding") or asked.path in struck:
                return None
            struck.add(asked.path)
            return fault

    proxy.plan = plan
    outcomes = setup.bind(bindings)

    assert outcomes.done == {one.pod.uid for one in bindings}
    assert setup.nodes(bindings) == ["node-0", "node-1", "node-2"]


def test_among_many_any_mixture_of_faults(proxy: FaultyProxy, setup: Setup) -> None:
    bindings = setup.bindings(60)
    dice = random.Random(7)
    left = [dice.choice(FAULTS) for _ in range(25)]
    lock = threading.Lock()

    def plan(asked: Request) -> Fault | None:
        with lock:
            return left.pop() if left and asked.path.endswith("/binding") and dice.random() < 0.5 else None

    proxy.plan = plan
    outcomes = setup.bind(bindings)

    assert outcomes.done == {one.pod.uid for one in bindings}
    assert setup.nodes(bindings) == [one.node for one in bindings]


def test_who_is_refused_is_told_why_and_the_place_is_free_again(
    proxy: FaultyProxy, setup: Setup, cluster_api: ClusterApi
) -> None:
    bindings = setup.bindings(3)
    taken = bindings[1].pod
    cluster_api.client.bind(taken.namespace, taken.name, uid=taken.uid, node="somewhere-else")

    outcomes = setup.bind(bindings)

    assert outcomes.done == {bindings[0].pod.uid, bindings[2].pod.uid}
    assert "already assigned" in outcomes.failed[taken.uid]
    assert setup.nodes(bindings) == ["node-0", "somewhere-else", "node-2"]


def test_nothing_is_sent_once_the_lease_is_lost(proxy: FaultyProxy, setup: Setup) -> None:
    bindings = setup.bindings(5)
    outcomes = setup.bind(bindings, leading=lambda: False)

    assert outcomes.skipped == {one.pod.uid for one in bindings}
    assert proxy.count("POST", "/binding") == 0
    assert setup.nodes(bindings) == [None] * 5
