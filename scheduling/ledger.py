"""What a run has to write once its effects are under way: collected, then written in one transaction."""

import time
from collections.abc import Callable, Hashable

from django.db import transaction

QUIET_SECONDS = 0.5
"""Real time between two writes while the cluster keeps us busy: what several cycles have noted is then one transaction."""
LONGEST_WAIT_SECONDS = 3.0
"""Real time that anything noted may wait behind effects under way."""


class Ledger:
    """In the order in which it was noted. What cannot be written stays noted for the next time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._pending: dict[Hashable, Callable[[], object]] = {}
        self._eldest_at = 0.0
        self._wrote_at: float | None = None

    def note(self, write: Callable[[], object], *, instead_of: Hashable = None) -> None:
        """`instead_of` names what is written: an earlier note of that name need not be written any more."""
        if not self._pending:
            self._eldest_at = self._monotonic()
        name = object() if instead_of is None else instead_of
        self._pending.pop(name, None)
        self._pending[name] = write

    def is_due(self, *, busy: bool) -> bool:
        """Whether to write now; `busy`: effects are under way, whose speed counts more than pages that are a moment younger."""
        if not self._pending:
            return False
        now = self._monotonic()
        if busy:
            return now - self._eldest_at >= LONGEST_WAIT_SECONDS
        return self._wrote_at is None or now - self._wrote_at >= QUIET_SECONDS

    def write(self) -> None:
        """Everything noted so far."""
        if not self._pending:
            return
        self._wrote_at = self._monotonic()
        with transaction.atomic():
            for write in self._pending.values():
                write()
        self._pending.clear()
