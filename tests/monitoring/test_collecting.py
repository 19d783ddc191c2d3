"""What is written when a cluster is read: sums that agree, and unknown where nothing was measured."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitoring.collecting import collect, collect_if_due
from monitoring.models import Collection, Device, FiveMinuteSample, HourSample, MinuteSample, NodeUse, Series
from monitoring.recording import minute_of
from tests.conftest import Acme
from tests.monitoring.cluster_pages import PagesOfACluster, eight_free, h100
from tests.monitoring.conftest import NOON, held, make_workload
from tests.scheduling.documents import make_pod
from workloads.models import WorkloadPod

pytestmark = pytest.mark.django_db


def value(metric: str, **labels: Any) -> float | None:
    """The sample of one series at NOON; None when there is none."""
    filters = {"pool": "", "project": None, "workload": None, "node": "", "gpu": "", **labels}
    found = MinuteSample.objects.filter(
        time=minute_of(NOON), series__metric=metric, **{f"series__{key}": one for key, one in filters.items()}
    )
    return found.get().value if found else None


def test_sums_agree_with_what_pods_hold(acme: Acme, pages: Any, vision_workload: uuid.UUID) -> None:
    collect(acme.cluster, pages, at=NOON, last=None)

    assert value("TOTAL_GPU", pool="h100") == 16
    assert value("ALLOCATED_GPU", pool="h100", project=acme.vision) == 2
    assert value("ALLOCATED_GPU", pool="h100", project=acme.speech) == 1
    assert value("ALLOCATED_GPU", pool="h100") == 1, "outside of projects"
    assert value("UTILIZED_GPU", pool="h100", project=acme.vision) == pytest.approx(1.4)
    assert value("IDLE_ALLOCATED_GPU", pool="h100", project=acme.speech) == 1
    assert value("GPU_UTILIZATION", workload=vision_workload) == pytest.approx(70)
    assert value("GPU_MEMORY_USAGE_BYTES", workload=vision_workload) == 2 * 40_960 * 2**20


def test_writing_the_same_moment_twice_changes_nothing(acme: Acme, pages: Any) -> None:
    collect(acme.cluster, pages, at=NOON, last=None)
    before = [
        list(table.objects.order_by("pk").values())
        for table in (MinuteSample, FiveMinuteSample, HourSample, Series)
    ]

    collect(acme.cluster, pages, at=NOON, last=None)

    after = [
        list(table.objects.order_by("pk").values())
        for table in (MinuteSample, FiveMinuteSample, HourSample, Series)
    ]
    assert after == before


def test_a_missing_exporter_gives_gaps_never_zero(acme: Acme) -> None:
    pods = [make_pod("train-0", gpus=2, node="h100-01", phase="Running")]
    pages = PagesOfACluster([h100("h100-01"), h100("h100-02")], pods, gpus={"h100-02": eight_free()})

    collect(acme.cluster, pages, at=NOON, last=None)

    assert value("ALLOCATED_GPU", pool="h100", project=acme.vision) == 2
    assert value("UTILIZED_GPU", pool="h100", project=acme.vision) is None
    assert value("GPU_UTILIZATION", pool="h100", node="h100-01") is None
    assert value("GPU_UTILIZATION", pool="h100", node="h100-02") == 0
    assert Device.objects.get(node="h100-01", index=0).utilisation is None
    assert Collection.objects.get().nodes_without_exporter == ["h100-01"]


def test_an_exporter_that_does_not_answer_is_named_with_its_reason(acme: Acme) -> None:
    pages = PagesOfACluster(
        [h100("h100-01"), h100("h100-02")], gpus={"h100-02": eight_free()}, broken=("h100-01",)
    )

    collect(acme.cluster, pages, at=NOON, last=None)

    unread = Collection.objects.get().nodes_unread
    assert "does not answer" in unread["h100-01"]
    assert value("GPU_UTILIZATION", pool="h100", node="h100-02") == 0


def test_what_is_no_longer_held_counts_as_nothing(acme: Acme, pages: Any) -> None:
    collect(acme.cluster, pages, at=NOON - timedelta(minutes=1), last=None)
    pages.pods = []
    for gpus in pages.gpus.values():
        for gpu in gpus:
            gpu.pop("pod", None)

    collect(acme.cluster, pages, at=NOON, last=NOON - timedelta(minutes=1))

    assert value("ALLOCATED_GPU", pool="h100", project=acme.vision) == 0
    assert value("UTILIZED_GPU", pool="h100", project=acme.vision) == 0


def test_an_idle_gpu_is_idle_since_it_was_first_seen_so(acme: Acme, pages: Any) -> None:
    for minutes in (3, 2, 1):
        collect(acme.cluster, pages, at=NOON - timedelta(minutes=minutes), last=None)
    device = Device.objects.get(node="h100-01", index=2)
    assert device.idle_since == NOON - timedelta(minutes=3)
    assert device.project == acme.speech

    pages.gpus["h100-01"][2] = held("runai-speech/talk-0", 90)
    collect(acme.cluster, pages, at=NOON, last=None)
    device.refresh_from_db()
    assert device.idle_since is None


def test_nodes_that_are_gone_are_forgotten(acme: Acme, pages: Any) -> None:
    collect(acme.cluster, pages, at=NOON - timedelta(minutes=1), last=None)
    pages.nodes, pages.pods = pages.nodes[:1], pages.pods[:2]
    pages.gpus.pop("h100-02")

    collect(acme.cluster, pages, at=NOON, last=None)

    assert set(NodeUse.objects.values_list("node", flat=True)) == {"h100-01"}
    assert Device.objects.count() == 8


def test_cpu_use_is_the_rate_between_two_readings(acme: Acme, pages: Any) -> None:
    def page(seconds: float, stamp: int) -> str:
        return (
            f"node_cpu_usage_seconds_total {seconds} {stamp}\n"
            f'pod_cpu_usage_seconds_total{{namespace="runai-vision",pod="train-0"}} {seconds / 2} {stamp}\n'
            "node_memory_working_set_bytes 1024\n"
        )

    pages.resources = {"h100-01": page(100, 1_000_000)}
    collect(acme.cluster, pages, at=NOON - timedelta(minutes=1), last=None)
    pages.resources = {"h100-01": page(220, 1_060_000)}
    collect(acme.cluster, pages, at=NOON, last=NOON - timedelta(minutes=1))

    assert value("CPU_USAGE_CORES", node="h100-01") == pytest.approx(2)
    assert NodeUse.objects.get(node="h100-01").cpu_used_milli == 2000
    assert NodeUse.objects.get(node="h100-02").cpu_used_milli is None, "its page was not read"


def test_a_moment_is_taken_once_and_not_before_it_is_due(acme: Acme, pages: Any, noon: Any) -> None:
    assert collect_if_due(acme.cluster, lambda _: pages)
    assert not collect_if_due(acme.cluster, lambda _: pages)
    noon.shift(61)
    assert collect_if_due(acme.cluster, lambda _: pages)


def test_pods_that_come_and_go_are_counted_before_the_interval_is_over(
    acme: Acme, pages: Any, noon: Any
) -> None:
    workload = make_workload("train-1", project=acme.vision, phase="Running")
    assert collect_if_due(acme.cluster, lambda _: pages)
    moment = datetime.now(UTC)
    pod = WorkloadPod.objects.create(
        workload=workload, uid="1", name="train-1-0", phase="Running", holds=True, created_at=moment
    )
    assert not collect_if_due(acme.cluster, lambda _: pages), "not at once: collections rest"
    noon.shift(6)
    assert collect_if_due(acme.cluster, lambda _: pages)
    noon.shift(6)
    assert not collect_if_due(acme.cluster, lambda _: pages)
    pod.holds = False
    pod.save()
    assert collect_if_due(acme.cluster, lambda _: pages)


def test_a_cluster_that_is_away_is_said_and_leaves_a_gap(acme: Acme, pages: Any, noon: Any) -> None:
    pages.away = True

    assert not collect_if_due(acme.cluster, lambda _: pages)

    assert "connection refused" in Collection.objects.get().error
    assert not MinuteSample.objects.exists()
