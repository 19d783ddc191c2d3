"""From submission to its end: what the rows say of what the cluster holds."""

import copy
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from cluster import clock
from cluster.documents import format_time
from cluster.kinds import JOBS, PODS, TRAINING_WORKLOADS
from tests.conftest import Acme
from tests.workloads.factories import make_workload
from tests.workloads.fake_cluster import FakeCluster
from workloads.controller import WorkloadController
from workloads.heard_events import HeardEvents
from workloads.models import DesiredPhase, Workload, WorkloadPod
from workloads.objects import ObjectsByWorkload
from workloads.phases import Phase
from workloads.services import delete_workload, run_workload, stop_workload

Look = Callable[[object], None]


@pytest.fixture
def training(
    acme: Acme, ada: User, cluster: FakeCluster, reconcile: Look, django_capture_on_commit_callbacks: Callable
) -> Workload:
    """Submitted by ada, sent, and looked at once: its Job exists."""
    with django_capture_on_commit_callbacks(execute=True):
        workload = make_workload(project=acme.vision, by=ada, gpus=2, nodePools=["h100"])
    reconcile(workload.pk)
    return fresh(workload)


def fresh(workload: Workload) -> Workload:
    return Workload.objects.get(pk=workload.pk)


def stamp(seconds: float = 0) -> str:
    return format_time(clock.now() + timedelta(seconds=seconds))


def test_a_submission_becomes_a_custom_resource_and_a_job(training: Workload, cluster: FakeCluster) -> None:
    resource, job = cluster.one(TRAINING_WORKLOADS, "train-1"), cluster.one(JOBS, "train-1")
    pod = job["spec"]["template"]["spec"]

    assert training.is_sent
    assert training.cr_uid == resource["metadata"]["uid"]
    assert job["metadata"]["ownerReferences"][0]["uid"] == training.cr_uid
    assert job["metadata"]["ownerReferences"][0]["controller"] is True
    assert pod["schedulerName"] == "runai-scheduler"
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert resource["status"]["phase"] == training.phase == Phase.CREATING


def test_the_reason_of_the_scheduler_reaches_the_row(
    training: Workload, cluster: FakeCluster, reconcile: Look
) -> None:
    refusal = {
        "code": "Fragmented",
        "message": "It needs 2 GPUs on one h100 node. The most free is 1.",
        "ahead": 2,
    }
    cluster.refuse(cluster.start_pod("train-1"), "Fragmented", refusal["message"], json.dumps(refusal))
    reconcile(training.pk)

    row = fresh(training)
    assert (row.phase, row.reason, row.message) == (Phase.PENDING, "Fragmented", refusal["message"])
    assert row.refusal == refusal
    assert cluster.one(TRAINING_WORKLOADS, "train-1")["status"]["message"] == refusal["message"]


def test_a_life_without_trouble(training: Workload, cluster: FakeCluster, reconcile: Look) -> None:
    pod = cluster.start_pod("train-1")
    reconcile(training.pk)
    assert fresh(training).phase == Phase.PENDING

    cluster.bind(pod, "h100-01", stamp())
    reconcile(training.pk)
    row = fresh(training)
    assert (row.phase, row.allocated_gpu_milli, row.current_pool) == (Phase.INITIALIZING, 2000, "h100")

    cluster.run(pod, stamp())
    reconcile(training.pk)
    row = fresh(training)
    assert (row.phase, row.running_pods) == (Phase.RUNNING, 1)
    assert row.started_at is not None

    cluster.end(pod, stamp())
    cluster.end_job("train-1", "Complete", stamp())
    reconcile(training.pk)
    row = fresh(training)
    assert (row.phase, row.allocated_gpu_milli, row.running_pods) == (Phase.COMPLETED, 0, 0)
    assert row.completed_at is not None
    spans = list(row.spans.values_list("phase", "gpu_milli"))
    assert spans == [
        ("Creating", 0),
        ("Pending", 0),
        ("Initializing", 2000),
        ("Running", 2000),
        ("Completed", 0),
    ]


def test_between_the_end_of_its_pod_and_of_its_job_it_does_not_seem_to_wait_again(
    training: Workload, cluster: FakeCluster, reconcile: Look
) -> None:
    pod = cluster.start_pod("train-1")
    cluster.bind(pod, "h100-01", stamp())
    cluster.run(pod, stamp())
    reconcile(training.pk)
    cluster.end(pod, stamp())
    reconcile(training.pk)
    assert fresh(training).phase == Phase.RUNNING

    cluster.end_job("train-1", "Complete", stamp())
    reconcile(training.pk)
    assert "Pending" not in list(training.spans.values_list("phase", flat=True))[2:]


