"""While a cluster is silent its workloads are unknown; when it answers again nothing of their time is lost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from organization.models import ClusterState
from tests.conftest import Acme
from tests.workloads.factories import make_workload
from tests.workloads.fake_cluster import FakeCluster
from tests.workloads.test_life_of_a_training import Look, fresh, stamp
from workloads.controller import DEAF_SECONDS, WorkloadController
from workloads.models import Workload
from workloads.phases import Phase
from workloads.silence import mark_unknown


@pytest.fixture
def running(
    acme: Acme,
    ada: User,
    cluster: FakeCluster,
    reconcile: Look,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> Workload:
    with django_capture_on_commit_callbacks(execute=True):
        workload = make_workload(project=acme.vision, by=ada, nodePools=["h100"])
    reconcile(workload.pk)
    pod = cluster.start_pod("train-1")
    cluster.bind(pod, "h100-01", stamp())
    cluster.run(pod, stamp())
    reconcile(workload.pk)
    return fresh(workload)


def silence(acme: Acme) -> None:
    acme.cluster.state = ClusterState.DISCONNECTED
    acme.cluster.last_seen_at = timezone.now() - timedelta(minutes=3)
    acme.cluster.save()


def test_what_runs_in_a_silent_cluster_is_unknown_and_says_since_when(running: Workload, acme: Acme) -> None:
    assert mark_unknown() == 0
    silence(acme)

    assert mark_unknown() == 1
    row = fresh(running)
    assert row.phase == Phase.UNKNOWN
    assert f"The cluster {acme.cluster.name} has not answered since" in row.message
    assert mark_unknown() == 0, "once"


def test_what_was_never_sent_is_known_all_the_same(acme: Acme, ada: User) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    silence(acme)

    assert mark_unknown() == 0
    assert fresh(workload).phase == Phase.CREATING


def test_when_it_answers_again_the_time_between_counts_as_what_it_was(
    running: Workload, acme: Acme, reconcile: Look
) -> None:
    silence(acme)
    mark_unknown()
    unknown_since = fresh(running).phase_since
    reconcile(running.pk)

    row = fresh(running)
    assert row.phase == Phase.RUNNING
    assert row.phase_since == unknown_since
    (unknown,) = row.spans.filter(phase="Unknown")
    assert unknown.started_at == unknown.ended_at


def test_nothing_is_concluded_from_what_was_heard_before_the_silence(
    running: Workload, acme: Acme, cluster: FakeCluster
) -> None:
    silence(acme)
    mark_unknown()
    controller = WorkloadController(str(acme.cluster.pk), cluster)  # type: ignore[arg-type]  # never started: it hears nothing

    assert controller._try(str(running.pk))
    assert fresh(running).phase == Phase.UNKNOWN
    assert controller.queue.take(DEAF_SECONDS + 5) == str(running.pk), "it is looked at again"
