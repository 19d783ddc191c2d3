"""When something is due on the product's clock: one thread over a heap, however many pods there are."""

import heapq
import threading
from collections.abc import Callable
from datetime import datetime

from cluster import clock

_LONGEST_SLEEP = 1.0
"""Real seconds between looks while something is due later: the clock's speed may be changed meanwhile."""


class Agenda:
    """Calls `wake(key)` when the product's clock reaches the moment. A key may stand in it more than once."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self._changed = threading.Condition()
        self._due: list[tuple[datetime, int, str]] = []
        self._sequence = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="kubelet-agenda", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(5)

    def at(self, moment: datetime, key: str) -> None:
        with self._changed:
            self._sequence += 1
            heapq.heappush(self._due, (moment, self._sequence, key))
            if self._due[0][1] == self._sequence:
                self._changed.notify()

    def _run(self) -> None:
        while (key := self._next()) is not None:
            self._wake(key)

    def _next(self) -> str | None:
        with self._changed:
            while not self._stopping:
                if not self._due:
                    self._changed.wait()
                    continue
                left = (self._due[0][0] - clock.now()).total_seconds()
                if left <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(min(_LONGEST_SLEEP, clock.real_seconds(left)))
            return None
