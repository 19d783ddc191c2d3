"""What was done to pods but not echoed by the watch yet: the place is held, so that the next cycle does not decide it again."""

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

HOLD_SECONDS = 30.0
"""Real seconds; after that the cluster's word counts again, whatever it is."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """`node` is where the pod was bound; "" means that it was told to go."""

    node: str
    until: float


class Assumptions:
    """Thread-safe: bindings are reported from the executor's threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._by_pod: dict[str, Assumption] = {}

    def bound(self, pod_uid: str, node: str) -> None:
        self._put(pod_uid, node)

    def evicted(self, pod_uid: str) -> None:
        self._put(pod_uid, "")

    def forget(self, pod_uid: str) -> None:
        with self._lock:
            self._by_pod.pop(pod_uid, None)

    def current(self, *, pending: Collection[str], placed: Collection[str]) -> dict[str, Assumption]:
        """Those that still count: bindings of pods that the watch shows as pending, evictions of pods it shows as placed."""
        now = self._monotonic()
        with self._lock:
            self._by_pod = {
                uid: one
                for uid, one in self._by_pod.items()
                if one.until > now and uid in (pending if one.node else placed)
            }
            return dict(self._by_pod)

    def _put(self, pod_uid: str, node: str) -> None:
        with self._lock:
            self._by_pod[pod_uid] = Assumption(node, self._monotonic() + HOLD_SECONDS)