def test_a_failed_try_waits_for_the_next_one(
    training: Workload, cluster: FakeCluster, reconcile: Look
) -> None:
    pod = cluster.start_pod("train-1")
    cluster.bind(pod, "h100-01", stamp())
    cluster.end(pod, stamp(), exit_code=137, reason="OOMKilled")
    reconcile(training.pk)

    row = fresh(training)
    assert (row.phase, row.reason) == (Phase.PENDING, "BackOff")
    assert (
        row.message == "Try 1 of 7 failed: Out of memory, exit code 137. The next one starts after a pause."
    )


def test_phases_that_passed_between_two_looks_are_put_in_from_the_stamps(
    training: Workload, cluster: FakeCluster, reconcile: Look
) -> None:
    start = training.created_at
    pod = cluster.start_pod("train-1")
    pod["metadata"]["creationTimestamp"] = format_time(start + timedelta(seconds=1))
    cluster.bind(pod, "h100-01", format_time(start + timedelta(seconds=2)))
    cluster.run(pod, format_time(start + timedelta(seconds=3)))
    Workload.objects.filter(pk=training.pk).update(phase_since=start)
    training.spans.update(started_at=start)
    cluster.end(pod, format_time(start + timedelta(seconds=63)))
    cluster.end_job("train-1", "Complete", format_time(start + timedelta(seconds=63)))
    with frozen_clock(start + timedelta(seconds=70)):
        reconcile(training.pk)

    row = fresh(training)
    assert [span.phase for span in row.spans.all()] == [
        "Creating",
        "Pending",
        "Initializing",
        "Running",
        "Completed",
    ]
    assert row.running_seconds == pytest.approx(60, abs=1)
    assert all(span.gpu_milli == 2000 for span in row.spans.filter(phase__in=["Initializing", "Running"]))


def test_stopping_suspends_the_job_and_running_again_goes_on(
    training: Workload,
    ada: User,
    cluster: FakeCluster,
    reconcile: Look,
    django_capture_on_commit_callbacks: Callable,
) -> None:
    pod = cluster.start_pod("train-1")
    cluster.bind(pod, "h100-01", stamp())
    cluster.run(pod, stamp())
    reconcile(training.pk)

    with django_capture_on_commit_callbacks(execute=True):
        stop_workload(person=ada, workload=training)
    reconcile(training.pk)
    assert cluster.one(JOBS, "train-1")["spec"]["suspend"] is True
    assert (fresh(training).phase, fresh(training).message) == (Phase.SUSPENDING, "1 pod left.")

    cluster.delete(PODS, "train-1-0", "runai-vision")
    reconcile(training.pk)
    row = fresh(training)
    assert (row.phase, row.message) == (Phase.STOPPED, "Stopped by ada@acme.test.")
    assert WorkloadPod.objects.get(name="train-1-0").gone_at is not None

    with django_capture_on_commit_callbacks(execute=True):
        run_workload(person=ada, workload=row)
    reconcile(training.pk)
    assert cluster.one(JOBS, "train-1")["spec"]["suspend"] is False
    assert fresh(training).phase == Phase.RESUMING


def test_a_finished_training_runs_again_from_its_start(
    training: Workload,
    ada: User,
    cluster: FakeCluster,
    reconcile: Look,
    django_capture_on_commit_callbacks: Callable,
) -> None:
    pod = cluster.start_pod("train-1")
    cluster.bind(pod, "h100-01", stamp())
    cluster.end(pod, stamp(), exit_code=1)
    cluster.end_job("train-1", "Failed", stamp(), "BackoffLimitExceeded")
    reconcile(training.pk)
    row = fresh(training)
    assert row.phase == Phase.FAILED
    assert row.message == "Exit code 1, 1 failed try, 7 allowed."
    first_job = cluster.one(JOBS, "train-1")["metadata"]["uid"]

    with django_capture_on_commit_callbacks(execute=True):
        run_workload(person=ada, workload=row)
    reconcile(training.pk)
    job = cluster.one(JOBS, "train-1")
    assert job["metadata"]["uid"] != first_job
    assert job["metadata"]["labels"]["runai.io/attempt"] == "2"
    row = fresh(training)
    assert (row.phase, row.attempt, row.completed_at) == (Phase.RESUMING, 2, None)


def test_deleting_takes_everything_out_of_the_cluster_and_frees_the_name(
    training: Workload,
    acme: Acme,
    ada: User,
    cluster: FakeCluster,
    reconcile: Look,
    django_capture_on_commit_callbacks: Callable,
) -> None:
    cluster.start_pod("train-1")
    with django_capture_on_commit_callbacks(execute=True):
        delete_workload(person=ada, workload=training)
    assert fresh(training).phase == Phase.DELETING
    reconcile(training.pk)

    assert not cluster.objects
    assert fresh(training).deleted_at is not None
    assert not training.spans.filter(ended_at__isnull=True).exists()
    make_workload(project=acme.vision, by=ada)  # the name is free again


