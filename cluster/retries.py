"""The one retry policy: what may be sent again, how long to wait before, and how much of it a process may do. Pure but for a clock."""

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRANSIENT = frozenset({500, 502, 503, 504})
"""Nobody knows whether the request had an effect."""


@dataclass(frozen=True)
class RetryPolicy:
    """Doubling waits with jitter, so that many clients do not come back at the same moment. Times in seconds."""

    attempts: int = 5
    first_wait: float = 0.1
    longest_wait: float = 5.0

    def wait(self, failures: int) -> float:
        """How long to wait after that many failures in a row (1 = the first)."""
        ceiling = min(self.longest_wait, self.first_wait * 2.0 ** min(failures - 1, 30))
        return random.uniform(ceiling / 2, ceiling)  # noqa: S311 (jitter, no secret)


class RetryBudget:
    """A process sends so many requests again, and no more: a server that is down is not asked five times as much as one that is up.

    `most` at once, and `per_second` in the long run. Thread-safe.
    """

    def __init__(
        self, *, most: int = 50, per_second: float = 10.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = float(most)
        self._per_second = per_second
        self._monotonic = monotonic
        self._left = self._most
        self._at = monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether one more may be sent."""
        with self._lock:
            now = self._monotonic()
            self._left = min(self._most, self._left + (now - self._at) * self._per_second)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


def may_repeat(code: int, retry_after: float | None, *, idempotent: bool, conflicts: bool = False) -> bool:
    """Whether an answered request may be sent again.

    429 and 503 with a Retry-After say that nothing was done, so even what must not be done twice may be repeated; other server
    errors leave that open. `conflicts` says that the request named no version, so that a 409 is only bad luck.
    """
    if code == 409:
        return conflicts and idempotent
    if code == 429:
        return retry_after is not None or idempotent
    if code == 503 and retry_after is not None:
        return True
    return idempotent and code in TRANSIENT


def effect_is_unknown(code: int, retry_after: float | None) -> bool:
    """Whether a request that was answered so may have been done all the same."""
    return code in TRANSIENT and not (code == 503 and retry_after is not None)


def seconds_of(header: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """A Retry-After header in seconds, written as a number or, as proxies do, as a date; None when it is neither.

    A wait beyond the deadline of the request is not shortened: the request fails at once instead.
    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        return _seconds_until(header, now())
    return seconds if seconds >= 0 and not math.isnan(seconds) else None


def _seconds_until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
