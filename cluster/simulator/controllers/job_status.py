"""What is said of a Job in its conditions, and when. Pure; the status given is changed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from cluster.documents import Condition, Document, condition_of, format_time, with_condition

Verdict = tuple[str, str]
"""(reason, message)."""
ITS_OWN = "kubernetes.io/job-controller"


def is_ours(job: Document) -> bool:
    """A Job may name another controller that keeps it."""
    return job["spec"].get("managedBy") in (None, ITS_OWN)


def finished(job: Document) -> Condition | None:
    for kind in ("Complete", "Failed"):
        condition = condition_of(job, kind)
        if condition is not None and condition["status"] == "True":
            return condition
    return None


def mark_start(job: Document, status: dict[str, Any], now: datetime, *, suspended: bool) -> None:
    before = condition_of(job, "Suspended")
    if suspended:
        status.pop("startTime", None)
        if before is None or before["status"] != "True":
            _set(status, "Suspended", ("JobSuspended", "Job suspended"), now)
    else:
        status.setdefault("startTime", format_time(now))
        if before is not None and before["status"] == "True":
            status["startTime"] = format_time(now)
            _set(status, "Suspended", ("JobResumed", "Job resumed"), now, value="False")


def conclude(
    status: dict[str, Any], failure: Verdict | None, success: Verdict | None, now: datetime, *, at_rest: bool
) -> None:
    """The last condition waits until all pods are gone or counted, as since Kubernetes 1.31."""
    if failure is not None:
        _set(status, "FailureTarget", failure, now)
        if at_rest:
            _set(status, "Failed", failure, now)
    elif success is not None:
        _set(status, "SuccessCriteriaMet", success, now)
        if at_rest:
            _set(status, "Complete", success, now)
            status["completionTime"] = format_time(now)


def news(before: Document, after: Document) -> Iterator[tuple[Literal["Normal", "Warning"], str, str]]:
    """What the change of the status is worth telling: (type, reason, note)."""
    for condition in (after.get("status") or {}).get("conditions") or []:
        kind, holds = condition["type"], condition["status"] == "True"
        was = condition_of(before, kind)
        if was is not None and was["status"] == condition["status"]:
            continue
        if kind == "Failed":
            yield "Warning", condition["reason"], condition["message"]
        elif kind == "Complete":
            yield "Normal", "Completed", "Job completed"
        elif kind == "Suspended":
            yield "Normal", "Suspended" if holds else "Resumed", condition["message"]


def _set(status: dict[str, Any], kind: str, verdict: Verdict, now: datetime, *, value: str = "True") -> None:
    stamp = format_time(now)
    condition: Condition = {
        "type": kind,
        "status": value,
        "reason": verdict[0],
        "message": verdict[1],
        "lastProbeTime": stamp,
        "lastTransitionTime": stamp,
    }
    status["conditions"] = with_condition(status.get("conditions"), condition)
