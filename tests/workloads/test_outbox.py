"""A submission is never lost: what is wanted stays in the row until the cluster knows it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from access.errors import NameTaken, NotAllowed
from access.models import AuditEvent
from cluster.errors import Invalid
from cluster.kinds import JOBS, TRAINING_WORKLOADS
from tests.conftest import Acme
from tests.workloads.factories import make_spec, make_workload
from tests.workloads.fake_cluster import FakeCluster
from workloads import launcher, periodic
from workloads.errors import NotPossibleNow
from workloads.models import DesiredPhase, Workload, WorkloadPod
from workloads.phases import Phase
from workloads.services import delete_workload, free_name, run_workload, stop_workload, submit_workload

Commit = Callable[..., object]


def fresh(workload: Workload) -> Workload:
    return Workload.objects.get(pk=workload.pk)


def wait_is_over(workload: Workload) -> None:
    Workload.objects.filter(pk=workload.pk).update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def test_what_is_submitted_while_the_cluster_is_away_is_sent_later(
    acme: Acme, ada: User, cluster: FakeCluster, django_capture_on_commit_callbacks: Commit
) -> None:
    cluster.away = True
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        workload = make_workload(project=acme.vision, by=ada)
    row = fresh(workload)
    assert not row.is_sent
    assert row.attempts == 1
    assert row.next_attempt_at > timezone.now()
    assert "oslo-1 does not answer" in row.last_error

    periodic.send_due()  # not due yet: nothing is asked
    assert len(cluster.calls) == 1

    cluster.away = False
    wait_is_over(workload)
    periodic.send_due()
    row = fresh(workload)
    assert row.is_sent
    assert (row.attempts, row.last_error) == (0, "")
    assert cluster.has(TRAINING_WORKLOADS, "train-1")


def test_the_pause_between_attempts_doubles_up_to_a_minute(
    acme: Acme, ada: User, cluster: FakeCluster
) -> None:
    cluster.away = True
    workload = make_workload(project=acme.vision, by=ada)
    pauses = []
    for _ in range(8):
        wait_is_over(workload)
        launcher.send_wish(str(workload.pk))
        pauses.append(round((fresh(workload).next_attempt_at - timezone.now()).total_seconds()))

    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


def test_sending_twice_creates_once(acme: Acme, ada: User, cluster: FakeCluster) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    launcher.send_wish(str(workload.pk))
    Workload.objects.filter(pk=workload.pk).update(
        sent_wish=0, cr_uid=""
    )  # as after a crash before it was written down
    launcher.send_wish(str(workload.pk))

    assert [call for call in cluster.calls if call[0] == "create"] == [
        ("create", "TrainingWorkload", "train-1")
    ] * 2
    assert fresh(workload).cr_uid == cluster.one(TRAINING_WORKLOADS, "train-1")["metadata"]["uid"]


def test_two_workers_do_not_send_the_same_wish_at_once(
    acme: Acme, ada: User, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    real = launcher._send

    def send_while_another_tries(row: Workload) -> None:
        launcher.send_wish(str(row.pk))  # the other worker finds it claimed
        real(row)

    monkeypatch.setattr(launcher, "_send", send_while_another_tries)
    launcher.send_wish(str(workload.pk))

    assert [call[0] for call in cluster.calls] == ["create"]


def test_a_wish_that_comes_while_one_is_sent_follows_at_once(
    acme: Acme, ada: User, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    real = launcher._send

    def stopped_meanwhile(row: Workload) -> None:
        monkeypatch.setattr(launcher, "_send", real)
        stop_workload(person=ada, workload=row)
        real(row)

    monkeypatch.setattr(launcher, "_send", stopped_meanwhile)
    launcher.send_wish(str(workload.pk))

    assert fresh(workload).is_sent
    assert cluster.one(TRAINING_WORKLOADS, "train-1")["spec"]["suspend"] == {"value": True}


def test_another_object_of_that_name_is_a_conflict_that_is_shown(
    acme: Acme, ada: User, cluster: FakeCluster
) -> None:
    cluster.create(
        TRAINING_WORKLOADS,
        {"metadata": {"name": "train-1", "namespace": "runai-vision"}, "spec": {"image": {"value": "x"}}},
    )
    workload = make_workload(project=acme.vision, by=ada)
    launcher.send_wish(str(workload.pk))

    row = fresh(workload)
    assert (row.phase, row.reason) == (Phase.FAILED, "NameInUse")
    assert "belongs to another workload" in row.message
    assert row.is_sent  # nothing more is tried


def test_what_the_cluster_refuses_for_good_has_failed_and_says_why(
    acme: Acme, ada: User, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Invalid("spec.image: Too long")

    monkeypatch.setattr(cluster, "create", refuse)
    workload = make_workload(project=acme.vision, by=ada)
    launcher.send_wish(str(workload.pk))

    row = fresh(workload)
    assert (row.phase, row.message) == (Phase.FAILED, "spec.image: Too long")
    assert row.completed_at is not None


def test_a_namesake_in_the_cluster_is_not_deleted(acme: Acme, ada: User, cluster: FakeCluster) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    cluster.create(
        TRAINING_WORKLOADS, {"metadata": {"name": "train-1", "namespace": "runai-vision"}, "spec": {}}
    )
    delete_workload(person=ada, workload=workload)
    launcher.send_wish(str(workload.pk))

    assert cluster.has(TRAINING_WORKLOADS, "train-1")
    assert fresh(workload).is_sent


# --- services by role --------------------------------------------------------------------------------------------------------------


def test_only_those_with_the_right_may(
    acme: Acme, ada: User, ben: User, cyd: User, eve: User, cluster: FakeCluster
) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    for person in (cyd, eve):
        with pytest.raises(NotAllowed):
            submit_workload(submitter=person, project=acme.vision, spec=make_spec("other"))
        for service in (stop_workload, run_workload, delete_workload):
            with pytest.raises(NotAllowed):
                service(person=person, workload=workload)
    assert fresh(workload).desired_phase == DesiredPhase.RUNNING

    stop_workload(person=ben, workload=workload)  # an administrator of the project may stop others' work
    assert fresh(workload).stopped_by == "ben@acme.test"


def test_every_intention_leaves_one_audit_row(acme: Acme, ada: User, cluster: FakeCluster) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    stop_workload(person=ada, workload=workload)
    run_workload(person=ada, workload=workload)
    delete_workload(person=ada, workload=workload)
    delete_workload(person=ada, workload=workload)  # asked twice, done once

    rows = AuditEvent.objects.filter(entity_id=str(workload.pk)).order_by("pk")
    assert [row.action for row in rows] == ["Create", "Stop", "Run", "Delete"]
    assert all(row.actor == ada and row.scope == acme.vision.scope for row in rows)


@pytest.mark.parametrize("phase", [Phase.COMPLETED, Phase.FAILED])
def test_what_is_over_cannot_be_stopped(acme: Acme, ada: User, cluster: FakeCluster, phase: Phase) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    Workload.objects.filter(pk=workload.pk).update(phase=phase)

    with pytest.raises(NotPossibleNow, match="there is nothing to stop"):
        stop_workload(person=ada, workload=workload)


def test_running_work_cannot_be_run_again(acme: Acme, ada: User, cluster: FakeCluster) -> None:
    with pytest.raises(NotPossibleNow, match="only stopped or finished"):
        run_workload(person=ada, workload=make_workload(project=acme.vision, by=ada))


def test_a_name_is_free_in_other_projects_and_after_deletion(
    acme: Acme, ada: User, cyd: User, cluster: FakeCluster
) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    make_workload(project=acme.speech, by=cyd)
    with pytest.raises(NameTaken):
        make_workload(project=acme.vision, by=ada)
    assert free_name(acme.vision, "train-1") == "train-1-2"

    Workload.objects.filter(pk=workload.pk).update(deleted_at=workload.created_at)
    make_workload(project=acme.vision, by=ada)


# --- what beat does ----------------------------------------------------------------------------------------------------------------


def test_finished_work_is_deleted_when_it_said_so(acme: Acme, ada: User, cluster: FakeCluster) -> None:
    soon = make_workload("soon", project=acme.vision, by=ada, autoDeletionTimeAfterCompletionSeconds=0)
    later = make_workload("later", project=acme.vision, by=ada, autoDeletionTimeAfterCompletionSeconds=3600)
    never = make_workload("never", project=acme.vision, by=ada)
    for row in (soon, later, never):
        Workload.objects.filter(pk=row.pk).update(phase=Phase.COMPLETED, completed_at=row.created_at)
    periodic.delete_expired()

    assert [fresh(row).desired_phase for row in (soon, later, never)] == ["Deleted", "Running", "Running"]


def test_the_long_deleted_are_forgotten(acme: Acme, ada: User, cluster: FakeCluster) -> None:
    old, young = (make_workload(name, project=acme.vision, by=ada) for name in ("old", "young"))
    Workload.objects.filter(pk=old.pk).update(deleted_at=old.created_at - timedelta(days=15))
    Workload.objects.filter(pk=young.pk).update(deleted_at=young.created_at - timedelta(days=13))
    periodic.forget_deleted()

    assert list(Workload.objects.values_list("name", flat=True)) == ["young"]


def test_logs_that_nobody_could_keep_are_kept_later(acme: Acme, ada: User, cluster: FakeCluster) -> None:
    workload = make_workload(project=acme.vision, by=ada)
    pod = WorkloadPod.objects.create(
        workload=workload, uid="u", name="train-1-0", phase="Failed", created_at=workload.created_at
    )
    cluster.away = True
    periodic.keep_missed_logs()
    assert not WorkloadPod.objects.get(pk=pod.pk).log_kept

    cluster.away = False
    cluster.logs_of["train-1-0"] = "last words\n"
    periodic.keep_missed_logs()
    assert WorkloadPod.objects.get(pk=pod.pk).log_tail == "last words\n"


def test_jobs_are_made_by_the_controller_alone(acme: Acme, ada: User, cluster: FakeCluster) -> None:
    launcher.send_wish(str(make_workload(project=acme.vision, by=ada).pk))

    assert not cluster.has(JOBS, "train-1")
