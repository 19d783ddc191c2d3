"""What beat starts: the outbox, logs that were missed, auto-deletion, and forgetting the long deleted."""

from datetime import timedelta

import structlog
from celery import shared_task
from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from cluster import clock
from cluster.errors import ClusterUnavailable
from workloads import launcher, pod_logs, silence
from workloads.models import DesiredPhase, Workload, WorkloadPod
from workloads.phases import OVER
from workloads.services import delete_workload

log = structlog.get_logger(__name__)
SCHEDULE: dict[str, tuple[float, str, str]] = {
    "send the outbox": (2.0, "workloads.send_due", "cluster"),
    "keep logs that were missed": (30.0, "workloads.keep_missed_logs", "cluster"),
    "delete what asked for it": (10.0, "workloads.delete_expired", "default"),
    "say what nobody knows": (5.0, "workloads.mark_unknown", "default"),
    "forget the long deleted": (3600.0, "workloads.forget_deleted", "default"),
}
AT_ONCE = 200


@shared_task(name="workloads.send_due")
def send_due() -> None:
    """Wishes whose time has come, oldest first."""
    due = Workload.objects.exclude(wish=F("sent_wish")).filter(next_attempt_at__lte=timezone.now())
    for pk in due.order_by("next_attempt_at").values_list("pk", flat=True)[:AT_ONCE]:
        launcher.send_wish(str(pk))


@shared_task(name="workloads.keep_missed_logs")
def keep_missed_logs() -> None:
    """Pods that ended while nobody could keep their log."""
    ended = WorkloadPod.objects.filter(log_kept=False).filter(
        Q(phase__in=["Succeeded", "Failed"]) | Q(gone_at__isnull=False)
    )
    for pk in ended.order_by("-pk").values_list("pk", flat=True)[:AT_ONCE]:
        try:
            pod_logs.keep_log(pk)
        except ClusterUnavailable as error:
            log.info("logs are kept later", error=error.message)
            return


@shared_task(name="workloads.delete_expired")
def delete_expired() -> None:
    """Finished workloads whose submission said how long they stay."""
    now = clock.now()
    over = Workload.objects.filter(
        phase__in=OVER,
        completed_at__isnull=False,
        deleted_at__isnull=True,
        spec__autoDeletionTimeAfterCompletionSeconds__isnull=False,
    ).exclude(desired_phase=DesiredPhase.DELETED)
    for workload in over.select_related("project", "cluster")[:AT_ONCE]:
        seconds = int(workload.spec["autoDeletionTimeAfterCompletionSeconds"])
        if workload.completed_at and workload.completed_at + timedelta(seconds=seconds) <= now:
            delete_workload(
                person=None, workload=workload, why=f"Deleted {seconds} s after its end, as asked."
            )


@shared_task(name="workloads.mark_unknown")
def mark_unknown() -> None:
    """Workloads of clusters that have stopped answering."""
    silence.mark_unknown()


@shared_task(name="workloads.forget_deleted")
def forget_deleted() -> None:
    """Deleted workloads are kept for some days of product time, with their history."""
    before = clock.now() - timedelta(days=settings.DELETED_WORKLOADS_KEPT_DAYS)
    Workload.objects.filter(deleted_at__lt=before).delete()
