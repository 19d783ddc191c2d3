"""Rows in the shapes of the API (platform.md §21)."""

from datetime import datetime
from typing import Any

from cluster import clock
from workloads.kinds import KINDS
from workloads.models import DesiredPhase, Workload, WorkloadEvent, WorkloadPod
from workloads.phases import Phase
from workloads.priorities import value_of
from workloads.queries import Actions
from workloads.spec import quantity_text


def submission_row(workload: Workload, *, requested_name: str = "") -> dict[str, Any]:
    """What a POST answers, and a GET below the kind's own path."""
    return {
        "name": workload.name,
        "requestedName": requested_name or workload.name,
        "workloadId": str(workload.pk),
        "projectId": str(workload.project_id),
        "departmentId": str(workload.project.department_id),
        "clusterId": str(workload.cluster_id),
        "createdBy": workload.submitted_by,
        "createdAt": moment(workload.created_at),
        "deletedAt": moment(workload.deleted_at),
        "desiredPhase": DesiredPhase(workload.desired_phase).value,
        "actualPhase": workload.phase,
        "spec": workload.spec,
    }


def list_row(workload: Workload, actions: Actions) -> dict[str, Any]:
    """One workload as the list and GET /workloads/{id} show it."""
    return {
        **_identity(workload),
        **_state(workload),
        **_resources(workload),
        "actionsSupport": {"delete": actions.delete, "suspend": actions.stop, "resume": actions.run},
        "nodePools": workload.node_pools,
        "currentNodePools": [workload.current_pool] if workload.current_pool else [],
        "images": [workload.image] if workload.image else [],
        "environmentVariables": workload.spec.get("environmentVariables", []),
        "command": workload.spec.get("command"),
        "args": workload.spec.get("args"),
        "source": workload.source,
        "tenantId": str(workload.cluster.tenant_id),
        "childrenIds": [],
        "urls": [],
        "datasources": [],
        "environments": [],
        "distributedFramework": None,
    }


def _identity(workload: Workload) -> dict[str, Any]:
    kind = KINDS.get(workload.kind)
    return {
        "id": str(workload.pk),
        "name": workload.name,
        "type": kind.label if kind else workload.kind,
        "category": kind.category if kind else None,
        "priority": value_of(workload.priority_class),
        "priorityClassName": workload.priority_class,
        "preemptibility": workload.preemptibility,
        "submittedBy": workload.submitted_by,
        "clusterId": str(workload.cluster_id),
        "projectId": str(workload.project_id),
        "projectName": workload.project.name,
        "departmentId": str(workload.project.department_id),
        "departmentName": workload.project.department.name,
        "namespace": workload.project.namespace,
    }


def _state(workload: Workload) -> dict[str, Any]:
    """Total times include the span that lasts."""
    lasting = max(0.0, (clock.now() - workload.phase_since).total_seconds())
    pending = lasting if workload.phase == Phase.PENDING else 0.0
    running = lasting if workload.phase in (Phase.RUNNING, Phase.DEGRADED) else 0.0
    refusal = workload.refusal or {}
    return {
        "createdAt": moment(workload.created_at),
        "completedAt": moment(workload.completed_at),
        "deletedAt": moment(workload.deleted_at),
        "updatedAt": moment(workload.updated_at),
        "phase": workload.phase,
        "phaseUpdatedAt": moment(workload.phase_since),
        "phaseMessage": workload.message,
        "phaseReason": workload.reason,
        "k8sPhase": workload.phase,
        "k8sPhaseUpdatedAt": moment(workload.phase_since),
        "conditions": [
            {
                "type": "Refused",
                "status": True,
                "reason": refusal.get("code"),
                "message": refusal.get("message"),
            }
        ]
        if refusal
        else [],
        "totalPendingTimeSeconds": round(workload.pending_seconds + pending, 3),
        "totalRunningTimeSeconds": round(workload.running_seconds + running, 3),
    }


def _resources(workload: Workload) -> dict[str, Any]:
    options, pods = workload.spec, max(1, workload.requested_pods)
    number = {"parallelism": options.get("parallelism"), "completions": options.get("completions")}
    total = _amounts(
        workload.requested_gpu_milli, workload.requested_cpu_milli, workload.requested_memory_bytes
    )
    each = _amounts(
        workload.requested_gpu_milli // pods,
        workload.requested_cpu_milli // pods,
        workload.requested_memory_bytes // pods,
    )
    return {
        "runningPods": workload.running_pods,
        "requestedPods": {
            "number": workload.requested_pods,
            "min": 1,
            "max": workload.requested_pods,
            **number,
        },
        "workloadRequestedResources": total,
        "podsRequestedResources": each,
        "allocatedResources": {
            "gpu": workload.allocated_gpu_milli / 1000,
            "cpu": workload.allocated_cpu_milli / 1000,
            "cpuMemory": quantity_text(workload.allocated_memory_bytes),
        },
    }


def _amounts(gpu_milli: int, cpu_milli: int, memory_bytes: int) -> dict[str, Any]:
    return {
        "gpuRequestType": "whole",
        "gpu": {"request": gpu_milli / 1000, "limit": gpu_milli / 1000},
        "cpu": {"request": cpu_milli / 1000},
        "cpuMemory": {"request": quantity_text(memory_bytes)},
        "extendedResources": [],
    }


def pod_row(pod: WorkloadPod) -> dict[str, Any]:
    return {
        "id": pod.uid,
        "name": pod.name,
        "workloadId": str(pod.workload_id),
        "k8sPhase": pod.phase,
        "reason": pod.reason,
        "message": pod.message,
        "currentNodePool": pod.pool or None,
        "nodeName": pod.node or None,
        "ready": pod.ready,
        "restarts": pod.restarts,
        "exitCode": pod.exit_code,
        "attempt": pod.attempt,
        "images": [pod.image] if pod.image else [],
        "requestedResources": {"gpu": pod.gpu_milli / 1000},
        "allocatedResources": {"gpu": pod.gpu_milli / 1000 if pod.holds else 0},
        "createdAt": moment(pod.created_at),
        "scheduledAt": moment(pod.scheduled_at),
        "startedAt": moment(pod.started_at),
        "completedAt": moment(pod.finished_at),
    }


def event_row(event: WorkloadEvent) -> dict[str, Any]:
    return {
        "id": str(event.pk),
        "type": event.kind,
        "reason": event.reason,
        "message": event.message,
        "source": event.source,
        "involvedObject": event.about or None,
        "count": event.count,
        "createdAt": moment(event.first_at),
        "lastSeenAt": moment(event.last_at),
    }


def moment(value: datetime | None) -> str | None:
    """UTC, ISO 8601."""
    return value.isoformat().replace("+00:00", "Z") if value else None
