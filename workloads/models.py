"""Tables of what people run: the workload as read model and outbox, its phases, pods and history."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from organization.models import Cluster, Project
from workloads.phases import Phase
from workloads.priorities import Preemptibility

NAME_AT_MOST = 63


class Source(models.TextChoices):
    """Where a workload was submitted."""

    UI = "UI", "Web"
    CLI = "CLI", "Command line"
    API = "API", "API"
    KUBERNETES = "k8s", "Kubernetes"


class DesiredPhase(models.TextChoices):
    """What its people want; the cluster follows."""

    RUNNING = "Running", "Running"
    STOPPED = "Stopped", "Stopped"
    DELETED = "Deleted", "Deleted"


class Workload(models.Model):
    """One workload. Stamps are product time; the outbox's are real time.

    Once accepted by the cluster (`cr_uid`), its custom resource is the truth and the row follows; until then the row is.
    GPUs and CPU in thousandths, memory in bytes, as the sum over its pods.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="workloads")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="workloads")
    name = models.CharField(max_length=NAME_AT_MOST)
    kind = models.CharField(max_length=20, help_text="a key of workloads.kinds")
    spec = models.JSONField(help_text="workloads.spec.WorkloadSpec as JSON, in the shape of the API")
    submitter = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="workloads"
    )
    submitted_by = models.CharField(
        max_length=254, blank=True, default="", help_text="stays when the person goes"
    )
    source = models.CharField(max_length=4, choices=Source.choices, default=Source.UI)
    priority_class = models.CharField(max_length=40)
    preemptibility = models.CharField(
        max_length=20, choices=[(value.value, value.label) for value in Preemptibility]
    )
    node_pools = models.JSONField(default=list, help_text="ordered names of the pools it may go to")
    image = models.CharField(max_length=500, blank=True, default="")

    desired_phase = models.CharField(max_length=8, choices=DesiredPhase.choices, default=DesiredPhase.RUNNING)
    phase = models.CharField(
        max_length=14, choices=[(phase.value, phase.value) for phase in Phase], default=Phase.CREATING
    )
    reason = models.CharField(max_length=80, blank=True, default="")
    message = models.CharField(max_length=1000, blank=True, default="")
    phase_since = models.DateTimeField()
    refusal = models.JSONField(null=True, blank=True, help_text="why it waits, as the scheduler says it")
    interruption = models.JSONField(
        null=True, blank=True, help_text="how its pods were last taken back; `over` once it runs again"
    )
    stopped_by = models.CharField(max_length=254, blank=True, default="")
    attempt = models.PositiveIntegerField(default=1, help_text="raised by running it again from the start")

    requested_gpu_milli = models.PositiveBigIntegerField(default=0)
    requested_cpu_milli = models.PositiveBigIntegerField(default=0)
    requested_memory_bytes = models.PositiveBigIntegerField(default=0)
    requested_pods = models.PositiveIntegerField(default=1)
    running_pods = models.PositiveIntegerField(default=0)
    allocated_gpu_milli = models.PositiveBigIntegerField(default=0)
    allocated_cpu_milli = models.PositiveBigIntegerField(default=0)
    allocated_memory_bytes = models.PositiveBigIntegerField(default=0)
    current_pool = models.CharField(max_length=63, blank=True, default="")

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True, help_text="first time it was Running")
    completed_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField()
    pending_seconds = models.FloatField(default=0, help_text="in ended spans of waiting")
    running_seconds = models.FloatField(default=0, help_text="in ended spans of running")

    cr_uid = models.CharField(
        max_length=64, blank=True, default="", help_text="set once the cluster accepted it"
    )
    cr_generation = models.BigIntegerField(
        default=0, help_text="older copies of the custom resource are stale"
    )
    idempotency_key = models.CharField(max_length=100, null=True, blank=True)
    wish = models.PositiveIntegerField(
        default=1, help_text="counts what was asked: submit, stop, run, delete"
    )
    sent_wish = models.PositiveIntegerField(default=0, help_text="the wish the cluster knows")
    attempts = models.PositiveIntegerField(default=0, help_text="to send the present wish")
    next_attempt_at = models.DateTimeField(default=timezone.now, help_text="real time")
    last_error = models.CharField(max_length=1000, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["-created_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=Q(deleted_at__isnull=True),
                name="one_workload_of_a_name_in_a_project",
            ),
            models.UniqueConstraint(
                fields=["submitter", "idempotency_key"], name="one_workload_of_an_idempotency_key"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "-created_at"], name="workloads_of_a_project"),
            models.Index(fields=["deleted_at", "phase"], name="workloads_in_a_phase"),
            models.Index(fields=["deleted_at", "-created_at"], name="workloads_by_age"),
            models.Index(
                fields=["next_attempt_at"], condition=~Q(wish=F("sent_wish")), name="workloads_to_send"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_sent(self) -> bool:
        """Whether the cluster knows what is wanted."""
        return self.wish == self.sent_wish

    @property
    def lost_place(self) -> dict[str, Any] | None:
        """Why its pods were taken back last; None when they never were, or it has run since."""
        said: dict[str, Any] | None = self.interruption
        return None if said is None or said.get("over") else said

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.phase in {Phase.COMPLETED, Phase.FAILED}


class PhaseSpan(models.Model):
    """One stay in a phase; open while `ended_at` is null. Waits, running times and GPU-hours come from these rows."""

    workload = models.ForeignKey(Workload, on_delete=models.CASCADE, related_name="spans")
    phase = models.CharField(max_length=14)
    reason = models.CharField(max_length=80, blank=True, default="")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    gpu_milli = models.PositiveBigIntegerField(default=0, help_text="held at the end of the span")

    class Meta:
        ordering: ClassVar = ["started_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workload"], condition=Q(ended_at__isnull=True), name="one_open_span_of_a_workload"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                name="spans_do_not_end_before_they_start",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["phase", "started_at"], name="spans_of_a_phase")]

    def __str__(self) -> str:
        return f"{self.workload_id} {self.phase}"


