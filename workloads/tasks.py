"""Celery entries on queue `cluster`: a few lines each, safe to run twice."""

from typing import Any

from celery import shared_task

from workloads import launcher, pod_logs


@shared_task(name="workloads.send_wish")
def send_wish(workload_id: str) -> None:
    """Tell the cluster what is wanted of a workload; what fails stays in the outbox."""
    launcher.send_wish(workload_id)


@shared_task(name="workloads.keep_log")
def keep_log(pod_id: int) -> None:
    """Keep the last lines of a pod that has ended or is about to go."""
    pod_logs.keep_log(pod_id)


@shared_task(name="workloads.read_log", ignore_result=False)
def read_log(pod_id: int, lines: int, *, previous: bool = False) -> dict[str, Any]:
    """The last lines of a pod: {"text", "kept", "error"}; the web process waits for it."""
    return pod_logs.read_log(pod_id, lines, previous=previous)


@shared_task(name="workloads.read_objects", ignore_result=False)
def read_objects(workload_id: str) -> dict[str, Any]:
    """The custom resource and its children as the cluster has them: {"objects", "error"}."""
    return launcher.read_objects(workload_id)
