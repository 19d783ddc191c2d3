"""Pure: a submission as custom resource (`run.ai/v2alpha1`, values as `spec.<field>.value`) and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cluster import labels
from cluster.documents import (
    Document,
    annotations_of,
    format_micro_time,
    labels_of,
    name_of,
    namespace_of,
    parse_time,
)
from cluster.kinds import Kind
from workloads.spec import OptionsReader, WorkloadSpec, quantity_text, without_none

MANAGER = "runai-portal"
"""Annotation with the moment of the submission, in microseconds: the order inside a queue."""
_VALUES = {
    "image": "image",
    "command": "command",
    "args": "arguments",
    "workingDir": "workingDir",
    "imagePullPolicy": "imagePullPolicy",
    "nodePools": "nodePools",
    "priorityClass": "priorityClass",
    "preemptibility": "preemptibility",
    "terminationGracePeriodSeconds": "terminationGracePeriodSeconds",
    "autoDeletionTimeAfterCompletionSeconds": "autoDeletionTimeAfterCompletionSeconds",
}
"""Field of the API's spec -> field of the custom resource."""
_LISTS = {"environmentVariables": "environment", "labels": "labels", "annotations": "annotations"}
_COMPUTE = {
    "gpuDevicesRequest": "gpu",
    "cpuCoreRequest": "cpu",
    "cpuCoreLimit": "cpuLimit",
    "cpuMemoryRequest": "memory",
    "cpuMemoryLimit": "memoryLimit",
}
_OURS = frozenset({*_VALUES.values(), *_LISTS.values(), *_COMPUTE.values(), "suspend", "attempt"})


class ResourceKind(OptionsReader, Protocol):
    """The part of a kind of workload that its custom resource needs."""

    resource: Kind


@dataclass(frozen=True)
class Identity:
    """Whose workload it is; travels as labels and annotations. Ids are text."""

    workload_id: str
    name: str
    namespace: str
    project: str
    project_id: str
    department_id: str
    tenant_id: str
    cluster_id: str
    submitted_by: str
    created: datetime

    def labels(self, kind: str) -> dict[str, str]:
        """On the custom resource and everything below it."""
        return {
            labels.WORKLOAD_ID: self.workload_id,
            labels.WORKLOAD_NAME: self.name,
            labels.WORKLOAD_KIND: kind,
            labels.QUEUE: self.project,
            labels.PROJECT: self.project,
            labels.PROJECT_ID: self.project_id,
            labels.DEPARTMENT_ID: self.department_id,
            labels.TENANT_ID: self.tenant_id,
            labels.CLUSTER_ID: self.cluster_id,
            labels.MANAGED_BY: MANAGER,
        }

    def annotations(self) -> dict[str, str]:
        return {labels.SUBMITTED_BY: self.submitted_by, labels.CREATED: format_micro_time(self.created)}


def to_custom_resource(
    spec: WorkloadSpec, identity: Identity, kind: ResourceKind, *, suspend: bool = False, attempt: int = 1
) -> Document:
    """What is written into the cluster; `kubectl get -o yaml` shows the same fields as the preview."""
    return {
        "apiVersion": kind.resource.api_version,
        "kind": kind.resource.kind,
        "metadata": {
            "name": identity.name,
            "namespace": identity.namespace,
            "labels": identity.labels(kind.key),
            "annotations": identity.annotations(),
        },
        "spec": {**_fields(spec), "suspend": {"value": suspend}, "attempt": {"value": attempt}},
    }


def _fields(spec: WorkloadSpec) -> dict[str, Any]:
    data = spec.to_json()
    compute, resources = data.pop("compute"), spec.resources
    fields: dict[str, Any] = {
        ours: {"value": data.pop(theirs)} for theirs, ours in _VALUES.items() if theirs in data
    }
    for theirs, ours in _LISTS.items():
        if theirs in data:
            fields[ours] = {"items": {one["name"]: {"value": one["value"]} for one in data.pop(theirs)}}
    fields |= without_none(
        {
            "gpu": {"value": resources.gpu.devices},
            "cpu": {"value": f"{resources.cpu_milli}m"},
            "memory": {"value": quantity_text(resources.memory_bytes)},
            "cpuLimit": {"value": f"{resources.cpu_limit_milli}m"} if "cpuCoreLimit" in compute else None,
            "memoryLimit": {"value": compute["cpuMemoryLimit"]} if "cpuMemoryLimit" in compute else None,
        }
    )
    return fields | {name: {"value": value} for name, value in data.items()}


def spec_of(resource: Mapping[str, Any], kind: ResourceKind) -> WorkloadSpec:
    """The submission a custom resource stands for; raises InvalidInput when someone wrote nonsense into it."""
    found: Mapping[str, Any] = resource["spec"]
    data: dict[str, Any] = {theirs: found[ours]["value"] for theirs, ours in _VALUES.items() if ours in found}
    for theirs, ours in _LISTS.items():
        items = (found.get(ours) or {}).get("items") or {}
        data[theirs] = [{"name": name, "value": item.get("value", "")} for name, item in items.items()]
    compute = {theirs: found[ours]["value"] for theirs, ours in _COMPUTE.items() if ours in found}
    for cores in ("cpuCoreRequest", "cpuCoreLimit"):
        if cores in compute:
            compute[cores] = _cores(compute[cores])
    data["compute"] = compute
    data |= {name: field["value"] for name, field in found.items() if name not in _OURS and "value" in field}
    return WorkloadSpec.from_json(name_of(resource), data, kind)


def identity_of(resource: Mapping[str, Any]) -> Identity:
    """Reads back what `Identity` wrote."""
    marks, notes = labels_of(resource), annotations_of(resource)
    created = notes.get(labels.CREATED) or resource["metadata"].get("creationTimestamp") or ""
    return Identity(
        workload_id=marks.get(labels.WORKLOAD_ID, ""),
        name=name_of(resource),
        namespace=namespace_of(resource),
        project=marks.get(labels.PROJECT, ""),
        project_id=marks.get(labels.PROJECT_ID, ""),
        department_id=marks.get(labels.DEPARTMENT_ID, ""),
        tenant_id=marks.get(labels.TENANT_ID, ""),
        cluster_id=marks.get(labels.CLUSTER_ID, ""),
        submitted_by=notes.get(labels.SUBMITTED_BY, ""),
        created=parse_time(created),
    )


def is_suspended(resource: Mapping[str, Any]) -> bool:
    return bool((resource["spec"].get("suspend") or {}).get("value"))


def attempt_of(resource: Mapping[str, Any]) -> int:
    return int((resource["spec"].get("attempt") or {}).get("value") or 1)


def _cores(text: Any) -> Any:
    """`1500m` as the API's number of cores; anything unreadable goes on as it is, for the spec to refuse."""
    if isinstance(text, str) and text.endswith("m") and text[:-1].isdecimal():
        return int(text[:-1]) / 1000
    if isinstance(text, str) and text.replace(".", "", 1).isdecimal():
        return float(text)
    return text
