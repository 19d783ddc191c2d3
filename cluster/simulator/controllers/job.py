"""The Job controller: keeps the pods of each Job and its status, as Kubernetes' own does."""

import logging
from datetime import datetime, timedelta
from typing import Any

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import (
    Document,
    controller_of,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    parse_time,
    uid_of,
)
from cluster.errors import ClusterError, Conflict, Forbidden, Invalid, NotFound
from cluster.kinds import JOBS
from cluster.simulator.controllers.index_sets import format_indexes
from cluster.simulator.controllers.job_counts import (
    TRACKING,
    Tally,
    back_off_until,
    deadline_of,
    failure_of,
    free_indexes,
    next_index_free,
    success_of,
    tally,
    waits_for_the_stopping,
    wanted_active,
)
from cluster.simulator.controllers.job_indexes import FAILURES, has_own_limits, is_indexed
from cluster.simulator.controllers.job_pods import JobPods, dispensable
from cluster.simulator.controllers.job_policies import is_ignored
from cluster.simulator.controllers.job_status import Verdict, conclude, finished, is_ours, mark_start, news
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.simulator.controllers.templates import is_active
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]
_LEFT_OUT = ("active", "succeeded", "failed", "completedIndexes", "failedIndexes")
"""Not written while there is nothing to say; `ready` and `terminating` are."""
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
        if document is not None and is_ours(document):
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
        if job is None or not is_ours(job):
            return
        pods = self._index.of_owner(uid_of(job))
        if is_deleting(job):
            for pod in pods:  # nothing is counted any more, and nothing may hold them
                self._job_pods.free(pod)
            return
        counts = tally(job, pods)
        try:
            if finished(job):
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
        mark_start(job, status, now, suspended=suspended)
        failure = None if suspended else failure_of({**job, "status": status}, counts, now)
        success = None if suspended or failure is not None else success_of(job, counts)
        if failure is not None or success is not None:
            counts.count_all(failing=failure is not None)
        refusal: ClusterError | None = None
        if suspended or failure is not None or success is not None:
            self._delete_active(job, counts, count=failure is not None)
        else:
            refusal = self._adjust(job, counts, now)
        self._write_status(job, pods, counts, status, failure, success)
        self._come_back({**job, "status": status}, counts, now)
        if refusal is not None:
            raise refusal  # again later: the quota may have room then

    # --- its pods -------------------------------------------------------------------------------------------------

    def _adjust(self, job: Document, counts: Tally, now: datetime) -> ClusterError | None:
        """Pods are made and deleted; what the API server refuses to make ends it for this time, and is given back."""
        wanted = wanted_active(job, counts)
        surplus = len(counts.active) - wanted
        if surplus > 0:
            self._job_pods.delete(job, dispensable(counts.active)[:surplus])
            return None
        missing = min(-surplus - (counts.terminating if waits_for_the_stopping(job) else 0), _AT_ONCE)
        resting = None if has_own_limits(job) else back_off_until(counts)
        if missing <= 0 or (resting is not None and now < resting):
            return None
        indexes: list[int | None] = (
            list(free_indexes(job, counts, missing, now)) if is_indexed(job) else [None] * missing
        )
        for index in indexes:
            try:
                pod = self._job_pods.make(job, index, _notes(job, counts, index))
            except (Invalid, Forbidden) as refusal:
                return refusal
            if pod is not None:
                counts.active.append(pod)
        if len(indexes) == _AT_ONCE:
            self._queue.add(key_of(job))
        return None

    def _delete_active(self, job: Document, counts: Tally, *, count: bool) -> None:
        self._job_pods.delete(job, counts.active, count=count)
        counts.terminating += len(counts.active)
        counts.active, counts.ready = [], 0

    # --- counting, in the order that survives a crash: uid into the status, finalizer off, number into the status ------

    def _write_status(
        self,
        job: Document,
        pods: list[Document],
        counts: Tally,
        status: dict[str, Any],
        failure: Verdict | None,
        success: Verdict | None,
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
        if has_own_limits(job):
            status["failedIndexes"] = format_indexes(counts.failed_indexes)
        at_rest = not (any(waiting.values()) or counts.active or counts.terminating)
        conclude(status, failure, success, clock.now(), at_rest=at_rest)
        for empty in [name for name in _LEFT_OUT if not status.get(name)]:
            status.pop(empty, None)
        if _plain(status) != _plain(job.get("status") or {}):
            old = job
            job = self._client.replace(JOBS, {**job, "status": status}, subresource="status")
            self._written[uid_of(job)] = job
            for kind, reason, note in news(old, job):
                self._job_pods.teller.tell(job, reason, note, kind=kind)
        self._free_counted(job, pods)

    def _free_counted(self, job: Document, pods: list[Document]) -> None:
        """Take the finalizer off pods whose uid stands in the status, and off everything once the Job is finished."""
        uncounted = (job.get("status") or {}).get("uncountedTerminatedPods") or {}
        counted = {uid for uids in uncounted.values() for uid in uids}
        for pod in pods:
            if uid_of(pod) in counted or is_ignored(job, pod) or (finished(job) and not is_active(pod)):
                self._job_pods.free(pod)

    def _free_orphan(self, namespace: str, name: str) -> None:
        """A pod whose Job is gone counts for nothing: it must be able to go."""
        pod = self._pods.get(namespace, name)
        if pod is not None and self._owner(pod) is None:
            self._job_pods.free(pod)

    # --- later ----------------------------------------------------------------------------------------------------

    def _come_back(self, job: Document, counts: Tally, now: datetime) -> None:
        rest = next_index_free(counts, now) if has_own_limits(job) else back_off_until(counts)
        for moment in (rest, deadline_of(job)):
            if moment is not None and moment > now and not finished(job):
                self._queue.add_after(key_of(job), clock.real_seconds((moment - now).total_seconds()) + 0.01)

    def _expire(self, job: Document) -> None:
        lifetime = job["spec"].get("ttlSecondsAfterFinished")
        ended = finished(job)
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


def _notes(job: Document, counts: Tally, index: int | None) -> dict[str, str]:
    """How often the index of a new pod has failed before."""
    if index is None or not has_own_limits(job):
        return {}
    before = counts.index_failures.get(index)
    return {FAILURES: str(before.count if before else 0)}


def _plain(status: Document) -> Document:
    """Zeros and nothing are the same: the API drops them."""
    return {name: value for name, value in status.items() if value not in (0, "", {}, [], None)}
