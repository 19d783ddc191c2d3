"""The indexes of an Indexed Job, and which of them have failed on their own account. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cluster.documents import Document, annotations_of, uid_of
from cluster.simulator.controllers.index_sets import parse_indexes
from cluster.simulator.controllers.job_policies import is_ignored, policy_action

INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
"""On a pod: how often its index had failed before it."""


@dataclass(frozen=True)
class IndexFailures:
    """What an index has behind it; its next pod waits from `last` on."""

    count: int
    last: datetime | None


def is_indexed(job: Mapping[str, Any]) -> bool:
    return bool(job["spec"].get("completionMode") == "Indexed")


def has_own_limits(job: Mapping[str, Any]) -> bool:
    """Each index may fail so and so often, whatever the others do."""
    return is_indexed(job) and job["spec"].get("backoffLimitPerIndex") is not None


def index_of(pod: Mapping[str, Any]) -> int | None:
    text = annotations_of(pod).get(INDEX)
    return int(text) if text is not None and text.isdigit() else None


def failed_indexes(job: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> set[int]:
    """Those that will not be tried again: the limit is passed, or a rule of the failure policy says so."""
    if not has_own_limits(job):
        return set()
    found = parse_indexes((job.get("status") or {}).get("failedIndexes") or "")
    limit = int(job["spec"]["backoffLimitPerIndex"])
    for pod in pods:
        index = index_of(pod)
        if index is None or (pod.get("status") or {}).get("phase") != "Failed":
            continue
        if policy_action(job, pod) == "FailIndex" or _failures_with(job, pod) > limit:
            found.add(index)
    return found


def failures_of_indexes(
    job: Mapping[str, Any], pods: Iterable[tuple[Mapping[str, Any], datetime | None]]
) -> dict[int, IndexFailures]:
    """By index, from failed pods with the moment each ended: a pod knows how often its index had failed before it."""
    found: dict[int, IndexFailures] = {}
    for pod, ended in pods:
        index = index_of(pod)
        if index is None:
            continue
        count = _failures_with(job, pod)
        before = found.get(index)
        if before is None or count > before.count:
            found[index] = IndexFailures(count, ended)
    return found


def unreplaced(pods: Iterable[Document], over: set[int]) -> set[str]:
    """uids of failed pods that nothing has replaced: not counted, so that they stay and their number is not forgotten."""
    newest: dict[int, tuple[str, int, Document]] = {}
    for pod in pods:
        index = index_of(pod)
        if index is None or index in over:
            continue
        age = (str(pod["metadata"].get("creationTimestamp") or ""), failures_before(pod))
        if index not in newest or age > newest[index][:2]:
            newest[index] = (*age, pod)
    return {
        uid_of(pod) for _, _, pod in newest.values() if (pod.get("status") or {}).get("phase") == "Failed"
    }


def failures_before(pod: Mapping[str, Any]) -> int:
    text = annotations_of(pod).get(FAILURES, "0")
    return int(text) if text.isdigit() else 0


def _failures_with(job: Mapping[str, Any], pod: Mapping[str, Any]) -> int:
    return failures_before(pod) + (0 if is_ignored(job, pod) else 1)
