"""Waits for what must become true, as long as a slow machine may need."""

import time
from collections.abc import Callable
from typing import Any


def eventually(claim: Callable[[], Any], seconds: float = 90, *, every: float = 0.05) -> bool:
    """Whether the claim became true in time; an assertion inside it counts as not yet."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            if claim():
                return True
        except AssertionError:
            if time.monotonic() > give_up:
                raise
        if time.monotonic() > give_up:
            return False
        time.sleep(every)
