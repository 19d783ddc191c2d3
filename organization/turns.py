"""One at a time within a process. A call that hangs on a silent cluster must not be joined by the next, and the next."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_locks: dict[str, threading.Lock] = {}


@contextmanager
def turn(name: str) -> Iterator[bool]:
    """Whether it is ours; it never waits."""
    lock = _locks.setdefault(name, threading.Lock())
    is_ours = lock.acquire(blocking=False)
    try:
        yield is_ours
    finally:
        if is_ours:
            lock.release()