class WorkloadPod(models.Model):
    """One pod a workload has or had; `log_tail` is what it wrote last, kept when the pod goes."""

    workload = models.ForeignKey(Workload, on_delete=models.CASCADE, related_name="pods")
    uid = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=253)
    node = models.CharField(max_length=253, blank=True, default="")
    pool = models.CharField(max_length=63, blank=True, default="")
    phase = models.CharField(max_length=20)
    reason = models.CharField(max_length=80, blank=True, default="")
    message = models.CharField(max_length=1000, blank=True, default="")
    image = models.CharField(max_length=500, blank=True, default="")
    ready = models.BooleanField(default=False)
    holds = models.BooleanField(default=False, help_text="bound to a node and not finished: its GPUs count")
    gpu_milli = models.PositiveBigIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    scheduled_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True, help_text="no longer in the cluster")
    exit_code = models.IntegerField(null=True, blank=True)
    restarts = models.PositiveIntegerField(default=0)
    log_tail = models.TextField(blank=True, default="")
    log_kept = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["created_at", "name"]
        indexes: ClassVar = [
            models.Index(fields=["workload", "created_at"], name="pods_of_a_workload"),
            models.Index(fields=["node"], condition=Q(holds=True), name="pods_that_hold_a_node"),
        ]

    def __str__(self) -> str:
        return self.name


class EventKind(models.TextChoices):
    """As Kubernetes has it."""

    NORMAL = "Normal", "Normal"
    WARNING = "Warning", "Warning"


class WorkloadEvent(models.Model):
    """One line of a workload's history; the same again only raises `count` and moves `last_at`."""

    workload = models.ForeignKey(Workload, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=7, choices=EventKind.choices, default=EventKind.NORMAL)
    reason = models.CharField(max_length=128)
    message = models.CharField(max_length=1024, blank=True, default="")
    source = models.CharField(max_length=128, default="portal", help_text="who says it")
    about = models.CharField(max_length=300, blank=True, default="", help_text="Kind/name of another object")
    fingerprint = models.CharField(max_length=40, help_text="what makes two events the same")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        ordering: ClassVar = ["-last_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workload", "fingerprint"], name="one_row_of_an_event"),
        ]
        indexes: ClassVar = [models.Index(fields=["workload", "-last_at"], name="history_of_a_workload")]

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"
