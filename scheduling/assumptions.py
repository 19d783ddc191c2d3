"""What was done to pods but not echoed by the watch yet: the place is held, so that the next cycle does not decide it again."""

import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from scheduling.engine.model.tasks import TaskState

HOLD_SECONDS = 30.0
"""Real seconds after the call; then the cluster's word counts again, whatever it is."""
_PLACED = (TaskState.BOUND, TaskState.RUNNING)


@dataclass(frozen=True, slots=True)
class Assumption:
    """`node` is where the pod was bound; "" means that it was told to go. `until` is infinite before the call is made.

    `lost` is a binding that surely failed: its place is held until its gang is held back.
    """

    node: str
    until: float
    lost: bool = False


class Assumptions:
    """Thread-safe: effects are reported from the executor's threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._by_pod: dict[str, Assumption] = {}

    def promised(self, pod_uid: str, node: str) -> None:
        """It is decided and about to be bound."""
        self._put(pod_uid, Assumption(node, math.inf))

    def bound(self, pod_uid: str, node: str) -> None:
        self._put(pod_uid, Assumption(node, self._monotonic() + HOLD_SECONDS))

    def evicted(self, pod_uid: str) -> None:
        self._put(pod_uid, Assumption("", self._monotonic() + HOLD_SECONDS))

    def failed(self, pod_uid: str) -> None:
        """The binding did not happen; `let_go` frees the place."""
        with self._lock:
            if pod_uid in self._by_pod:
                self._by_pod[pod_uid] = replace(self._by_pod[pod_uid], lost=True)

    def let_go(self, pod_uids: Iterable[str]) -> None:
        """Free the places of those that were never asked for or surely failed; of which nobody knows they stay held."""
        with self._lock:
            for uid in pod_uids:
                one = self._by_pod.get(uid)
                if one is not None and (one.lost or one.until == math.inf):
                    del self._by_pod[uid]

    def node_of(self, pod_uid: str) -> str | None:
        """Where the pod is held a place."""
        one = self._by_pod.get(pod_uid)
        return one.node if one and one.node else None

    def current(self, state_of: Callable[[str], TaskState | None]) -> dict[str, Assumption]:
        """Those that still count: bindings of pods that the watch shows as pending, evictions of pods it shows as placed."""
        now = self._monotonic()
        with self._lock:
            for uid, one in list(self._by_pod.items()):
                state = state_of(uid)
                shown = state is TaskState.PENDING if one.node else state in _PLACED
                if one.until <= now or not shown:
                    del self._by_pod[uid]
            return dict(self._by_pod)

    def _put(self, pod_uid: str, assumption: Assumption) -> None:
        with self._lock:
            self._by_pod[pod_uid] = assumption
