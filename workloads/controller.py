"""Keeps the children of custom resources as they are wanted, and brings their state back. One for each cluster; level-triggered."""

import threading
from collections.abc import Mapping
from typing import Any

import structlog
from django.db import close_old_connections, connection, transaction

from access.errors import InvalidInput
from cluster import labels
from cluster.client import ClusterClient
from cluster.documents import (
    Document,
    format_time,
    is_deleting,
    name_of,
    namespace_of,
    owner_reference,
    with_condition,
)
from cluster.errors import ClusterError, NotFound
from cluster.kinds import EVENTS, PODS, Kind
from cluster.watch import WatchCache
from workloads import history, recorder
from workloads.adopting import NOT_OURS_YET, adopt
from workloads.children import ensure_children
from workloads.custom_resources import attempt_of, identity_of, is_suspended, spec_of
from workloads.heard_events import HeardEvents
from workloads.kinds import KINDS
from workloads.kinds.kind import WorkloadKind
from workloads.manifests import Order
from workloads.models import DesiredPhase, Workload
from workloads.objects import ObjectsByWorkload, Versions, version_of
from workloads.phases import Phase
from workloads.tasks import keep_log
from workloads.work_queue import WorkQueue

log = structlog.get_logger(__name__)
SELECTOR = labels.WORKLOAD_ID
RESYNC_SECONDS = 30.0
"""Real time between two looks at everything: whatever was missed is found then."""
THREADS = 4
"""They wait for the cluster most of the time; rows are written by one at a time."""
DEAF_SECONDS = 1.0
"""Real time after which a workload is looked at again whose cluster did not answer."""
GATHER_SECONDS = 0.05
"""Changes come in bursts: one look answers for all that come within this time."""
SETTLED_FACTS = ("wish", "sent_wish", "desired_phase", "phase", "attempt")
Settled = tuple[tuple[Any, ...], Versions]
"""Facts of the row and versions of its objects, after a look that left nothing to do."""


