"""Tables of measurements: what is measured (Series), values per level of roll-up, and the newest reading of each device and node."""

from typing import ClassVar

from django.db import models

from organization.models import Cluster, Project


class Metric(models.TextChoices):
    """What a series counts; names and meanings as in Run:ai's metrics API where it has one."""

    TOTAL_GPU = "TOTAL_GPU", "GPUs"
    READY_GPU = "READY_GPU", "GPUs on ready nodes"
    TOTAL_NODES = "TOTAL_NODES", "Nodes"
    READY_NODES = "READY_NODES", "Ready nodes"
    ALLOCATED_GPU = "ALLOCATED_GPU", "Allocated GPUs"
    UTILIZED_GPU = "UTILIZED_GPU", "GPUs doing work"
    IDLE_ALLOCATED_GPU = "IDLE_ALLOCATED_GPU", "Allocated but idle GPUs"
    RUNNING_WORKLOADS = "RUNNING_WORKLOADS", "Running workloads"
    PENDING_WORKLOADS = "PENDING_WORKLOADS", "Waiting workloads"
    GPU_UTILIZATION = "GPU_UTILIZATION", "GPU utilisation, %"
    GPU_MEMORY_USAGE_BYTES = "GPU_MEMORY_USAGE_BYTES", "GPU memory in use"
    GPU_TEMPERATURE = "GPU_TEMPERATURE", "GPU temperature, °C"
    GPU_POWER_WATTS = "GPU_POWER_WATTS", "GPU power, W"
    CPU_USAGE_CORES = "CPU_USAGE_CORES", "CPU cores in use"
    CPU_MEMORY_USAGE_BYTES = "CPU_MEMORY_USAGE_BYTES", "Memory in use"


class Series(models.Model):
    """One line of measurements. Empty labels say that it is a sum or mean over them; `key` makes it unique across databases.

    Where `pool` is set and `project` is null, it is the pool's own figure or what no project holds (see `Metric`).
    """

    key = models.CharField(max_length=600, unique=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="series")
    metric = models.CharField(max_length=32, choices=Metric.choices)
    pool = models.CharField(max_length=63, blank=True, default="")
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.CASCADE, related_name="series"
    )
    workload = models.UUIDField(null=True, blank=True)
    node = models.CharField(max_length=253, blank=True, default="")
    gpu = models.CharField(max_length=8, blank=True, default="", help_text="index of the device on its node")

    class Meta:
        ordering: ClassVar = ["key"]
        verbose_name_plural = "series"
        indexes: ClassVar = [
            models.Index(fields=["cluster", "metric"], name="series_of_a_metric"),
            models.Index(fields=["workload", "metric"], name="series_of_a_workload"),
            models.Index(fields=["cluster", "node"], name="series_of_a_node"),
        ]

    def __str__(self) -> str:
        return self.key


class Sample(models.Model):
    """One value of a series over one step. `time` is the beginning of the step in product seconds since 1970 (UTC).

    `value` is the mean, `low` and `high` the extremes, `weight` how many readings went into it. No row means unknown.
    """

    time = models.BigIntegerField()
    value = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    weight = models.PositiveIntegerField(default=1)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.time}: {self.value}"


class MinuteSample(Sample):
    """Readings as they were taken; kept 48 hours."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="minutes")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["series", "time"], name="one_reading_a_minute")
        ]
        indexes: ClassVar = [models.Index(fields=["time"], name="readings_by_age")]


class FiveMinuteSample(Sample):
    """Kept 14 days."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="five_minutes")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["series", "time"], name="one_mean_a_five_minutes")
        ]
        indexes: ClassVar = [models.Index(fields=["time"], name="five_minutes_by_age")]


class HourSample(Sample):
    """Kept 400 days."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="hours")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["series", "time"], name="one_mean_an_hour")]
        indexes: ClassVar = [models.Index(fields=["time"], name="hours_by_age")]


class Collection(models.Model):
    """How collecting goes in one cluster. `sampled_at` is product time, `tried_at` real time."""

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="collection")
    sampled_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    rolled_up_to = models.BigIntegerField(default=0, help_text="product seconds: full hours done")
    nodes_without_exporter = models.JSONField(default=list, help_text="names of GPU nodes")
    nodes_unread = models.JSONField(
        default=dict, help_text="node -> why its exporter or kubelet page was not read"
    )
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["cluster"]

    def __str__(self) -> str:
        return f"collection of {self.cluster_id}"


class Device(models.Model):
    """The newest reading of one GPU and who holds it; null is unknown. `idle_since` while it is held and does nothing."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="devices")
    node = models.CharField(max_length=253)
    index = models.PositiveIntegerField()
    uuid = models.CharField(max_length=80, blank=True, default="")
    product = models.CharField(max_length=100, blank=True, default="")
    utilisation = models.FloatField(null=True, blank=True, help_text="percent")
    memory_used_bytes = models.BigIntegerField(null=True, blank=True)
    memory_total_bytes = models.BigIntegerField(null=True, blank=True)
    temperature = models.FloatField(null=True, blank=True, help_text="°C")
    power_watts = models.FloatField(null=True, blank=True)
    fault = models.PositiveIntegerField(default=0, help_text="last XID error, 0 for none")
    namespace = models.CharField(max_length=63, blank=True, default="")
    pod = models.CharField(max_length=253, blank=True, default="")
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="devices"
    )
    workload = models.UUIDField(null=True, blank=True)
    held_since = models.DateTimeField(null=True, blank=True)
    idle_since = models.DateTimeField(null=True, blank=True)
    sampled_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["node", "index"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "node", "index"], name="one_device_of_an_index")
        ]
        indexes: ClassVar = [models.Index(fields=["workload"], name="devices_of_a_workload")]

    def __str__(self) -> str:
        return f"{self.node} GPU {self.index}"


class NodeUse(models.Model):
    """What is held on a node and used of it, as of the newest reading; null is unknown."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="node_uses")
    node = models.CharField(max_length=253)
    pool = models.CharField(max_length=63, blank=True, default="")
    gpus = models.PositiveIntegerField(default=0)
    gpus_allocated = models.PositiveIntegerField(default=0)
    cpu_allocated_milli = models.PositiveBigIntegerField(default=0)
    memory_allocated_bytes = models.PositiveBigIntegerField(default=0)
    cpu_used_milli = models.BigIntegerField(null=True, blank=True)
    memory_used_bytes = models.BigIntegerField(null=True, blank=True)
    takes_work = models.BooleanField(default=False, help_text="ready and not cordoned")
    sampled_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["node"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "node"], name="one_use_of_a_node")
        ]

    def __str__(self) -> str:
        return self.node
