"""Bodies of this app's API, for reading and for the OpenAPI document."""

# ruff: noqa: N815  (fields carry the names of the API)

from typing import Any

from rest_framework import serializers

from organization.models import PROJECT_NAME_AT_MOST, CpuPlacement, Placement
from organization.quotas import WEIGHT_AT_MOST
from organization.services.node_pools import (
    MIN_RUNTIME_AT_MOST,
    USAGE_HOURS_AT_MOST,
    USAGE_WEIGHT_AT_MOST,
    PoolSettings,
)

Fields = serializers.Serializer[Any]
RANKS = ("VeryLow", "Low", "MediumLow", "Medium", "MediumHigh", "High", "VeryHigh")
"""In the order of organization.models.Rank, from 1."""
MEMORY_UNITS = {"Mib": 2**20, "MB": 10**6, "GB": 10**9}
MOST = 1e12


class PoolName(Fields):
    id = serializers.CharField(required=False, max_length=18)
    name = serializers.CharField(required=False, max_length=63)


class GpuQuota(Fields):
    deserved = serializers.FloatField(
        min_value=0, max_value=MOST, required=False, help_text="GPUs; 0 by default"
    )
    limit = serializers.FloatField(min_value=0, max_value=MOST, required=False, allow_null=True)
    overQuotaWeight = serializers.IntegerField(
        min_value=0, max_value=WEIGHT_AT_MOST, required=False, allow_null=True, help_text="null: 2"
    )


class CpuQuota(Fields):
    deserved = serializers.FloatField(
        min_value=0, max_value=MOST, required=False, allow_null=True, help_text="millicores; null: unlimited"
    )
    limit = serializers.FloatField(min_value=0, max_value=MOST, required=False, allow_null=True)


class MemoryQuota(CpuQuota):
    deserved = serializers.FloatField(
        min_value=0, max_value=MOST, required=False, allow_null=True, help_text="null: unlimited"
    )
    units = serializers.ChoiceField(choices=list(MEMORY_UNITS), default="Mib")


class Resources(Fields):
    nodePool = PoolName()
    gpu = GpuQuota(required=False)
    cpu = CpuQuota(required=False)
    memory = MemoryQuota(required=False)
    rank = serializers.ChoiceField(choices=RANKS, required=False)
    overQuotaAllowed = serializers.BooleanField(
        required=False, help_text="whether the quota may be exceeded; true by default"
    )


class ResourcesList(Fields):
    resources = Resources(many=True)


class ProjectRequest(Fields):
    name = serializers.CharField(max_length=PROJECT_NAME_AT_MOST)
    clusterId = serializers.UUIDField()
    parentId = serializers.CharField(help_text="id of the department", max_length=18)
    requestedNamespace = serializers.CharField(required=False, help_text="runai-<name>", max_length=63)
    description = serializers.CharField(required=False, allow_blank=True, default="", max_length=250)
    defaultNodePools = serializers.ListField(
        child=serializers.CharField(max_length=63), required=False, allow_null=True, max_length=200
    )
    resources = Resources(many=True, required=False)


class ProjectReplacement(Fields):
    parentId = serializers.CharField(required=False, max_length=18)
    description = serializers.CharField(required=False, allow_blank=True, default="", max_length=250)
    defaultNodePools = serializers.ListField(
        child=serializers.CharField(max_length=63), required=False, allow_null=True, max_length=200
    )
    resources = Resources(many=True)


class DepartmentRequest(Fields):
    name = serializers.CharField(max_length=63)
    clusterId = serializers.UUIDField()
    description = serializers.CharField(required=False, allow_blank=True, default="", max_length=250)
    resources = Resources(many=True, required=False)


class DepartmentReplacement(Fields):
    name = serializers.CharField(max_length=63)
    description = serializers.CharField(required=False, allow_blank=True, default="", max_length=250)
    resources = Resources(many=True)


class Placements(Fields):
    gpu = serializers.ChoiceField(choices=Placement.choices, default=Placement.BIN_PACK.value)
    cpu = serializers.ChoiceField(choices=CpuPlacement.choices, default=CpuPlacement.BIN_PACK.value)


