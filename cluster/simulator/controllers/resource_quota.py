"""The ResourceQuota controller: what is left of each quota. The API server adds what comes; what goes is given back here."""

import logging

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import Document, is_deleting, key_of, namespace_of
from cluster.errors import Conflict, NotFound
from cluster.kinds import RESOURCE_QUOTAS
from cluster.pods import is_finished
from cluster.simulator.controllers.counted_kinds import CountedKinds
from cluster.simulator.limits.quotas import used_by
from cluster.simulator.limits.usage import overdue_at
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]


class ResourceQuotaController:
    """Counts anew from lists that are younger than the quota it writes.

    The server changes a quota with each object it lets in, so that a count which misses one meets a conflict; watches, which
    run apart, would let it write too little.
    """

    def __init__(self, client: ClusterClient, pods: WatchCache) -> None:
        self._client = client
        self._kinds = CountedKinds(client, self._less)
        self.quotas = WatchCache(client, RESOURCE_QUOTAS, on_change=self._changed)
        self._queue: WorkQueue[Key] = WorkQueue("resourcequota-controller", self._reconcile, threads=1)
        pods.listen(self._pod_changed)

    def start(self) -> None:
        """The pods must have been listed."""
        self.quotas.start()
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        self.quotas.stop()
        self._kinds.stop()

    def _changed(self, event: str, new: Document | None, old: Document | None) -> None:
        if new is not None and (old is None or new["spec"] != old["spec"]):
            self._queue.add(key_of(new))

    def _less(self, namespace: str) -> None:
        for quota in self.quotas.items():
            if namespace_of(quota) == namespace:
                self._queue.add(key_of(quota))

    def _pod_changed(self, event: str, new: Document | None, old: Document | None) -> None:
        if old is None:
            return
        if new is None or (is_finished(new) and not is_finished(old)):
            self._less(namespace_of(old))
            return
        moment = overdue_at(new)
        if moment is not None and not is_deleting(old):
            seconds = clock.real_seconds((moment - clock.now()).total_seconds())
            for quota in self.quotas.items():
                if namespace_of(quota) == namespace_of(new):
                    self._queue.add_after(key_of(quota), seconds + 0.5)

    def _reconcile(self, key: Key) -> None:
        known = self.quotas.get(*key)
        if known is None or is_deleting(known):
            return
        kinds = self._kinds.of(known["spec"].get("hard") or {})
        try:
            quota = self._client.get(RESOURCE_QUOTAS, key[1], key[0])
            hard = quota["spec"].get("hard") or {}
            objects = {name: self._client.list(kind, key[0]).items for name, kind in kinds.items()}
            before = quota.get("status") or {}
            status = {"hard": hard, "used": used_by(quota, objects, clock.now())}
            if status == before:
                return
            self._client.replace(RESOURCE_QUOTAS, {**quota, "status": status}, subresource="status")
        except (Conflict, NotFound):
            self._queue.add_after(key, 0.05)
            return
        if hard != before.get("hard"):
            self._queue.add(key)  # what came before the server knew these limits was not charged
