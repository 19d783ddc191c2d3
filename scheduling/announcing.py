"""Events about what was done to pods, written behind the effects themselves: a pod must not wait for the news about another."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import structlog

from cluster.errors import ClusterError
from cluster.events import EventRecorder
from scheduling.pod_facts import PodFacts

WAITING_AT_MOST = 20_000
"""News that are not written yet; what comes on top is dropped, and the log says how much."""
LONGEST_WAIT_SECONDS = 5.0
"""Real time that effects under way may hold back an event."""
GOODBYE_SECONDS = 3.0
"""How long a stop waits for what is not written yet."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """One event about a pod; `at` in product time."""

    pod: PodFacts
    reason: str
    note: str
    action: str
    at: datetime
    kind: Literal["Normal", "Warning"] = "Normal"


class Announcer:
    """One thread that writes; `tell` never waits. An event is an extra: one that cannot be written is let go."""

    def __init__(self, recorder: EventRecorder, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._recorder = recorder
        self._monotonic = monotonic
        self._waiting: deque[tuple[float, News]] = deque()
        self._changed = threading.Condition()
        self._effects = 0
        self._writing = False
        self._dropped = 0
        self._stop_at: float | None = None
        self._thread: threading.Thread | None = None

    def tell(self, news: News) -> None:
        with self._changed:
            if self._stop_at is not None or len(self._waiting) >= WAITING_AT_MOST:
                self._dropped += 1
                return
            held_already = bool(self._waiting and self._effects)  # its thread knows until when
            self._waiting.append((self._monotonic(), news))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tell-events", daemon=True)
                self._thread.start()
            if not held_already:
                self._changed.notify_all()

    @contextmanager
    def after_effects(self) -> Iterator[None]:
        """Meanwhile nothing is written, unless it has waited for long."""
        with self._changed:
            self._effects += 1
        try:
            yield
        finally:
            with self._changed:
                self._effects -= 1
                self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until everything told so far is written; False when that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._writing, timeout)

    def close(self) -> None:
        with self._changed:
            self._stop_at = self._monotonic() + GOODBYE_SECONDS
            self._changed.notify_all()
            left = self._dropped + len(self._waiting)
        if self._thread is not None:
            self._thread.join(GOODBYE_SECONDS + 1)
            left = self._dropped + len(self._waiting)
        if left:
            log.warning("events were not written", count=left)

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (news := self._next()) is not None:
            try:
                self._recorder.record(
                    news.pod.document,
                    reason=news.reason,
                    note=news.note,
                    action=news.action,
                    at=news.at,
                    kind=news.kind,
                )
            except ClusterError as error:
                pod = f"{news.pod.namespace}/{news.pod.name}"
                log.info("an event was not written", pod=pod, error=error.message)

    def _next(self) -> News | None:
        """The eldest, once it may be written; None when it is time to end."""
        with self._changed:
            self._writing = False
            self._changed.notify_all()
            while True:
                now = self._monotonic()
                if self._stop_at is not None and (not self._waiting or now >= self._stop_at):
                    return None
                if self._waiting:
                    told, news = self._waiting[0]
                    held_for = told + LONGEST_WAIT_SECONDS - now
                    if not self._effects or held_for <= 0 or self._stop_at is not None:
                        self._waiting.popleft()
                        self._writing = True
                        return news
                    self._changed.wait(held_for)
                else:
                    self._changed.wait()
