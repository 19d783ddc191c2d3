"""The fake cluster of these tests, where every client of every cluster leads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.conftest import Acme
from tests.workloads.fake_cluster import FakeCluster
from workloads import controller, launcher, pod_logs
from workloads.controller import WorkloadController, _watched_kinds

# tests never depend on the speed of the machine
hypothesis_settings.register_profile(
    "patient", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("patient")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    fake = FakeCluster()
    for module in (launcher, pod_logs):
        monkeypatch.setattr(module, "client_of", lambda _: fake)
    return fake


@pytest.fixture
def reconcile(cluster: FakeCluster, acme: Acme) -> Callable[[object], None]:
    """One look at a workload with the watches up to date, as the controller's thread does it."""

    def look(workload_id: object) -> None:
        one = WorkloadController(str(acme.cluster.pk), cluster)  # type: ignore[arg-type]  # the fake stands in
        for _ in range(2):  # the second look sees what the first one made
            one.objects = controller.ObjectsByWorkload()
            for kind in _watched_kinds():
                for document in cluster.list(kind).items:
                    one.objects.take(kind, document, None)
            one.reconcile(str(workload_id))

    return look


@pytest.fixture(autouse=True)
def static_folder(settings: Any) -> None:
    """WhiteNoise warns when it is missing, and warnings are errors."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