class TimeBasedFairShare(Fields):
    enabled = serializers.BooleanField(default=False)
    historicalUsageWeight = serializers.FloatField(
        min_value=0, max_value=USAGE_WEIGHT_AT_MOST, default=PoolSettings.usage_weight
    )
    windowDuration = serializers.IntegerField(
        min_value=1,
        max_value=USAGE_HOURS_AT_MOST,
        default=PoolSettings.usage_window_hours,
        help_text="hours",
    )
    windowType = serializers.ChoiceField(choices=["sliding", "tumbling"], default="sliding")
    tumblingWindowStartTime = serializers.DateTimeField(required=False, allow_null=True, default=None)
    decayHalfLife = serializers.IntegerField(
        min_value=0, max_value=USAGE_HOURS_AT_MOST, default=0, help_text="hours; 0: no decay"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["windowType"] == "tumbling" and attrs["tumblingWindowStartTime"] is None:
            raise serializers.ValidationError(
                {"tumblingWindowStartTime": "A tumbling window needs an instant to begin at."}
            )
        return attrs


class SchedulingConfiguration(Fields):
    placementStrategy = Placements(required=False)
    minGuaranteedRuntime = serializers.IntegerField(
        min_value=0, max_value=MIN_RUNTIME_AT_MOST, default=0, help_text="seconds"
    )
    timeBasedFairShare = TimeBasedFairShare(required=False)


class PoolReplacement(Fields):
    labelKey = serializers.CharField(max_length=317, allow_blank=True, default="")
    labelValue = serializers.CharField(max_length=63, allow_blank=True, default="")
    schedulingConfiguration = SchedulingConfiguration(required=False)


class PoolRequest(PoolReplacement):
    name = serializers.CharField(max_length=63)
    clusterId = serializers.UUIDField()
    labelKey = serializers.CharField(max_length=317)
    labelValue = serializers.CharField(max_length=63)


class ClusterRequest(Fields):
    name = serializers.CharField(max_length=63)
    kubeconfig = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        default="",
        help_text="a path on the workers' machine",
    )


class ClusterReplacement(Fields):
    name = serializers.CharField(max_length=63)


# --- answers -----------------------------------------------------------------------------------------------------------------------


class Status(Fields):
    state = serializers.CharField()
    message = serializers.CharField()


class Cluster(Fields):
    uuid = serializers.UUIDField()
    name = serializers.CharField()
    tenantId = serializers.CharField()
    status = Status()
    kubernetesVersion = serializers.CharField(allow_null=True)
    lastSeenAt = serializers.DateTimeField(allow_null=True)
    createdAt = serializers.DateTimeField()


class Clusters(Fields):
    clusters = Cluster(many=True)
    next = serializers.IntegerField(required=False)


class Department(Fields):
    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    clusterId = serializers.UUIDField()
    resources = Resources(many=True)
    totalResources = serializers.JSONField()
    status = serializers.JSONField()
    projectCount = serializers.IntegerField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class Departments(Fields):
    departments = Department(many=True)
    next = serializers.IntegerField(required=False)


class Project(Fields):
    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    clusterId = serializers.UUIDField()
    parentId = serializers.CharField()
    parent = serializers.JSONField()  # type: ignore[assignment]  # the metaclass takes declared fields off the class
    requestedNamespace = serializers.CharField()
    defaultNodePools = serializers.ListField(child=serializers.CharField())
    resources = Resources(many=True)
    totalResources = serializers.JSONField()
    status = serializers.JSONField()
    effective = serializers.JSONField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class Projects(Fields):
    projects = Project(many=True)
    next = serializers.IntegerField(required=False)


class RankName(Fields):
    name = serializers.CharField()
    value = serializers.IntegerField()
    isDefault = serializers.BooleanField()


class Pool(Fields):
    id = serializers.CharField()
    name = serializers.CharField()
    clusterId = serializers.UUIDField()
    labelKey = serializers.CharField()
    labelValue = serializers.CharField()
    isDefault = serializers.BooleanField()
    schedulingConfiguration = SchedulingConfiguration()
    status = serializers.JSONField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class Pools(Fields):
    nodepools = Pool(many=True)
    next = serializers.IntegerField(required=False)


class Node(Fields):
    id = serializers.CharField()
    name = serializers.CharField()
    clusterUuid = serializers.UUIDField()
    nodePool = serializers.CharField(allow_null=True)
    status = serializers.CharField()
    statusMessage = serializers.CharField()
    statusSince = serializers.DateTimeField(allow_null=True)
    unschedulable = serializers.BooleanField()
    gpuInfo = serializers.JSONField()
    cpuMilliCores = serializers.IntegerField()
    memoryBytes = serializers.IntegerField()
    allocatedGpus = serializers.FloatField(allow_null=True, help_text="null: not known")
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class Nodes(Fields):
    nodes = Node(many=True)
    next = serializers.IntegerField(required=False)
