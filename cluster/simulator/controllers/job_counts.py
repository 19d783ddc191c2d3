"""How the pods of a Job stand, and what follows for its status. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cluster.documents import (
    Document,
    annotations_of,
    condition_of,
    name_of,
    namespace_of,
    parse_time,
    uid_of,
)
from cluster.simulator.controllers.templates import is_active

TRACKING = "batch.kubernetes.io/job-tracking"
"""Finalizer of pods that are not yet counted, so that a finished pod cannot vanish before it is."""
INDEX = "batch.kubernetes.io/job-completion-index"
_FIRST_BACK_OFF, _LONGEST_BACK_OFF = 10.0, 600.0


@dataclass
class Tally:
    """The pods of one Job, sorted. Counts include what the status has counted before."""

    active: list[Document] = field(default_factory=list)
    ready: int = 0
    terminating: int = 0
    newly_succeeded: list[Document] = field(default_factory=list)
    newly_failed: list[Document] = field(default_factory=list)
    succeeded: int = 0
    failed: int = 0
    done_indexes: set[int] = field(default_factory=set)
    restarts: int = 0
    last_failure: datetime | None = None
    policy_failure: str | None = None


def tally(job: Mapping[str, Any], pods: Iterable[Document]) -> Tally:
    """Sort the pods; a finished one with the finalizer, whose uid the status does not hold yet, is newly finished."""
    status = job.get("status") or {}
    uncounted = status.get("uncountedTerminatedPods") or {}
    waiting = {
        "Succeeded": set(uncounted.get("succeeded") or []),
        "Failed": set(uncounted.get("failed") or []),
    }
    result = Tally(
        succeeded=int(status.get("succeeded") or 0) + len(waiting["Succeeded"]),
        failed=int(status.get("failed") or 0) + len(waiting["Failed"]),
        done_indexes=parse_indexes(status.get("completedIndexes") or ""),
    )
    for pod in pods:
        if not is_ignored(job, pod):
            _sort(result, pod, waiting)
        if result.policy_failure is None and policy_action(job, pod) == "FailJob":
            result.policy_failure = (
                f"pod {namespace_of(pod)}/{name_of(pod)} matches a rule of the pod failure policy"
            )
    result.succeeded += len(result.newly_succeeded)
    result.failed += len(result.newly_failed)
    return result


def _sort(result: Tally, pod: Document, waiting: Mapping[str, set[str]]) -> None:
    phase = str((pod.get("status") or {}).get("phase") or "Pending")
    if is_active(pod):
        result.active.append(pod)
        result.restarts += _restarts(pod)
        conditions = (pod.get("status") or {}).get("conditions") or []
        result.ready += any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
        return
    if phase not in ("Succeeded", "Failed"):
        result.terminating += 1
        return
    index = index_of(pod)
    if phase == "Succeeded" and index is not None:
        result.done_indexes.add(index)
    if phase == "Failed":
        finished = _finished_at(pod)
        if finished and (result.last_failure is None or finished > result.last_failure):
            result.last_failure = finished
    if TRACKING in (pod["metadata"].get("finalizers") or []) and uid_of(pod) not in waiting[phase]:
        (result.newly_succeeded if phase == "Succeeded" else result.newly_failed).append(pod)


def _restarts(pod: Mapping[str, Any]) -> int:
    return sum(
        int(one.get("restartCount") or 0) for one in (pod.get("status") or {}).get("containerStatuses") or []
    )


def _finished_at(pod: Mapping[str, Any]) -> datetime | None:
    times = [
        parse_time(ended["finishedAt"])
        for one in (pod.get("status") or {}).get("containerStatuses") or []
        if (ended := (one.get("state") or {}).get("terminated")) and ended.get("finishedAt")
    ]
    return max(times, default=None)


def is_indexed(job: Mapping[str, Any]) -> bool:
    return bool(job["spec"].get("completionMode") == "Indexed")


def index_of(pod: Mapping[str, Any]) -> int | None:
    text = annotations_of(pod).get(INDEX)
    return int(text) if text is not None and text.isdigit() else None


def is_complete(job: Mapping[str, Any], counts: Tally) -> bool:
    """All completions are there; without a number of completions, one success and nothing left running."""
    completions = job["spec"].get("completions")
    if completions is None:
        return counts.succeeded > 0 and not counts.active and not counts.terminating
    if is_indexed(job):
        return len([index for index in counts.done_indexes if index < completions]) >= int(completions)
    return counts.succeeded >= int(completions)


def wanted_active(job: Mapping[str, Any], counts: Tally) -> int:
    """How many pods should be active now."""
    parallelism = int(job["spec"].get("parallelism", 1))
    completions = job["spec"].get("completions")
    if completions is None:
        # a work queue: after the first success no more are begun
        return min(parallelism, len(counts.active)) if counts.succeeded else parallelism
    left = int(completions) - (len(counts.done_indexes) if is_indexed(job) else counts.succeeded)
    return max(0, min(parallelism, left))


def free_indexes(job: Mapping[str, Any], counts: Tally, count: int) -> list[int]:
    """The lowest indexes that are neither done nor active."""
    taken = counts.done_indexes | {index for pod in counts.active if (index := index_of(pod)) is not None}
    return [index for index in range(int(job["spec"]["completions"])) if index not in taken][:count]


def failure_of(job: Mapping[str, Any], counts: Tally, now: datetime) -> tuple[str, str] | None:
    """(reason, message) when the Job has failed for good."""
    if counts.policy_failure is not None:
        return "PodFailurePolicy", counts.policy_failure
    limit = int(job["spec"].get("backoffLimit", 6))
    in_place = counts.restarts if job["spec"]["template"]["spec"].get("restartPolicy") == "OnFailure" else 0
    if counts.failed > limit or (in_place > 0 and in_place + counts.failed >= max(1, limit)):
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    deadline = deadline_of(job)
    if deadline is not None and now >= deadline:
        return "DeadlineExceeded", "Job was active longer than specified deadline"
    return None


def policy_action(job: Mapping[str, Any], pod: Mapping[str, Any]) -> str | None:
    """What the Job's pod failure policy says of a failed pod: the action of the first rule that matches."""
    if (pod.get("status") or {}).get("phase") != "Failed":
        return None
    for rule in (job["spec"].get("podFailurePolicy") or {}).get("rules") or []:
        if _matches(rule, pod):
            return str(rule["action"])
    return None


