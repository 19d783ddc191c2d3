"""Keys to be worked on: each once however often it was named, never twice at the same time, again after a failure."""

import heapq
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cluster.errors import ClusterError
from cluster.retries import RetryPolicy

logger = logging.getLogger(__name__)
KeyT = TypeVar("KeyT", bound=Hashable)

_AGAIN = RetryPolicy(first_wait=0.1, longest_wait=15.0)


class WorkQueue(Generic[KeyT]):
    """A few threads that call `handle(key)`. Delays are real seconds; idle threads sleep without waking."""

    def __init__(self, name: str, handle: Callable[[KeyT], None], *, threads: int) -> None:
        self._name = name
        self._handle = handle
        self._changed = threading.Condition()
        self._ready: deque[KeyT] = deque()
        self._queued: set[KeyT] = set()
        self._busy: set[KeyT] = set()
        self._later: list[tuple[float, int, KeyT]] = []
        self._sequence = 0
        self._failures: dict[KeyT, int] = {}
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout)

    def add(self, key: KeyT) -> None:
        """Work on it soon; when it is being worked on, once more after that."""
        with self._changed:
            self._push(key)

    def add_after(self, key: KeyT, seconds: float) -> None:
        """Work on it in that many real seconds at the earliest."""
        with self._changed:
            self._sequence += 1
            heapq.heappush(self._later, (time.monotonic() + seconds, self._sequence, key))
            self._changed.notify()

    def idle(self) -> bool:
        """Nothing waits and nothing is being worked on; what is put off does not count."""
        with self._changed:
            return not self._queued and not self._busy

    def _push(self, key: KeyT) -> None:
        if key in self._queued:
            return
        self._queued.add(key)
        if key not in self._busy:
            self._ready.append(key)
            self._changed.notify()

    def _work(self) -> None:
        while (key := self._next()) is not None:
            try:
                self._handle(key)
            except ClusterError as error:
                self._fail(key, error)
            except Exception:
                # one object that we cannot handle must not stop the others
                logger.exception("%s: %s", self._name, key)
                self._fail(key, None)
            else:
                self._failures.pop(key, None)
            self._finish(key)

    def _fail(self, key: KeyT, error: ClusterError | None) -> None:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        wait = _AGAIN.wait(count)
        if error is not None:
            logger.log(
                logging.WARNING if count > 2 else logging.INFO,
                "%s: %s: %s (failure %d, again in %.1f s)",
                self._name,
                key,
                error.message,
                count,
                wait,
            )
        self.add_after(key, wait)

    def _next(self) -> KeyT | None:
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                while self._later and self._later[0][0] <= now:
                    self._push(heapq.heappop(self._later)[2])
                if self._ready:
                    key = self._ready.popleft()
                    self._queued.discard(key)
                    self._busy.add(key)
                    return key
                self._changed.wait(self._later[0][0] - now if self._later else None)
            return None

    def _finish(self, key: KeyT) -> None:
        with self._changed:
            self._busy.discard(key)
            if key in self._queued:
                self._ready.append(key)
                self._changed.notify()
