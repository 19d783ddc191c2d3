"""The CronJob controller: a Job for each moment of the schedule, on the product's clock."""

import copy
import logging
from datetime import datetime, timedelta
from typing import Any

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import (
    Document,
    annotations_of,
    condition_of,
    controller_of,
    format_time,
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    owner_reference,
    parse_time,
    uid_of,
)
from cluster.errors import AlreadyExists, Conflict, NotFound
from cluster.kinds import CRON_JOBS, JOBS
from cluster.simulator.controllers.telling import Teller
from cluster.simulator.cron import Schedule, WrongSchedule, parse_schedule
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]
SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
MOST_MISSED = 100
"""Moments that may have passed unseen without a deadline; after more of them only the newest is looked at."""


class CronJobController:
    def __init__(self, client: ClusterClient, jobs: WatchCache) -> None:
        self._client, self._jobs = client, jobs
        self._teller = Teller(client, "cronjob-controller")
        self._told: set[str] = set()
        """uids of Jobs whose end was told while the status still called them active."""
        self.cron_jobs = WatchCache(client, CRON_JOBS, on_change=self._changed)
        self._queue: WorkQueue[Key] = WorkQueue("cronjob-controller", self._reconcile, threads=1)
        jobs.listen(self._job_changed)

    def start(self) -> None:
        """The jobs must have been listed."""
        self.cron_jobs.start()
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        self.cron_jobs.stop()

    def _changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _job_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        job = new or old
        owner = controller_of(job) if job is not None else None
        if job is not None and owner is not None and owner["kind"] == CRON_JOBS.kind:
            self._queue.add((namespace_of(job), owner["name"]))

    def _reconcile(self, key: Key) -> None:
        cron_job = self.cron_jobs.get(*key)
        if cron_job is None or is_deleting(cron_job):
            return
        owned = [job for job in self._jobs.items() if _owner_uid(job) == uid_of(cron_job)]
        status = _refreshed(cron_job, owned)
        try:
            self._tell_ended(cron_job, owned)
            self._clean_up(cron_job, owned)
            if not cron_job["spec"].get("suspend"):
                self._run_due(cron_job, owned, status)
            if status != (cron_job.get("status") or {}):
                self._client.replace(CRON_JOBS, {**cron_job, "status": status}, subresource="status")
        except (Conflict, NotFound):
            self._queue.add_after(key, 0.05)

    # --- what is due ----------------------------------------------------------------------------------------------

    def _run_due(self, cron_job: Document, owned: list[Document], status: dict[str, Any]) -> None:
        spec, now = cron_job["spec"], clock.now()
        try:
            schedule = parse_schedule(spec["schedule"], spec.get("timeZone"))
        except WrongSchedule as problem:
            logger.warning("cron job %s/%s: %s", *key_of(cron_job), problem)
            return  # a change of the schedule is seen
        due = _due(cron_job, status, schedule, now)
        following = schedule.next_after(now)
        if following is not None:
            wait = (following - now).total_seconds()
            self._queue.add_after(key_of(cron_job), clock.real_seconds(wait) + 0.05)
        if due is None or _too_late(spec, due, now):
            return
        if any(name_of(job) == _job_name(cron_job, due) for job in owned):
            status["lastScheduleTime"] = format_time(due)
            return  # made already: the cache of the CronJob is behind
        active = [job for job in owned if not _has_ended(job)]
        policy = spec.get("concurrencyPolicy", "Allow")
        if policy == "Forbid" and active:
            note = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._teller.tell(cron_job, "JobAlreadyActive", note)
            return
        if policy == "Replace":
            for job in active:
                self._delete(cron_job, job)
            status["active"] = []
        self._make(cron_job, due, status)

    def _make(self, cron_job: Document, due: datetime, status: dict[str, Any]) -> None:
        status["lastScheduleTime"] = format_time(due)
        try:
            made = self._client.create(JOBS, _job(cron_job, due))
        except AlreadyExists:
            return  # made before; its name tells the moment
        status["active"] = [*(status.get("active") or []), _reference(made)]
        self._teller.tell(cron_job, "SuccessfulCreate", f"Created job {name_of(made)}")

    def _tell_ended(self, cron_job: Document, owned: list[Document]) -> None:
        """Of those that were running when the status was written last."""
        known = {one["uid"] for one in (cron_job.get("status") or {}).get("active") or []} - self._told
        for job in owned:
            for kind in ("Complete", "Failed"):
                if uid_of(job) in known and _ended_as(job, kind):
                    note = f"Saw completed job: {name_of(job)}, condition: {kind}"
                    self._teller.tell(cron_job, "SawCompletedJob", note)
                    self._told.add(uid_of(job))
            if (
                uid_of(job) not in self._told
                and not _has_ended(job)
                and SCHEDULED_AT not in annotations_of(job)
            ):
                forgot = f"Saw a job that the controller did not create or forgot: {name_of(job)}"
                self._teller.warn(cron_job, "UnexpectedJob", forgot)
                self._told.add(uid_of(job))
        self._told &= {uid_of(job) for job in self._jobs.items()}

    # --- what is over ---------------------------------------------------------------------------------------------

    def _clean_up(self, cron_job: Document, owned: list[Document]) -> None:
        """So many finished Jobs are kept, the youngest."""
        for kind, field, usual in (
            ("Complete", "successfulJobsHistoryLimit", 3),
            ("Failed", "failedJobsHistoryLimit", 1),
        ):
            limit = int(cron_job["spec"].get(field, usual))
            ended = sorted((job for job in owned if _ended_as(job, kind)), key=_begun)
            for job in ended[: max(len(ended) - limit, 0)]:
                self._delete(cron_job, job)

    def _delete(self, cron_job: Document, job: Document) -> None:
        try:
            self._client.delete(JOBS, name_of(job), namespace_of(job), uid=uid_of(job))
            self._teller.tell(cron_job, "SuccessfulDelete", f"Deleted job {name_of(job)}")
        except NotFound:
            logger.debug("job %s/%s is gone", *key_of(job))


