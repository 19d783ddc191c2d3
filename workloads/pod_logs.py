"""What pods write: read while they live, kept when they go."""

from typing import Any

from cluster.errors import ClusterError, Invalid, NotFound
from organization.connections import client_of
from workloads.models import WorkloadPod

KEPT_LINES = 500
KEPT_BYTES = 256 * 1024
READ_BYTES = 512 * 1024


def keep_log(pod_id: int) -> None:
    """Keep the tail of a pod's log; a pod whose log cannot be had any more is marked so that nobody asks again."""
    pod = _pod(pod_id)
    if pod is None or pod.log_kept:
        return
    try:
        text = _read(pod, KEPT_LINES, KEPT_BYTES)
    except (NotFound, Invalid):
        text = ""  # gone, or its container never started: there is no log
    WorkloadPod.objects.filter(pk=pod.pk).update(log_tail=text.replace("\0", ""), log_kept=True)


def read_log(pod_id: int, lines: int, *, previous: bool = False) -> dict[str, Any]:
    """{"text", "kept": whether it is the kept tail, "error": why there is nothing}."""
    pod = _pod(pod_id)
    if pod is None:
        return {"text": "", "kept": False, "error": "This pod is not known."}
    if pod.log_kept and not previous:
        return {"text": pod.log_tail, "kept": True, "error": ""}
    try:
        return {"text": _read(pod, lines, READ_BYTES, previous=previous), "kept": False, "error": ""}
    except ClusterError as error:
        return {"text": pod.log_tail, "kept": bool(pod.log_tail), "error": error.message}


def _pod(pod_id: int) -> WorkloadPod | None:
    return (
        WorkloadPod.objects.select_related("workload__project", "workload__cluster").filter(pk=pod_id).first()
    )


def _read(pod: WorkloadPod, lines: int, most_bytes: int, *, previous: bool = False) -> str:
    workload = pod.workload
    return client_of(workload.cluster).logs(
        workload.project.namespace, pod.name, tail_lines=lines, previous=previous, limit_bytes=most_bytes
    )
