"""A runner on a fake cluster for the company of tests/conftest.py."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduling.engine import SchedulerConfig
from scheduling.leadership import Leadership
from scheduling.runner import ClusterRunner
from tests.conftest import Acme
from tests.scheduling.fake_cluster import FakeCluster


class Clock:
    """Product time that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime(2030, 1, 1, 12, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def pass_seconds(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def product_clock() -> Clock:
    return Clock()


@pytest.fixture
def make_runner(acme: Acme, product_clock: Clock) -> Any:
    """`make_runner(cluster, holder="a")`: as one scheduling worker would have it."""
    made: list[ClusterRunner] = []

    def make(
        cluster: FakeCluster,
        holder: str = "first",
        config: SchedulerConfig | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> ClusterRunner:
        timing = {"monotonic": monotonic} if monotonic else {}
        leadership = Leadership(cluster, namespace="runai", holder=holder, **timing)  # type: ignore[arg-type]
        runner = ClusterRunner(
            acme.cluster,
            cluster,  # type: ignore[arg-type]
            leadership=leadership,
            config=config or replace(SchedulerConfig(), max_evictions=20),
            now=product_clock,
        )
        made.append(runner)
        return runner

    yield make
    for runner in made:
        runner.close()
