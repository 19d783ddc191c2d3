"""The API's bodies as serializers: for the envelope of a submission, and for the OpenAPI document."""

# ruff: noqa: N815  (fields carry the names of the API)

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

Fields = serializers.Serializer[Any]


class NameValue(Fields):
    name = serializers.CharField()
    value = serializers.CharField(required=False, allow_blank=True)


class Compute(Fields):
    gpuDevicesRequest = serializers.IntegerField(required=False, help_text="whole GPUs of each pod")
    gpuRequestType = serializers.CharField(required=False)
    gpuPortionRequest = serializers.FloatField(
        required=False, help_text="1 is a whole GPU; parts are refused so far"
    )
    cpuCoreRequest = serializers.FloatField(required=False)
    cpuCoreLimit = serializers.FloatField(required=False)
    cpuMemoryRequest = serializers.CharField(required=False, help_text="a quantity such as 16Gi")
    cpuMemoryLimit = serializers.CharField(required=False)


class TrainingSpec(Fields):
    image = serializers.CharField()
    imagePullPolicy = serializers.CharField(required=False)
    command = serializers.CharField(required=False)
    args = serializers.CharField(required=False)
    workingDir = serializers.CharField(required=False)
    environmentVariables = NameValue(many=True, required=False)
    compute = Compute(required=False)
    nodePools = serializers.ListField(child=serializers.CharField(), required=False)
    priorityClass = serializers.CharField(required=False)
    preemptibility = serializers.CharField(required=False)
    parallelism = serializers.IntegerField(required=False)
    completions = serializers.IntegerField(required=False)
    backoffLimit = serializers.IntegerField(required=False)
    terminationGracePeriodSeconds = serializers.IntegerField(required=False)
    autoDeletionTimeAfterCompletionSeconds = serializers.IntegerField(required=False)
    labels = NameValue(many=True, required=False)
    annotations = NameValue(many=True, required=False)


class TrainingBody(Fields):
    """Documents the body; the spec itself is read by workloads.spec, so that form and API keep the same rules."""

    name = serializers.CharField()
    useGivenNameAsPrefix = serializers.BooleanField(required=False)
    projectId = serializers.CharField()
    clusterId = serializers.UUIDField(required=False)
    spec = TrainingSpec()


class Submission(Fields):
    name = serializers.CharField()
    requestedName = serializers.CharField()
    workloadId = serializers.UUIDField()
    projectId = serializers.CharField()
    departmentId = serializers.CharField()
    clusterId = serializers.UUIDField()
    createdBy = serializers.CharField()
    createdAt = serializers.DateTimeField()
    deletedAt = serializers.DateTimeField(allow_null=True)
    desiredPhase = serializers.CharField()
    actualPhase = serializers.CharField()
    spec = TrainingSpec()


class Row(Fields):
    """The fields a list is mostly read for; platform.md §21.4 has them all."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField()
    phase = serializers.CharField()
    phaseMessage = serializers.CharField()
    projectName = serializers.CharField()
    departmentName = serializers.CharField()
    submittedBy = serializers.CharField()
    createdAt = serializers.DateTimeField()
    completedAt = serializers.DateTimeField(allow_null=True)
    runningPods = serializers.IntegerField()
    priorityClassName = serializers.CharField()
    preemptibility = serializers.CharField()
    workloadRequestedResources = serializers.DictField()
    allocatedResources = serializers.DictField()


class Rows(Fields):
    workloads = Row(many=True)
    next = serializers.IntegerField(required=False)


class Pod(Fields):
    id = serializers.CharField()
    name = serializers.CharField()
    workloadId = serializers.UUIDField()
    k8sPhase = serializers.CharField()
    nodeName = serializers.CharField(allow_null=True)


class Pods(Fields):
    pods = Pod(many=True)
    next = serializers.IntegerField(required=False)


class Event(Fields):
    id = serializers.CharField()
    type = serializers.CharField()
    reason = serializers.CharField()
    message = serializers.CharField()
    count = serializers.IntegerField()
    createdAt = serializers.DateTimeField()


class Events(Fields):
    events = Event(many=True)
    next = serializers.IntegerField(required=False)


class Count(Fields):
    count = serializers.IntegerField()


class Telemetry(Fields):
    type = serializers.CharField()
    timestamp = serializers.DateTimeField()
    values = serializers.ListField(child=serializers.DictField())


def _parameter(name: str, kind: Any, text: str, *, many: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text, many=many)


PAGING = [
    _parameter("offset", OpenApiTypes.INT, "rows to pass over, from 0"),
    _parameter("limit", OpenApiTypes.INT, "1 to 500, 50 without a word"),
]
LISTING = [
    *PAGING,
    _parameter("sortBy", OpenApiTypes.STR, "a field of the row"),
    _parameter("sortOrder", OpenApiTypes.STR, "asc or desc"),
    _parameter("search", OpenApiTypes.STR, "words in name, image, person or project"),
    _parameter("filterBy", OpenApiTypes.STR, "field op value; op one of == != <= >= =@ !@ =^ =$", many=True),
    _parameter("deleted", OpenApiTypes.BOOL, "true lists the deleted"),
]
SUBMITTING = [
    _parameter("dryRun", OpenApiTypes.BOOL, "check everything, keep nothing"),
    OpenApiParameter(
        "Idempotency-Key",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        description="the same key again gives the first submission",
    ),
]
