"""A watch of its own that notes when each pod got its node."""

import threading
import time

from cluster.client import ClusterClient
from cluster.documents import Document, uid_of
from cluster.kinds import PODS
from cluster.watch import WatchCache
from tests.benchmarks.binding.objects import NAMESPACE


class Observer:
    """`bound`: uid -> `time.monotonic()` of the event that first showed a node; a context manager."""

    def __init__(self, client: ClusterClient) -> None:
        self.bound: dict[str, float] = {}
        self.wrong: list[str] = []
        """Pods whose node changed, which must never happen."""
        self._nodes: dict[str, str] = {}
        self._lock = threading.Lock()
        self._cache = WatchCache(client, PODS, namespace=NAMESPACE, on_change=self._hear)

    def __enter__(self) -> "Observer":
        self._cache.start()
        if not self._cache.synced(30):
            raise TimeoutError("the observer's watch did not begin within 30 s")
        return self

    def __exit__(self, *_: object) -> None:
        self._cache.stop()

    def _hear(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is None:
            return
        node, uid = new["spec"].get("nodeName"), uid_of(new)
        if not node:
            return
        with self._lock:
            before = self._nodes.setdefault(uid, node)
            self.bound.setdefault(uid, time.monotonic())
            if before != node:
                self.wrong.append(f"{uid}: {before}, then {node}")

    def count(self, uids: set[str]) -> int:
        with self._lock:
            return sum(uid in self.bound for uid in uids)
