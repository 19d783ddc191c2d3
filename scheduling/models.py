"""Tables of the scheduler's memory and record: what it knows of gangs across cycles, its cycles, and each decision with its reason."""

from typing import ClassVar

from django.db import models

from organization.models import Cluster


class GangState(models.Model):
    """What the scheduler remembers of one gang from cycle to cycle and across restarts. Stamps are product time."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="gang_states")
    owner_uid = models.CharField(max_length=64)
    sub_group = models.CharField(max_length=253, blank=True, default="")
    name = models.CharField(max_length=253)
    queue = models.CharField(max_length=63, blank=True, default="")
    pool = models.CharField(max_length=63, blank=True, default="", help_text="that offers it a place now")
    first_seen = models.DateTimeField()
    last_start = models.DateTimeField(null=True, blank=True)
    stale_since = models.DateTimeField(null=True, blank=True)
    bind_failures = models.PositiveIntegerField(default=0, help_text="in a row")
    bind_retry_at = models.DateTimeField(null=True, blank=True)
    refusal_code = models.CharField(max_length=80, blank=True, default="")
    refusal_message = models.CharField(max_length=1000, blank=True, default="")
    asked = models.JSONField(default=list, help_text="of each kind of pod: how many, and what one asks for")
    whole_with = models.JSONField(
        default=dict,
        help_text="how many pods of each part made it whole when it last was, if that is more than one",
    )
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["first_seen", "owner_uid", "sub_group"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "owner_uid", "sub_group"], name="one_memory_of_a_gang")
        ]
        indexes: ClassVar = [models.Index(fields=["gone_at"], name="gangs_that_are_gone")]

    def __str__(self) -> str:
        return self.name


class PoolScheduler(models.Model):
    """The scheduler of one node pool of a cluster: who runs it and how its last cycle went. `*_at` are real time."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="pool_schedulers")
    pool = models.CharField(max_length=63)
    holder = models.CharField(max_length=200, blank=True, default="")
    lease_transitions = models.PositiveIntegerField(default=0)
    last_cycle_at = models.DateTimeField(null=True, blank=True)
    last_duration_ms = models.FloatField(default=0)
    waiting_gangs = models.PositiveIntegerField(default=0)
    running_gangs = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=1000, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["cluster", "pool"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "pool"], name="one_scheduler_of_a_pool")
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.pool}"


class QueueShare(models.Model):
    """What a queue could count on in the newest cycle of one pool, in thousandths of a GPU. `queue` is a project, or a department's queue."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="queue_shares")
    pool = models.CharField(max_length=63)
    queue = models.CharField(max_length=80)
    fair_share_gpu_milli = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["cluster", "pool", "queue"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "pool", "queue"], name="one_share_of_a_queue")
        ]

    def __str__(self) -> str:
        return f"{self.queue} in {self.pool}"


class UsageHour(models.Model):
    """What a queue held in one hour of product time in one pool, summed over its seconds; `queue` "" is what the pool had to give."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="usage_hours")
    pool = models.CharField(max_length=63)
    queue = models.CharField(max_length=80, blank=True, default="")
    hour = models.BigIntegerField(help_text="the second since the epoch at which it begins")
    gpu_milli_seconds = models.PositiveBigIntegerField(default=0)
    cpu_milli_seconds = models.PositiveBigIntegerField(default=0)
    memory_mib_seconds = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["cluster", "pool", "queue", "hour"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "pool", "queue", "hour"], name="one_hour_of_a_queue")
        ]
        indexes: ClassVar = [models.Index(fields=["hour"], name="usage_by_age")]

    def __str__(self) -> str:
        return f"{self.queue or 'all'} in {self.pool} at {self.hour}"


class Cycle(models.Model):
    """One cycle that decided something (a cycle without effect only moves its PoolScheduler row)."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="cycles")
    pool = models.CharField(max_length=63)
    at = models.DateTimeField(help_text="product time")
    lease_transitions = models.PositiveIntegerField()
    read_ms = models.FloatField(default=0)
    decide_ms = models.FloatField(default=0)
    apply_ms = models.FloatField(default=0)
    pods = models.PositiveIntegerField(default=0, help_text="in the snapshot")
    nodes = models.PositiveIntegerField(default=0)
    waiting_gangs = models.PositiveIntegerField(default=0)
    bound = models.PositiveIntegerField(default=0)
    evicted = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0, help_text="effects that the cluster refused")

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["cluster", "pool", "-at"], name="cycles_of_a_pool"),
            models.Index(fields=["at"], name="cycles_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.pool} {self.at:%Y-%m-%d %H:%M:%S}"

    @property
    def duration_ms(self) -> float:
        return self.read_ms + self.decide_ms + self.apply_ms


class Verdict(models.TextChoices):
    """What was decided about a gang or one of its pods."""

    BIND = "Bind", "Placed"
    EVICT = "Evict", "Taken back"
    WAIT = "Wait", "Waits"


class Outcome(models.TextChoices):
    """How far a decision got: written as intended before its effect, so that a crash between leaves a trace."""

    INTENDED = "Intended", "Intended"
    DONE = "Done", "Done"
    FAILED = "Failed", "Failed"


class Decision(models.Model):
    """One verdict with its reason and numbers, under the lease transition count (fencing number) it was taken with."""

    cycle = models.ForeignKey(Cycle, on_delete=models.CASCADE, related_name="decisions")
    verdict = models.CharField(max_length=5, choices=Verdict.choices)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.DONE)
    owner_uid = models.CharField(max_length=64)
    gang = models.CharField(max_length=253, help_text="its name")
    queue = models.CharField(max_length=63, blank=True, default="")
    pod_uid = models.CharField(max_length=64, blank=True, default="")
    pod = models.CharField(max_length=317, blank=True, default="", help_text="namespace/name")
    node = models.CharField(max_length=253, blank=True, default="")
    reason = models.CharField(max_length=80, blank=True, default="")
    message = models.CharField(max_length=1000, blank=True, default="")
    numbers = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True, default="")
    lease_transitions = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(fields=["owner_uid", "-id"], name="decisions_on_an_owner"),
            models.Index(fields=["pod_uid"], name="decisions_on_a_pod"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.gang}"
