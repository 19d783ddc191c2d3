"""How the pods of a Job stand, and what follows for its status. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cluster.documents import Document, condition_of, parse_time, uid_of
from cluster.simulator.controllers.index_sets import parse_indexes
from cluster.simulator.controllers.job_indexes import (
    IndexFailures,
    failed_indexes,
    failures_of_indexes,
    has_own_limits,
    index_of,
    is_indexed,
    unreplaced,
)
from cluster.simulator.controllers.job_policies import failing_rule, is_ignored, success_rule
from cluster.simulator.controllers.templates import is_active

TRACKING = "batch.kubernetes.io/job-tracking"
"""Finalizer of pods that are not yet counted, so that a finished pod cannot vanish before it is."""
REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")
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
    failed_indexes: set[int] = field(default_factory=set)
    index_failures: dict[int, IndexFailures] = field(default_factory=dict)
    held_indexes: set[int] = field(default_factory=set)
    """Of pods that are still stopping."""
    unreplaced: list[Document] = field(default_factory=list)
    """Failed pods that are counted with their replacement, or with the Job's end."""
    restarts: int = 0
    last_failure: datetime | None = None
    policy_failure: str | None = None

    def count_all(self, *, failing: bool) -> None:
        """The Job ends: nothing will be replaced, and what still runs of one that fails has failed."""
        more = self.unreplaced + (self.active if failing else [])
        self.newly_failed += more
        self.failed += len(more)
        self.unreplaced = []


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
    listed = list(pods)
    failing = _said(job, "FailureTarget") is not None
    for pod in listed:
        if not is_ignored(job, pod):
            _sort(result, pod, waiting, failing=failing)
        result.policy_failure = result.policy_failure or failing_rule(job, pod)
    if has_own_limits(job):
        _sort_by_index(job, result, listed)
    result.succeeded += len(result.newly_succeeded)
    result.failed += len(result.newly_failed)
    return result


def _sort_by_index(job: Mapping[str, Any], result: Tally, pods: list[Document]) -> None:
    result.failed_indexes = failed_indexes(job, pods)
    ended = ((pod, _finished_at(pod)) for pod in pods if (pod.get("status") or {}).get("phase") == "Failed")
    result.index_failures = failures_of_indexes(job, ended)
    kept = unreplaced(pods, result.failed_indexes | result.done_indexes)
    result.unreplaced = [pod for pod in result.newly_failed if uid_of(pod) in kept]
    result.newly_failed = [pod for pod in result.newly_failed if uid_of(pod) not in kept]


def _sort(result: Tally, pod: Document, waiting: Mapping[str, set[str]], *, failing: bool) -> None:
    """In a Job that fails, what is taken back counts as failed without having ended."""
    phase = str((pod.get("status") or {}).get("phase") or "Pending")
    if is_active(pod):
        result.active.append(pod)
        result.restarts += _restarts(pod)
        conditions = (pod.get("status") or {}).get("conditions") or []
        result.ready += any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
        return
    index = index_of(pod)
    if phase not in ("Succeeded", "Failed"):
        result.terminating += 1
        if index is not None:
            result.held_indexes.add(index)
        if failing and _is_fresh(pod, waiting["Failed"]):
            result.newly_failed.append(pod)
        return
    if phase == "Succeeded" and index is not None:
        result.done_indexes.add(index)
    if phase == "Failed":
        finished = _finished_at(pod)
        if finished and (result.last_failure is None or finished > result.last_failure):
            result.last_failure = finished
    if _is_fresh(pod, waiting[phase]):
        (result.newly_succeeded if phase == "Succeeded" else result.newly_failed).append(pod)


def _is_fresh(pod: Document, waiting: set[str]) -> bool:
    """Not counted yet, nor about to be."""
    return TRACKING in (pod["metadata"].get("finalizers") or []) and uid_of(pod) not in waiting


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
    over = len(counts.done_indexes | counts.failed_indexes) if is_indexed(job) else counts.succeeded
    return max(0, min(parallelism, int(completions) - over))


