"""Tables of what is shared out: tenant → cluster → department → project, node pools, and the quota of each in each pool."""

import uuid
from typing import ClassVar

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse

NAME = RegexValidator(
    r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
    "Start with a letter; use lower-case letters, digits and hyphens; end with a letter or a digit.",
)
PROJECT_NAME_AT_MOST = 57
"""63 characters of a namespace, less `runai-`."""


class Tenant(models.Model):
    """One organisation; the top of the scope tree."""

    name = models.CharField(max_length=100, unique=True)
    projects_within_department = models.BooleanField(
        default=True, help_text="refuse project quotas that together exceed the department's"
    )

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> str:
        return f"/{self.pk}/"


class ClusterState(models.TextChoices):
    WAITING = "WaitingToConnect", "Waiting to connect"
    CONNECTED = "Connected", "Connected"
    DISCONNECTED = "Disconnected", "Disconnected"
    MISSING_PREREQUISITES = "MissingPrerequisites", "Missing prerequisites"


class Cluster(models.Model):
    """One Kubernetes cluster. `kubeconfig` is a path, or empty for the installation's default (KUBECONFIG or in-cluster)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="clusters")
    name = models.CharField(max_length=63, validators=[NAME])
    kubeconfig = models.CharField(max_length=500, blank=True, default="")
    state = models.CharField(max_length=24, choices=ClusterState.choices, default=ClusterState.WAITING)
    state_message = models.CharField(max_length=500, blank=True, default="")
    kubernetes_version = models.CharField(max_length=40, blank=True, default="")
    last_seen_at = models.DateTimeField(null=True, blank=True, help_text="real time of the last answer")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "name"], name="one_cluster_of_a_name")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> str:
        return f"/{self.tenant_id}/{self.pk}/"


class Placement(models.TextChoices):
    """Of GPU work."""

    BIN_PACK = "binpack", "Bin packing"
    SPREAD = "spread", "Spread"
    FRAGMENTATION = "fragmentation", "Fragmentation-aware"


class CpuPlacement(models.TextChoices):
    """Of work without GPUs."""

    BIN_PACK = "binpack", "Bin packing"
    SPREAD = "spread", "Spread"


class NodePool(models.Model):
    """Nodes with one label value, shared out and scheduled together; `default` holds the nodes no other pool matches."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="node_pools")
    name = models.CharField(max_length=63, validators=[NAME])
    label_key = models.CharField(max_length=317, blank=True, default="")
    label_value = models.CharField(max_length=63, blank=True, default="")
    gpu_placement = models.CharField(max_length=16, choices=Placement.choices, default=Placement.BIN_PACK)
    cpu_placement = models.CharField(
        max_length=8, choices=CpuPlacement.choices, default=CpuPlacement.BIN_PACK
    )
    min_runtime_seconds = models.PositiveIntegerField(default=0)
    time_based_fair_share = models.BooleanField(default=False)
    usage_weight = models.FloatField(default=1.0, help_text="0 forgets past use, more than 1 lets it decide")
    usage_window_hours = models.PositiveSmallIntegerField(default=7 * 24)
    usage_window_start = models.DateTimeField(
        null=True,
        blank=True,
        help_text="windows begin at multiples of their length after it; empty: it slides",
    )
    usage_half_life_hours = models.PositiveSmallIntegerField(default=0, help_text="0: old use counts in full")
    free_gpus = models.JSONField(
        default=dict,
        help_text="thousandths of GPUs that are free, and of them what requests of each size could use",
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["cluster", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "name"], name="one_pool_of_a_name"),
            models.UniqueConstraint(
                fields=["cluster", "label_key", "label_value"],
                condition=~Q(name="default"),
                name="one_pool_of_a_label",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def known_free_gpus(self) -> dict[str, int]:
        """`free_gpus`, or nothing while the cluster does not answer: what it last said may be long over."""
        is_here = self.cluster.state == ClusterState.CONNECTED
        return self.free_gpus if is_here else {}

    @property
    def is_default(self) -> bool:
        return self.name == "default"


class Department(models.Model):
    """A group of projects of one cluster."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="departments")
    name = models.CharField(max_length=63, validators=[NAME])
    description = models.CharField(max_length=250, blank=True, default="")
    scope = models.CharField(max_length=200, unique=True, editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "name"], name="one_department_of_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("organization:department", args=(self.pk,))


class ProjectPhase(models.TextChoices):
    CREATING = "Creating", "Creating"
    READY = "Ready", "Ready"
    NOT_READY = "NotReady", "Not ready"
    DELETING = "Deleting", "Deleting"


class Project(models.Model):
    """The unit people submit to; 1:1 with a namespace `runai-<name>`."""

    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="projects")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="projects")
    name = models.CharField(max_length=PROJECT_NAME_AT_MOST, validators=[NAME])
    namespace = models.CharField(max_length=63)
    description = models.CharField(max_length=250, blank=True, default="")
    scope = models.CharField(max_length=200, unique=True, editable=False)
    phase = models.CharField(max_length=12, choices=ProjectPhase.choices, default=ProjectPhase.CREATING)
    phase_message = models.CharField(max_length=500, blank=True, default="")
    default_node_pools = models.JSONField(default=list, help_text="ordered names of node pools")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "name"], name="one_project_of_a_name"),
            models.UniqueConstraint(fields=["cluster", "namespace"], name="one_project_of_a_namespace"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("organization:project", args=(self.pk,))


class Rank(models.IntegerChoices):
    """Order in which over-quota resources are shared out, strictly from high to low."""

    VERY_LOW = 1, "Very low"
    LOW = 2, "Low"
    MEDIUM_LOW = 3, "Medium low"
    MEDIUM = 4, "Medium"
    MEDIUM_HIGH = 5, "Medium high"
    HIGH = 6, "High"
    VERY_HIGH = 7, "Very high"


class PoolResources(models.Model):
    """What one department or project deserves in one node pool.

    GPUs in thousandths, CPU in millicores, memory in bytes; null = unlimited. Exactly one of `department` and `project` is set.
    Not allowed to go over quota means: the quota is the limit.
    """

    department = models.ForeignKey(
        Department, null=True, blank=True, on_delete=models.CASCADE, related_name="resources"
    )
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.CASCADE, related_name="resources"
    )
    pool = models.ForeignKey(NodePool, on_delete=models.CASCADE, related_name="resources")

    gpu_deserved_milli = models.PositiveBigIntegerField(default=0)
    gpu_limit_milli = models.PositiveBigIntegerField(null=True, blank=True)
    gpu_weight = models.PositiveIntegerField(default=2, validators=[MinValueValidator(0)])
    cpu_deserved_milli = models.PositiveBigIntegerField(null=True, blank=True)
    cpu_limit_milli = models.PositiveBigIntegerField(null=True, blank=True)
    memory_deserved_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    memory_limit_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    over_quota_allowed = models.BooleanField(default=True)
    rank = models.PositiveSmallIntegerField(choices=Rank.choices, default=Rank.MEDIUM_LOW)

    class Meta:
        ordering: ClassVar = ["pool__name"]
        verbose_name_plural = "pool resources"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(department__isnull=True, project__isnull=False)
                | Q(department__isnull=False, project__isnull=True),
                name="quota_of_a_department_or_a_project",
            ),
            models.UniqueConstraint(fields=["department", "pool"], name="one_quota_a_department_and_pool"),
            models.UniqueConstraint(fields=["project", "pool"], name="one_quota_a_project_and_pool"),
            models.CheckConstraint(
                condition=Q(gpu_limit_milli__isnull=True)
                | Q(gpu_limit_milli__gte=models.F("gpu_deserved_milli")),
                name="gpu_limit_not_below_quota",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project or self.department} in {self.pool}"


class Node(models.Model):
    """What a cluster says of one of its nodes: a copy, written by the collector, for pages that must answer when the cluster is away."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="nodes")
    name = models.CharField(max_length=253)
    pool = models.ForeignKey(NodePool, null=True, blank=True, on_delete=models.SET_NULL, related_name="nodes")
    ready = models.BooleanField(null=True)
    cordoned = models.BooleanField(default=False)
    status_message = models.CharField(max_length=500, blank=True, default="")
    status_since = models.DateTimeField(null=True, blank=True)
    gpu_product = models.CharField(max_length=100, blank=True, default="")
    gpu_count = models.PositiveIntegerField(default=0, help_text="devices the node offers now")
    gpu_memory_mib = models.PositiveIntegerField(null=True, blank=True, help_text="of one device")
    cpu_milli = models.PositiveBigIntegerField(default=0)
    memory_bytes = models.PositiveBigIntegerField(default=0)
    labels = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "name"], name="one_node_of_a_name")
        ]

    def __str__(self) -> str:
        return self.name