class WorkloadController:
    """Threads: one for each watch, one that reconciles. `start` and `stop` once each."""

    def __init__(self, cluster_id: str, client: ClusterClient) -> None:
        self.cluster_id = cluster_id
        self.client = client
        self.objects = ObjectsByWorkload()
        self.queue = WorkQueue()
        self._settled: dict[str, Settled] = {}
        self.caches = [self._cache(kind, SELECTOR) for kind in _watched_kinds()]
        self.heard = HeardEvents(self.objects)
        self.events = WatchCache(client, EVENTS, on_change=self.heard.take)
        self.strangers = [self._strangers(kind) for kind in KINDS.values()]
        self._stopping = threading.Event()
        self._was_deaf = False
        self._writing = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, name=f"workloads-{number}-{cluster_id}", daemon=True)
            for number in range(THREADS)
        ]

    def _cache(self, kind: Kind, selector: str) -> WatchCache:
        def changed(_type: str, new: Document | None, old: Document | None) -> None:
            workload_id = self.objects.take(kind, new, old)
            if workload_id:
                self.queue.add(workload_id, after_seconds=GATHER_SECONDS)

        return WatchCache(self.client, kind, label_selector=selector, on_change=changed)

    def _strangers(self, kind: WorkloadKind) -> WatchCache:
        """Custom resources that nobody submitted through us."""

        def changed(_type: str, new: Document | None, _old: Document | None) -> None:
            if new is not None and not is_deleting(new):
                self.queue.add(f"{_ADOPT}{kind.key}/{namespace_of(new)}/{name_of(new)}")

        return WatchCache(self.client, kind.resource, label_selector=NOT_OURS_YET, on_change=changed)

    def start(self) -> None:
        """Returns at once; the first lists happen in the threads."""
        for cache in (*self.caches, self.events, *self.strangers):
            cache.start()
        self.queue.add(_RESYNC)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self.queue.close()
        for cache in (*self.caches, self.events, *self.strangers):
            cache.stop()
        for thread in self._threads:
            thread.join(5.0)

    @property
    def is_synced(self) -> bool:
        """Whether every collection was listed once: before that an absent object proves nothing."""
        return all(cache.synced() for cache in self.caches)

    @property
    def hears(self) -> bool:
        """Whether the cluster answers: what the caches hold is old while it does not, and proves nothing of now."""
        return all(cache.healthy for cache in self.caches)

    # --- the reconciling thread -------------------------------------------------------------------------------------

    def _run(self) -> None:
        for cache in self.caches:
            while not cache.synced(1.0):
                if self._stopping.is_set():
                    return
        while not self._stopping.is_set():
            workload_id = self.queue.take(1.0)
            close_old_connections()
            if workload_id is not None:
                self.queue.done(workload_id, failed=not self._try(workload_id))
            self._record_events()
        connection.close()

    def resync(self) -> None:
        """Every living row and its objects are compared with what they were when all was well; what differs is looked at."""
        self.queue.add(_RESYNC, after_seconds=RESYNC_SECONDS)
        living = Workload.objects.filter(cluster_id=self.cluster_id, deleted_at__isnull=True)
        facts = {str(row[0]): row[1:] for row in living.values_list("pk", *SETTLED_FACTS)}
        self._settled = {key: value for key, value in self._settled.items() if key in facts}
        for workload_id, row in facts.items():
            if self._settled.get(workload_id) != (row, self.objects.versions(workload_id)):
                self.queue.add(workload_id)

    def _try(self, workload_id: str) -> bool:
        if not self.hears:
            self._was_deaf = True
            self.queue.add(workload_id, after_seconds=DEAF_SECONDS)
            return True
        try:
            if self._was_deaf:
                self._was_deaf = False
                self.resync()
            if workload_id == _RESYNC:
                self.resync()
            elif workload_id.startswith(_ADOPT):
                key, namespace, name = workload_id.removeprefix(_ADOPT).split("/")
                with self._writing:
                    adopt(self.cluster_id, self.client, KINDS[key], namespace, name)
            else:
                self.reconcile(workload_id)
        except ClusterError as error:
            log.warning("workload not reconciled", workload=workload_id, error=error.message)
            return False
        except Exception:
            log.exception("workload not reconciled", workload=workload_id)
            return False
        return True

    def _record_events(self) -> None:
        if not len(self.heard) or not self._writing.acquire(blocking=False):
            return  # another thread writes: it comes here next
        try:
            self.heard.record()
        except Exception:
            log.exception("events not recorded")
        finally:
            self._writing.release()

    # --- one workload -----------------------------------------------------------------------------------------------

    def reconcile(self, workload_id: str) -> None:
        """Children first, then the rows, then what the custom resource says of itself."""
        row = (
            Workload.objects.select_related("project")
            .filter(pk=workload_id, cluster_id=self.cluster_id)
            .first()
        )
        kind = KINDS.get(row.kind) if row else None
        if row is None or kind is None:
            return
        versions = self.objects.versions(workload_id)
        if self._settled.get(workload_id) == (facts_of(row), versions):
            return  # an echo of what was written here
        found = self.objects.of(workload_id, kind.resource)
        if found.resource is None and row.cr_uid and row.deleted_at is None:
            self._confirm_gone(row, kind)
        order, problem = _order_of(found.resource, kind)
        if order is not None:
            problem = ensure_children(self.client, kind, order, found)
        with self._writing:  # one writer at a time: SQLite would make the others sleep
            recorded = recorder.record(workload_id, found, order, problem)
        if recorded is None:
            return
        if not recorded.workload.is_sent:
            self.queue.add(workload_id, after_seconds=1.0)
        for pod in recorded.pods_to_keep:
            keep_log.apply_async((pod,), queue="cluster")
        if found.resource is not None and not is_deleting(found.resource):
            versions = self._tell_resource(kind, found.resource, recorded, versions)
        if not problem:  # what stands in the way may leave without a sign: it is looked at again
            self._settled[workload_id] = (facts_of(recorded.workload), versions)

    def _confirm_gone(self, row: Workload, kind: WorkloadKind) -> None:
        """An object missing from the watch may only be late: ask. What is gone was deleted in the cluster, which is the truth."""
        if row.desired_phase == DesiredPhase.DELETED or not row.is_sent:
            return
        try:
            self.client.get(kind.resource, row.name, row.project.namespace)
        except NotFound:
            with transaction.atomic():
                workload = Workload.objects.select_for_update().get(pk=row.pk)
                workload.desired_phase = DesiredPhase.DELETED
                workload.save(update_fields=["desired_phase"])
                history.tell(workload, "Deleting", f"Its {kind.resource.kind} was deleted in the cluster.")

    def _tell_resource(
        self, kind: WorkloadKind, resource: Document, recorded: recorder.Recorded, versions: Versions
    ) -> Versions:
        """The status of the custom resource, for kubectl and everyone else; written only when it differs.

        Returns the versions with our own change in them, so that its echo is no news.
        """
        before = resource.get("status") or {}
        status = _status_document(resource, recorded)
        if all(before.get(name) == value for name, value in status.items()):
            return versions
        try:
            written = self.client.merge_patch(
                kind.resource,
                name_of(resource),
                {"status": status},
                namespace=namespace_of(resource),
                subresource="status",
            )
        except NotFound:
            return versions
        if not self.objects.put(kind.resource, written, instead_of=resource):
            return versions
        # only this object's: what else has changed meanwhile has not been looked at
        return versions - {version_of(kind.resource, resource)} | {version_of(kind.resource, written)}


_RESYNC = "resync"
_ADOPT = "adopt:"


def facts_of(row: Workload) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in SETTLED_FACTS)


def _watched_kinds() -> list[Kind]:
    kinds = [PODS]
    for one in KINDS.values():
        kinds += [kind for kind in (one.resource, *one.child_kinds) if kind not in kinds]
    return kinds


def _order_of(resource: Mapping[str, Any] | None, kind: WorkloadKind) -> tuple[Order | None, str]:
    """What the custom resource asks for, or why it cannot be read."""
    if resource is None or is_deleting(resource):
        return None, ""
    try:
        spec = spec_of(resource, kind)
    except InvalidInput as error:
        return None, str(error)
    order = Order(
        spec=spec,
        identity=identity_of(resource),
        owner=owner_reference(resource),
        attempt=attempt_of(resource),
        suspended=is_suspended(resource),
    )
    return order, ""


def _status_document(resource: Document, recorded: recorder.Recorded) -> dict[str, Any]:
    row, said = recorded.workload, recorded.status
    condition: Any = {
        "type": "Running",
        "status": "True" if row.phase == Phase.RUNNING else "False",
        "reason": said.reason or row.phase,
        "message": said.message,
        "lastTransitionTime": format_time(row.phase_since),
    }
    conditions = (resource.get("status") or {}).get("conditions")
    return {
        "phase": row.phase,
        "reason": said.reason,
        "message": said.message,
        "pods": f"{row.running_pods}/{row.requested_pods}",
        "runningPods": row.running_pods,
        "requestedPods": row.requested_pods,
        "nodePool": row.current_pool,
        "allocatedGPUs": row.allocated_gpu_milli / 1000
        if row.allocated_gpu_milli % 1000
        else row.allocated_gpu_milli // 1000,
        "observedGeneration": int(resource["metadata"].get("generation") or 0),
        "conditions": with_condition(conditions, condition),
    }