def test_a_custom_resource_deleted_with_kubectl_takes_the_row_along(
    training: Workload, cluster: FakeCluster, reconcile: Look
) -> None:
    cluster.delete(TRAINING_WORKLOADS, "train-1", "runai-vision")
    reconcile(training.pk)

    row = fresh(training)
    assert row.desired_phase == DesiredPhase.DELETED
    assert row.deleted_at is not None


def test_a_custom_resource_suspended_with_kubectl_stops_the_row(
    training: Workload, cluster: FakeCluster, reconcile: Look
) -> None:
    cluster.merge_patch(
        TRAINING_WORKLOADS, "train-1", {"spec": {"suspend": {"value": True}}}, namespace="runai-vision"
    )
    reconcile(training.pk)

    row = fresh(training)
    assert (row.phase, row.message) == (Phase.STOPPED, "Stopped in the cluster.")
    assert cluster.one(JOBS, "train-1")["spec"]["suspend"] is True


def test_the_same_state_again_changes_nothing(
    training: Workload, cluster: FakeCluster, reconcile: Look
) -> None:
    pod = cluster.start_pod("train-1")
    cluster.bind(pod, "h100-01", stamp())
    cluster.run(pod, stamp())
    reconcile(training.pk)
    before, events = fresh(training), list(training.events.values_list("pk", "count"))
    cluster.calls.clear()
    reconcile(training.pk)

    after = fresh(training)
    assert (after.updated_at, after.phase_since) == (before.updated_at, before.phase_since)
    assert list(training.events.values_list("pk", "count")) == events
    assert not [call for call in cluster.calls if call[0] in ("create", "patch", "delete")]


def test_a_job_of_that_name_that_is_not_ours_is_a_conflict_people_see(
    acme: Acme, ada: User, cluster: FakeCluster, reconcile: Look, django_capture_on_commit_callbacks: Callable
) -> None:
    foreign = {"metadata": {"name": "train-1", "namespace": "runai-vision"}, "spec": {}}
    cluster.create(JOBS, foreign)
    with django_capture_on_commit_callbacks(execute=True):
        workload = make_workload(project=acme.vision, by=ada)
    reconcile(workload.pk)

    status = cluster.one(TRAINING_WORKLOADS, "train-1")["status"]
    assert "is not this workload's" in status["message"]
    assert "is not this workload's" in fresh(workload).message


def test_the_log_of_an_ended_pod_is_kept(training: Workload, cluster: FakeCluster, reconcile: Look) -> None:
    pod = cluster.start_pod("train-1")
    cluster.logs_of["train-1-0"] = "epoch 1\nepoch 2\n"
    cluster.bind(pod, "h100-01", stamp())
    cluster.end(pod, stamp())
    reconcile(training.pk)
    cluster.delete(PODS, "train-1-0", "runai-vision")
    reconcile(training.pk)

    row = WorkloadPod.objects.get(name="train-1-0")
    assert (row.log_kept, row.log_tail) == (True, "epoch 1\nepoch 2\n")


def frozen_clock(moment):
    from unittest.mock import patch

    return patch("cluster.clock.now", return_value=moment)


def test_what_the_cluster_tells_is_copied_once_and_counted(training: Workload, cluster: FakeCluster) -> None:
    objects = ObjectsByWorkload()
    pod = cluster.start_pod("train-1")
    heard = HeardEvents(objects)
    event = {
        "metadata": {"name": "e", "namespace": "runai-vision"},
        "regarding": {"kind": "Pod", "name": "train-1-0", "uid": pod["metadata"]["uid"]},
        "reason": "FailedScheduling",
        "note": "It needs 2 GPUs.",
        "type": "Warning",
        "eventTime": stamp(1),
        "reportingController": "runai-scheduler",
    }
    heard.take("ADDED", event, None)
    heard.record()  # the pod is not known yet
    assert not training.events.filter(reason="FailedScheduling").exists()

    objects.take(PODS, pod, None)
    heard.record()
    heard.take("MODIFIED", event | {"series": {"count": 4, "lastObservedTime": stamp(9)}}, event)
    heard.take("ADDED", event, None)  # an old copy, as after a restart, changes nothing
    heard.record()

    row = training.events.get(reason="FailedScheduling")
    assert (row.kind, row.count, row.source, row.about) == ("Warning", 4, "runai-scheduler", "Pod/train-1-0")