def waits_for_the_stopping(job: Mapping[str, Any]) -> bool:
    """A pod that is stopping keeps its place until it has ended."""
    return bool(job["spec"].get("podReplacementPolicy") == "Failed")


def free_indexes(job: Mapping[str, Any], counts: Tally, count: int, now: datetime) -> list[int]:
    """The lowest indexes that are neither over nor active, nor resting after a failure of their own."""
    taken = counts.done_indexes | counts.failed_indexes
    taken |= {index for pod in counts.active if (index := index_of(pod)) is not None}
    if waits_for_the_stopping(job):
        taken |= counts.held_indexes
    taken |= {index for index, until in _resting(counts).items() if now < until}
    return [index for index in range(int(job["spec"]["completions"])) if index not in taken][:count]


def failure_of(job: Mapping[str, Any], counts: Tally, now: datetime) -> tuple[str, str] | None:
    """(reason, message) when the Job has failed for good; what was said once stays said."""
    said = _said(job, "FailureTarget")
    if said is not None or _said(job, "SuccessCriteriaMet") is not None:
        return said
    if counts.policy_failure is not None:
        return "PodFailurePolicy", counts.policy_failure
    limit = int(job["spec"].get("backoffLimit", 6))
    in_place = counts.restarts if job["spec"]["template"]["spec"].get("restartPolicy") == "OnFailure" else 0
    if counts.failed > limit or (in_place > 0 and in_place + counts.failed >= max(1, limit)):
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    deadline = deadline_of(job)
    if deadline is not None and now >= deadline:
        return "DeadlineExceeded", "Job was active longer than specified deadline"
    return _failure_of_indexes(job, counts)


def _failure_of_indexes(job: Mapping[str, Any], counts: Tally) -> tuple[str, str] | None:
    failed, most = len(counts.failed_indexes), job["spec"].get("maxFailedIndexes")
    if most is not None and failed > int(most):
        return (
            "MaxFailedIndexesExceeded",
            "Job has exceeded the specified maximal number of failed indexes",
        )
    if failed and failed + len(counts.done_indexes) >= int(job["spec"]["completions"]):
        return "FailedIndexes", "Job has failed indexes"
    return None


def success_of(job: Mapping[str, Any], counts: Tally) -> tuple[str, str] | None:
    """(reason, message) when the Job has done what it was to do."""
    said = _said(job, "SuccessCriteriaMet")
    if said is not None:
        return said
    rule = success_rule(job, counts.done_indexes)
    if rule is not None:
        return "SuccessPolicy", rule
    return REACHED if is_complete(job, counts) else None


def _said(job: Mapping[str, Any], kind: str) -> tuple[str, str] | None:
    found = condition_of(job, kind)
    if found is None or found["status"] != "True":
        return None
    return found.get("reason") or "", found.get("message") or ""


def deadline_of(job: Mapping[str, Any]) -> datetime | None:
    seconds = job["spec"].get("activeDeadlineSeconds")
    started = (job.get("status") or {}).get("startTime")
    return parse_time(started) + timedelta(seconds=int(seconds)) if seconds is not None and started else None


def back_off_until(counts: Tally) -> datetime | None:
    """No pod replaces a failed one before then: 10 s after the first failure, doubling."""
    return _rest(counts.failed, counts.last_failure)


def next_index_free(counts: Tally, now: datetime) -> datetime | None:
    """When the first index that rests after a failure of its own may be tried again."""
    return min((until for until in _resting(counts).values() if until > now), default=None)


def _resting(counts: Tally) -> dict[int, datetime]:
    found = {index: _rest(one.count, one.last) for index, one in counts.index_failures.items()}
    return {index: until for index, until in found.items() if until is not None}


def _rest(failures: int, last: datetime | None) -> datetime | None:
    if last is None or failures == 0:
        return None
    return last + timedelta(seconds=min(_LONGEST_BACK_OFF, _FIRST_BACK_OFF * 2.0 ** min(failures - 1, 10)))