def is_ignored(job: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """A failure that counts for nothing, such as an eviction: another pod takes its place."""
    return policy_action(job, pod) == "Ignore"


def _matches(rule: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    for wanted in rule.get("onPodConditions") or []:
        condition = condition_of(pod, wanted["type"])
        if condition is not None and condition["status"] == wanted.get("status", "True"):
            return True
    codes = rule.get("onExitCodes")
    if not codes:
        return False
    for one in (pod.get("status") or {}).get("containerStatuses") or []:
        code = ((one.get("state") or {}).get("terminated") or {}).get("exitCode")
        if not code or codes.get("containerName") not in (None, one["name"]):
            continue  # success never matches
        if (code in codes["values"]) is (codes["operator"] == "In"):
            return True
    return False


def deadline_of(job: Mapping[str, Any]) -> datetime | None:
    seconds = job["spec"].get("activeDeadlineSeconds")
    started = (job.get("status") or {}).get("startTime")
    return parse_time(started) + timedelta(seconds=int(seconds)) if seconds is not None and started else None


def back_off_until(counts: Tally) -> datetime | None:
    """No pod replaces a failed one before then: 10 s after the first failure, doubling."""
    if counts.last_failure is None or counts.failed == 0:
        return None
    seconds = min(_LONGEST_BACK_OFF, _FIRST_BACK_OFF * 2.0 ** min(counts.failed - 1, 10))
    return counts.last_failure + timedelta(seconds=seconds)


def parse_indexes(text: str) -> set[int]:
    """`1,3-5` as numbers; the status' own form."""
    indexes: set[int] = set()
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match:
            indexes.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return indexes


def format_indexes(indexes: Iterable[int]) -> str:
    """The reverse: runs of three and more are written with a dash, as Kubernetes does."""
    parts: list[str] = []
    run: list[int] = []
    for index in [*sorted(indexes), None]:
        if run and (index is None or index != run[-1] + 1):
            parts += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(one) for one in run]
            run = []
        if index is not None:
            run.append(index)
    return ",".join(parts)