def test_a_pod_that_is_taken_back_is_told_until_it_runs_again(
    training: Workload, cluster: FakeCluster, reconcile: Look
) -> None:
    pod = cluster.start_pod("train-1")
    cluster.bind(pod, "h100-01", stamp())
    cluster.run(pod, stamp())
    reconcile(training.pk)
    note = {"at": stamp(), "action": "reclaim", "message": "Taken back for speech, below its quota."}
    pod["metadata"]["annotations"] |= {"runai.io/eviction": json.dumps(note)}
    reconcile(training.pk)
    assert fresh(training).lost_place is None, "a disruption budget may keep it yet"
    pod["metadata"]["deletionTimestamp"] = stamp()
    reconcile(training.pk)
    row = fresh(training)
    assert row.lost_place == note | {"pod": "train-1-0"}
    assert training.events.get(reason="Interrupted").message == note["message"]

    cluster.delete(PODS, "train-1-0", "runai-vision")
    again = cluster.start_pod("train-1", 1)
    reconcile(training.pk)
    assert fresh(training).phase == Phase.PENDING
    cluster.bind(again, "h100-02", stamp())
    cluster.run(again, stamp())
    reconcile(training.pk)
    row = fresh(training)
    assert (row.phase, row.lost_place) == (Phase.RUNNING, None)


def test_the_last_of_several_losses_is_told_and_each_once(
    training: Workload, cluster: FakeCluster, reconcile: Look
) -> None:
    first, second = stamp(1), stamp(2)

    def lose(index: int, at: str, message: str) -> None:
        pod = cluster.start_pod("train-1", index)
        note = json.dumps({"at": at, "message": message})
        pod["metadata"]["annotations"] |= {"runai.io/eviction": note}
        pod["metadata"]["deletionTimestamp"] = at
        reconcile(training.pk)

    lose(1, first, "vision held 8 GPUs, its fair share was 5 GPUs.")
    lose(2, second, "vision held 5 GPUs, its fair share was 4 GPUs.")
    lose(0, first, "vision held 8 GPUs, its fair share was 5 GPUs.")  # seen late
    reconcile(training.pk)

    assert fresh(training).lost_place["message"].startswith("vision held 5 GPUs")
    told = training.events.filter(reason="Interrupted")
    assert sorted(told.values_list("message", "count")) == [
        ("vision held 5 GPUs, its fair share was 4 GPUs.", 1),
        ("vision held 8 GPUs, its fair share was 5 GPUs.", 1),
    ]


def test_a_resync_looks_only_at_what_is_not_settled(
    training: Workload, acme: Acme, cluster: FakeCluster
) -> None:
    one = WorkloadController(str(acme.cluster.pk), cluster)  # type: ignore[arg-type]  # the fake stands in
    for kind in (TRAINING_WORKLOADS, JOBS):
        for document in cluster.list(kind).items:
            one.objects.take(kind, document, None)
    one.resync()
    assert one.queue.take(0) == str(training.pk)
    one.reconcile(str(training.pk))
    one.queue.done(str(training.pk))

    one.resync()
    assert one.queue.take(0) is None

    pod = cluster.start_pod("train-1")
    one.objects.take(PODS, pod, None)  # a change whose message was lost
    one.resync()
    assert one.queue.take(0) == str(training.pk)


def test_the_echo_of_our_own_status_is_no_news_but_what_came_meanwhile_is(
    training: Workload, acme: Acme, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = WorkloadController(str(acme.cluster.pk), cluster)  # type: ignore[arg-type]  # the fake stands in
    pod = cluster.start_pod("train-1")
    for kind in (TRAINING_WORKLOADS, JOBS, PODS):
        for document in cluster.list(kind).items:
            one.objects.take(kind, document, None)
    real = cluster.merge_patch

    def a_pod_changes_meanwhile(*args: Any, **kwargs: Any) -> Any:
        changed = copy.deepcopy(pod)
        changed["metadata"]["resourceVersion"] = "later"
        cluster.bind(changed, "h100-01", stamp())
        one.objects.take(PODS, changed, None)
        return real(*args, **kwargs)

    monkeypatch.setattr(cluster, "merge_patch", a_pod_changes_meanwhile)
    one.reconcile(str(training.pk))
    assert fresh(training).phase == Phase.PENDING
    monkeypatch.setattr(cluster, "merge_patch", real)
    one.reconcile(str(training.pk))
    assert fresh(training).phase == Phase.INITIALIZING

    cluster.calls.clear()
    one.objects.take(TRAINING_WORKLOADS, cluster.one(TRAINING_WORKLOADS, "train-1"), None)
    one.reconcile(str(training.pk))
    assert cluster.calls == []
