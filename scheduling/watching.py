"""The scheduling worker's watch caches, one set per cluster; a change that could matter asks for a cycle at once.

`start` is called once in the process that consumes the queue `scheduling`; cycles run only there.
"""

import threading
import time
import uuid

import structlog
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

from cluster.client import ClusterClient
from cluster.documents import Document
from cluster.errors import ClusterError
from cluster.kinds import NODES, PODS
from cluster.watch import WatchCache
from organization.connections import client_of
from organization.models import Cluster
from scheduling import node_facts, pod_facts
from scheduling.company import Version, version_of
from scheduling.engine import SchedulerConfig
from scheduling.group_owners import kinds_of, owner_named_by
from scheduling.holders import unique_holder
from scheduling.leadership import Leadership
from scheduling.pool_config import installation_config
from scheduling.record import write_trouble
from scheduling.runner import ClusterRunner, CycleReport
from scheduling.world import KINDS, OPTIONAL, World

FULL_CYCLE_SECONDS = 10.0
"""A cycle runs this often (real time) even when the watch says that nothing changed."""
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.03, 0.1
"""Between the beginnings of two cycles, so that a burst of changes is read as one."""
PAUSE_FOR_COST = 4.0
"""The pause is as many times the processor time that the last cycle took: changes without end take a quarter of one processor."""
PATIENCE_SECONDS = 0.05
"""A cycle waits for its bindings as long; those of a longer plan go on while the next cycle looks."""
LOOK_FOR_CLUSTERS_SECONDS = 10.0
SYSTEM_NAMESPACE = "runai"
"""Where our leases live in a cluster, unless settings.SYSTEM_NAMESPACE says otherwise."""

log = structlog.get_logger(__name__)


def own_config() -> SchedulerConfig:
    """What this installation is set to."""
    return installation_config(
        evictions_at_most=settings.EVICTIONS_PER_PLAN_AT_MOST,
        protect_after=settings.PROTECT_AFTER_WAITING_SECONDS,
    )


def ask_for_cycle() -> None:
    """Send the tick now instead of waiting for beat; without a broker beat's next one will do."""
    if current_app.conf.task_always_eager:  # tests run ticks themselves, never inside a watch thread
        return
    try:
        current_app.send_task("scheduling.tick", queue="scheduling", expires=2, retry=False)
    except OperationalError as error:
        log.info("a cycle was not asked for", error=str(error))


class ClusterWatch:
    """Everything one cluster needs in this process: caches, a flag that something changed, and the runner."""

    def __init__(self, cluster: Cluster, client: ClusterClient, config: SchedulerConfig) -> None:
        self.cluster = cluster
        self._changed = threading.Event()
        self._changed.set()
        self._echoed = threading.Event()
        """Something happened that we did ourselves: looked at by the next tick, for which nobody hurries."""
        heard = {PODS: self._pod_changed, NODES: self._node_changed}
        self.caches = tuple(
            WatchCache(
                client, kind, on_change=heard.get(kind, self._object_changed), optional=kind in OPTIONAL
            )
            for kind in KINDS
        )
        namespace = getattr(settings, "SYSTEM_NAMESPACE", SYSTEM_NAMESPACE)
        leadership = Leadership(client, namespace=namespace, holder=unique_holder())
        self.runner = ClusterRunner(cluster, client, leadership=leadership, config=config)
        self._ran_at = -FULL_CYCLE_SECONDS
        self._pause = SHORTEST_PAUSE_SECONDS
        self._company: Version | None = None

    def start(self) -> None:
        for cache in self.caches:
            cache.start()

    def stop(self) -> None:
        for cache in self.caches:
            cache.stop()
        self.runner.close()

    def run_if_due(self) -> CycleReport | None:
        """A cycle if something changed or the last is long ago; None when not due, or the cluster is away."""
        self._look_at_company()
        idle = time.monotonic() - self._ran_at
        if not self._is_news() and idle < FULL_CYCLE_SECONDS:
            self.runner.keep_up()  # a lease is shorter than the pause between two quiet cycles
            return None
        if not all(cache.synced() and cache.healthy for cache in self.caches):
            self._say_away(idle)
            return None
        if idle < self._pause:
            time.sleep(self._pause - idle)
        self._changed.clear()
        self._echoed.clear()
        self._ran_at, began = time.monotonic(), time.thread_time()
        report = None
        try:
            report = self.runner.run(self._world, PATIENCE_SECONDS)
        finally:
            if report is None or not report.led:
                self._changed.set()  # what changed still waits for a cycle that succeeds, under a lease
            cost = time.thread_time() - began
            self._pause = min(LONGEST_PAUSE_SECONDS, max(SHORTEST_PAUSE_SECONDS, PAUSE_FOR_COST * cost))
        return report

    def _is_news(self) -> bool:
        """While a long plan is being carried out its echoes are not worth a look each second."""
        return self._changed.is_set() or (self._echoed.is_set() and not self.runner.is_binding)

    def _look_at_company(self) -> None:
        """Quotas and pools are rows: an edit is noticed by the next tick."""
        version = version_of(self.cluster)
        if version != self._company:
            self._company = version
            self._changed.set()

    def _say_away(self, idle: float) -> None:
        if idle >= FULL_CYCLE_SECONDS:
            self._ran_at = time.monotonic()
            write_trouble(
                self.cluster, f"The cluster {self.cluster.name} does not answer; nothing is placed meanwhile."
            )

    def _world(self) -> World:
        return World.of(cache.items() for cache in self.caches)

    def _pod_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is not None and old is None:
            self._hint_at_owner(new)
        if new is None or old is None:
            self._note()
        elif new["spec"].get("nodeName") and not old["spec"].get("nodeName") and self.runner.echoes(new):
            self._echoed.set()
        elif pod_facts.matters(new, old):
            self._note()

    def _hint_at_owner(self, pod: Document) -> None:
        """Somebody who has just installed an operator does not wait until its kinds are asked for again."""
        named = owner_named_by(pod)
        kinds = kinds_of(named) if named else ()
        for cache in self.caches if kinds else ():
            if cache.kind in kinds:
                cache.hint()

    def _node_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is None or old is None or node_facts.matters(new, old):
            self._note()

    def _object_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        """What a Job or a budget counts changes with its pods, which are heard themselves."""
        if new is None or old is None or _asked(new) != _asked(old):
            self._note()

    def _note(self) -> None:
        """Only the first change since the last cycle asks for one; the rest are read with it."""
        if not self._changed.is_set():
            self._changed.set()
            ask_for_cycle()


