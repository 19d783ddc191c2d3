"""The Job controller: keeps the pods of each Job and its status, as Kubernetes' own does."""

import logging
from datetime import datetime, timedelta
from typing import Any

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import (
    Condition,
    Document,
    condition_of,
    controller_of,
    format_time,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    parse_time,
    uid_of,
    with_condition,
)
from cluster.errors import Conflict, NotFound
from cluster.kinds import JOBS
from cluster.simulator.controllers.job_counts import (
    TRACKING,
    Tally,
    back_off_until,
    deadline_of,
    failure_of,
    format_indexes,
    free_indexes,
    is_complete,
    is_ignored,
    is_indexed,
    tally,
    wanted_active,
)
from cluster.simulator.controllers.job_pods import JobPods, dispensable
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.simulator.controllers.templates import is_active
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]
_AT_ONCE = 100
"""Pods made in one pass, so that one huge Job does not keep the others waiting."""


class JobController:
    def __init__(self, client: ClusterClient, pods: WatchCache, index: PodIndex, *, threads: int = 4) -> None:
        self._client = client
        self._index = index
        self._pods = pods
        self._written: dict[str, Document] = {}
        self.jobs = WatchCache(client, JOBS, on_change=self._job_changed)
        self._queue: WorkQueue[Key] = WorkQueue("job-controller", self._reconcile, threads=threads)
        self._job_pods = JobPods(client, index)
        pods.listen(self._pod_changed)

    def start(self) -> None:
        """The pods must have been listed: a Job whose pods are not known yet would get them twice."""
        self.jobs.start()
        if self.jobs.synced(60):
            for pod in self._pods.items():
                self._pod_changed("ADDED", pod, None)  # pods whose Job went while nobody looked
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        self.jobs.stop()

    def _job_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        document = new or old
        if document is not None:
            self._queue.add(key_of(document))
        if new is None and old is not None:
            self._written.pop(uid_of(old), None)

    def _pod_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        pod = new or old
        if pod is None:
            return
        owner = controller_of(pod)
        if owner is not None and owner["kind"] == JOBS.kind:
            self._queue.add((namespace_of(pod), owner["name"]))
            if new is not None and self.jobs.synced() and self._owner(pod) is None:
                self._queue.add((f"orphan/{namespace_of(pod)}", name_of(pod)))

    def _owner(self, pod: Document) -> Document | None:
        owner = controller_of(pod)
        job = self.jobs.get(namespace_of(pod), owner["name"]) if owner else None
        return job if job is not None and owner is not None and uid_of(job) == owner["uid"] else None

    # --- one Job --------------------------------------------------------------------------------------------------

    def _reconcile(self, key: Key) -> None:
        if key[0].startswith("orphan/"):
            self._free_orphan(key[0].removeprefix("orphan/"), key[1])
            return
        job = self._newest(key)
        if job is None:
            return
        pods = self._index.of_owner(uid_of(job))
        if is_deleting(job):
            for pod in pods:  # nothing is counted any more, and nothing may hold them
                self._job_pods.free(pod)
            return
        counts = tally(job, pods)
        try:
            if _finished(job):
                self._free_counted(job, pods)
                self._expire(job)
            else:
                self._sync(job, pods, counts)
        except Conflict:
            self._queue.add_after(key, 0.05)  # the cache is behind: it will have caught up
        except NotFound:
            logger.debug("job %s/%s went meanwhile", *key)

    def _newest(self, key: Key) -> Document | None:
        """The Job as seen, or as we wrote it when the watch has not shown that yet.

        A pod's freed finalizer may be seen before the status that counts it: the pod would then count for nothing,
        and one too many would be made.
        """
        seen = self.jobs.get(*key)
        if seen is None:
            return None
        written = self._written.get(uid_of(seen))
        if written is None or _version(written) <= _version(seen):
            self._written.pop(uid_of(seen), None)
            return seen
        return written

    def _sync(self, job: Document, pods: list[Document], counts: Tally) -> None:
        now = clock.now()
        status: dict[str, Any] = dict(job.get("status") or {})
        suspended = bool(job["spec"].get("suspend"))
        self._mark_start(job, status, now, suspended=suspended)
        failure = None if suspended else failure_of({**job, "status": status}, counts, now)
        complete = not suspended and failure is None and is_complete(job, counts)
        if suspended or failure is not None or complete:
            self._delete_active(job, counts)
        else:
            self._adjust(job, counts, now)
        self._write_status(job, pods, counts, status, failure, complete=complete)
        self._come_back({**job, "status": status}, counts, now)

    def _mark_start(self, job: Document, status: dict[str, Any], now: datetime, *, suspended: bool) -> None:
        before = condition_of(job, "Suspended")
        if suspended:
            status.pop("startTime", None)
            if before is None or before["status"] != "True":
                self._set(status, "Suspended", "True", "JobSuspended", "Job suspended", now)
        else:
            status.setdefault("startTime", format_time(now))
            if before is not None and before["status"] == "True":
                status["startTime"] = format_time(now)
                self._set(status, "Suspended", "False", "JobResumed", "Job resumed", now)

    def _set(
        self, status: dict[str, Any], kind: str, value: str, reason: str, message: str, now: datetime
    ) -> None:
        stamp = format_time(now)
        condition: Condition = {
            "type": kind,
            "status": value,
            "reason": reason,
            "message": message,
            "lastProbeTime": stamp,
            "lastTransitionTime": stamp,
        }
        status["conditions"] = with_condition(status.get("conditions"), condition)

    # --- its pods -------------------------------------------------------------------------------------------------

    def _adjust(self, job: Document, counts: Tally, now: datetime) -> None:
        wanted = wanted_active(job, counts)
        surplus = len(counts.active) - wanted
        if surplus > 0:
            self._job_pods.delete(job, dispensable(counts.active)[:surplus])
            return
        missing = min(-surplus, _AT_ONCE)
        resting = back_off_until(counts)
        if missing <= 0 or (resting is not None and now < resting):
            return
        indexes: list[int | None] = (
            list(free_indexes(job, counts, missing)) if is_indexed(job) else [None] * missing
        )
        for index in indexes:
            pod = self._job_pods.make(job, index)
            if pod is not None:
                counts.active.append(pod)
        if len(indexes) == _AT_ONCE:
            self._queue.add(key_of(job))

    def _delete_active(self, job: Document, counts: Tally) -> None:
        self._job_pods.delete(job, counts.active)
        counts.terminating += len(counts.active)
        counts.active, counts.ready = [], 0

    # --- counting, in the order that survives a crash: uid into the status, finalizer off, number into the status ------

    def _write_status(
        self,
        job: Document,
        pods: list[Document],
        counts: Tally,
        status: dict[str, Any],
        failure: tuple[str, str] | None,
        *,
        complete: bool,
    ) -> None:
        uncounted = status.pop("uncountedTerminatedPods", None) or {}
        held = {uid_of(pod) for pod in pods if TRACKING in (pod["metadata"].get("finalizers") or [])}
        waiting: dict[str, list[str]] = {}
        for outcome, fresh in (("succeeded", counts.newly_succeeded), ("failed", counts.newly_failed)):
            before = list(uncounted.get(outcome) or [])
            settled = [uid for uid in before if uid not in held]
            waiting[outcome] = [uid for uid in before if uid in held] + [uid_of(pod) for pod in fresh]
            status[outcome] = int(status.get(outcome) or 0) + len(settled)
        status["uncountedTerminatedPods"] = {name: uids for name, uids in waiting.items() if uids}
        status |= {"active": len(counts.active), "ready": counts.ready, "terminating": counts.terminating}
        if is_indexed(job):
            status["completedIndexes"] = format_indexes(counts.done_indexes)
        self._conclude(job, counts, status, failure, complete=complete, settled=not any(waiting.values()))
        if _plain(status) != _plain(job.get("status") or {}):
            job = self._client.replace(JOBS, {**job, "status": status}, subresource="status")
            self._written[uid_of(job)] = job
        self._free_counted(job, pods)

    def _conclude(
        self,
        job: Document,
        counts: Tally,
        status: dict[str, Any],
        failure: tuple[str, str] | None,
        *,
        complete: bool,
        settled: bool,
    ) -> None:
        """The last condition waits until all pods are gone or counted, as since Kubernetes 1.31."""
        now = clock.now()
        at_rest = settled and not counts.active and not counts.terminating
        if failure is not None:
            self._set(status, "FailureTarget", "True", *failure, now)
            if at_rest:
                self._set(status, "Failed", "True", *failure, now)
        elif complete:
            reached = ("CompletionsReached", "Reached expected number of succeeded pods")
            self._set(status, "SuccessCriteriaMet", "True", *reached, now)
            if at_rest:
                self._set(status, "Complete", "True", *reached, now)
                status["completionTime"] = format_time(now)

    def _free_counted(self, job: Document, pods: list[Document]) -> None:
        """Take the finalizer off pods whose uid stands in the status, and off everything once the Job is finished."""
        uncounted = (job.get("status") or {}).get("uncountedTerminatedPods") or {}
        counted = {uid for uids in uncounted.values() for uid in uids}
        for pod in pods:
            if uid_of(pod) in counted or is_ignored(job, pod) or (_finished(job) and not is_active(pod)):
                self._job_pods.free(pod)

    def _free_orphan(self, namespace: str, name: str) -> None:
        """A pod whose Job is gone counts for nothing: it must be able to go."""
        pod = self._pods.get(namespace, name)
        if pod is not None and self._owner(pod) is None:
            self._job_pods.free(pod)

    # --- later ----------------------------------------------------------------------------------------------------

    def _come_back(self, job: Document, counts: Tally, now: datetime) -> None:
        for moment in (back_off_until(counts), deadline_of(job)):
            if moment is not None and moment > now and not _finished(job):
                self._queue.add_after(key_of(job), clock.real_seconds((moment - now).total_seconds()) + 0.01)

    def _expire(self, job: Document) -> None:
        lifetime = job["spec"].get("ttlSecondsAfterFinished")
        ended = _finished(job)
        if lifetime is None or ended is None:
            return
        left = (
            parse_time(ended["lastTransitionTime"]) + timedelta(seconds=int(lifetime)) - clock.now()
        ).total_seconds()
        if left > 0:
            self._queue.add_after(key_of(job), clock.real_seconds(left) + 0.01)
            return
        self._client.delete(JOBS, name_of(job), namespace_of(job), uid=uid_of(job))


def _version(document: Document) -> int:
    return int(document["metadata"]["resourceVersion"])


def _finished(job: Document) -> Condition | None:
    for kind in ("Complete", "Failed"):
        condition = condition_of(job, kind)
        if condition is not None and condition["status"] == "True":
            return condition
    return None


def _plain(status: Document) -> Document:
    """Zeros and nothing are the same: the API drops them."""
    return {name: value for name, value in status.items() if value not in (0, "", {}, [], None)}