def _reference(job: Document) -> Document:
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "name": name_of(job),
        "namespace": namespace_of(job),
        "uid": uid_of(job),
        "resourceVersion": job["metadata"]["resourceVersion"],
    }


def _owner_uid(job: Document) -> str:
    owner = controller_of(job)
    return owner["uid"] if owner is not None else ""


def _ended_as(job: Document, kind: str) -> bool:
    condition = condition_of(job, kind)
    return condition is not None and condition["status"] == "True"


def _has_ended(job: Document) -> bool:
    return _ended_as(job, "Complete") or _ended_as(job, "Failed")


def _begun(job: Document) -> tuple[str, str]:
    return str((job.get("status") or {}).get("startTime") or ""), name_of(job)


def _refreshed(cron_job: Document, owned: list[Document]) -> dict[str, Any]:
    """The status without Jobs that ended or went."""
    status: dict[str, Any] = dict(cron_job.get("status") or {})
    running = {uid_of(job): job for job in owned if not _has_ended(job) and not is_deleting(job)}
    known = [one for one in status.get("active") or [] if one["uid"] in running]
    unknown = _ours(running) - {one["uid"] for one in known}
    active = [*known, *(_reference(running[uid]) for uid in sorted(unknown))]
    status.pop("active", None)
    if active:
        status["active"] = active
    ends = [(job.get("status") or {}).get("completionTime") for job in owned if _ended_as(job, "Complete")]
    newest = max((str(end) for end in ends if end), default="")
    if newest > str(status.get("lastSuccessfulTime") or ""):
        status["lastSuccessfulTime"] = newest
    return status


def _ours(jobs: dict[str, Document]) -> set[str]:
    """uids of the Jobs made for a moment; others (`kubectl create job --from`) belong to the CronJob and are not counted."""
    return {uid for uid, job in jobs.items() if SCHEDULED_AT in annotations_of(job)}


def _due(cron_job: Document, status: dict[str, Any], schedule: Schedule, now: datetime) -> datetime | None:
    """The newest moment that has come since the last one that was used."""
    after = parse_time(status.get("lastScheduleTime") or cron_job["metadata"]["creationTimestamp"])
    deadline = cron_job["spec"].get("startingDeadlineSeconds")
    if deadline is not None:
        after = max(after, now - timedelta(seconds=int(deadline)))
    newest = None
    for number, moment in enumerate(schedule.between(after, now)):
        newest = moment
        if number > MOST_MISSED:  # asleep for long: near the present is near enough
            recent = list(schedule.between(max(moment, now - timedelta(days=1)), now))
            return recent[-1] if recent else newest
    return newest


def _too_late(spec: dict[str, Any], due: datetime, now: datetime) -> bool:
    deadline = spec.get("startingDeadlineSeconds")
    return deadline is not None and now > due + timedelta(seconds=int(deadline))


def _job_name(cron_job: Document, due: datetime) -> str:
    return f"{name_of(cron_job)}-{int(due.timestamp()) // 60}"


def _job(cron_job: Document, due: datetime) -> Document:
    """Named after its moment, so that no moment is used twice."""
    template = copy.deepcopy(cron_job["spec"]["jobTemplate"])
    metadata: dict[str, Any] = {
        "name": _job_name(cron_job, due),
        "namespace": namespace_of(cron_job),
        "annotations": {
            **((template.get("metadata") or {}).get("annotations") or {}),
            SCHEDULED_AT: format_time(due),
        },
        "ownerReferences": [owner_reference(cron_job)],
    }
    labels = (template.get("metadata") or {}).get("labels")
    if labels:
        metadata["labels"] = labels
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": metadata,
        "spec": template["spec"],
    }