def _asked(document: Document) -> tuple[object, ...]:
    """All but the status, whose changes follow others that are heard."""
    metadata = document["metadata"]
    rest = {key: value for key, value in document.items() if key not in ("metadata", "status")}
    return rest, metadata.get("labels"), metadata.get("annotations"), metadata.get("deletionTimestamp")


class Watches:
    """The clusters of this worker. Clusters that are added or removed are noticed by the tick."""

    def __init__(self) -> None:
        self._watches: dict[uuid.UUID, ClusterWatch] = {}
        self._looked_at: float | None = None
        self.running = False

    def look_for_clusters(self) -> None:
        now = time.monotonic()
        if self._looked_at is not None and now - self._looked_at < LOOK_FOR_CLUSTERS_SECONDS:
            return
        self._looked_at = now
        rows = {row.pk: row for row in Cluster.objects.all()}
        for key in set(self._watches) - set(rows):
            self._watches.pop(key).stop()
        for key, row in rows.items():
            if key not in self._watches:
                self._add(row)

    def _add(self, cluster: Cluster) -> None:
        try:
            watch = ClusterWatch(cluster, client_of(cluster), own_config())
        except (ClusterError, OSError, ValueError) as error:
            log.warning("a cluster cannot be watched", cluster=cluster.name, error=str(error))
            write_trouble(cluster, f"The cluster {cluster.name} cannot be reached: {error}")
            return
        watch.start()
        self._watches[cluster.pk] = watch

    def run_due_cycles(self) -> list[CycleReport]:
        """One cycle of each cluster that is due. An unreachable cluster does not hold up the others."""
        self.look_for_clusters()
        reports = []
        for watch in list(self._watches.values()):
            try:
                report = watch.run_if_due()
            except ClusterError as error:
                log.warning("no cycle", cluster=watch.cluster.name, error=error.message)
                write_trouble(watch.cluster, error.message)
                continue
            if report is not None:
                reports.append(report)
        return reports

    def stop(self) -> None:
        self.running = False
        while self._watches:
            self._watches.popitem()[1].stop()


WATCHES = Watches()
"""Of this process: the worker that consumes the queue `scheduling` and nobody else uses it."""


def start() -> None:
    """Begin to watch; the clusters themselves are looked up by the first tick, in the worker's own thread."""
    WATCHES.running = True
    ask_for_cycle()


def stop() -> None:
    WATCHES.stop()
