"""The one retry policy: what may be sent again, and how long to wait before. Pure."""

import random
from dataclasses import dataclass

TRANSIENT = frozenset({500, 502, 503, 504})
_LONGEST_RETRY_AFTER = 60.0


@dataclass(frozen=True)
class RetryPolicy:
    """Doubling waits with full jitter, so that many clients do not come back at the same moment. Times in seconds."""

    attempts: int = 5
    first_wait: float = 0.1
    longest_wait: float = 5.0

    def wait(self, failures: int) -> float:
        """How long to wait after that many failures in a row (1 = the first)."""
        ceiling = min(self.longest_wait, self.first_wait * 2.0 ** min(failures - 1, 30))
        return random.uniform(ceiling / 2, ceiling)  # noqa: S311 (jitter, no secret)


def may_repeat(code: int, retry_after: float | None, *, idempotent: bool) -> bool:
    """Whether an answered request may be sent again.

    429 and 503 with a Retry-After say that nothing was done, so even a create may be repeated; other server errors
    leave that open, so only requests that may be done twice are.
    """
    if code == 429:
        return retry_after is not None or idempotent
    if code == 503 and retry_after is not None:
        return True
    return idempotent and code in TRANSIENT


def seconds_of(header: str | None) -> float | None:
    """A Retry-After header in seconds; its form with a date is not used by Kubernetes and counts as none."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= _LONGEST_RETRY_AFTER else None
