"""A queue of keys to look at again: each key stands in it once, may wait, and comes back later after a failure. Pure threading."""

import heapq
import threading
import time
from collections.abc import Callable

LONGEST_PAUSE_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.5


class WorkQueue:
    """Thread-safe. A key added while it is worked on is worked on again afterwards, never at the same time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._condition = threading.Condition()
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._working: set[str] = set()
        self._failures: dict[str, int] = {}
        self._closed = False

    def add(self, key: str, *, after_seconds: float = 0.0) -> None:
        """Work on `key` after some time; of several wishes the earliest counts."""
        moment = self._monotonic() + after_seconds
        with self._condition:
            if key in self._due and self._due[key] <= moment:
                return
            self._due[key] = moment
            heapq.heappush(self._heap, (moment, key))
            self._condition.notify()

    def take(self, timeout_seconds: float) -> str | None:
        """The next key that is due, or None after `timeout_seconds` or when closed. Follow with `done`."""
        give_up = self._monotonic() + timeout_seconds
        with self._condition:
            while not self._closed:
                key, wait = self._next()
                if key is not None:
                    self._working.add(key)
                    return key
                left = give_up - self._monotonic()
                if left <= 0:
                    return None
                self._condition.wait(min(left, wait))
            return None

    def done(self, key: str, *, failed: bool = False) -> None:
        """The work on `key` has ended; a failed one comes back after a pause that doubles."""
        with self._condition:
            self._working.discard(key)
            if not failed:
                self._failures.pop(key, None)
                self._condition.notify()
                return
            count = self._failures[key] = self._failures.get(key, 0) + 1
        self.add(
            key, after_seconds=min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (min(count, 10) - 1))
        )

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def __len__(self) -> int:
        return len(self._due)

    def _next(self) -> tuple[str | None, float]:
        """A due key, or how long the next one still waits."""
        now, held = self._monotonic(), []
        found: str | None = None
        wait = LONGEST_PAUSE_SECONDS
        while self._heap and found is None:
            moment, key = self._heap[0]
            if self._due.get(key) != moment:
                heapq.heappop(self._heap)  # superseded by an earlier wish
            elif moment > now:
                wait = moment - now
                break
            else:
                heapq.heappop(self._heap)
                if key in self._working:
                    held.append((moment, key))
                else:
                    del self._due[key]
                    found = key
        for entry in held:
            heapq.heappush(self._heap, entry)
        return found, wait
