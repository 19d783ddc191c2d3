"""Effects that go on in threads while their owner does something else."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

import structlog

from cluster.errors import ClusterError

log = structlog.get_logger(__name__)
Effect = tuple[str, "Future[None]"]
"""The uid of a pod, and what is done to it: begun by now, or waiting for its turn."""


@dataclass
class Outcomes:
    """What became of the effects, by pod uid; a failure carries its sentence."""

    done: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    """Not tried, because the lease was lost meanwhile."""


class Batch:
    """`outcomes` grow while it is waited for; they are complete when `wait` says so."""

    def __init__(
        self,
        effects: Iterable[Effect],
        *,
        heartbeat: Callable[[], None],
        during: AbstractContextManager[None],
    ) -> None:
        """`heartbeat` is called by who waits, after each effect; `during` lasts from before they are gone through until the end."""
        self.outcomes = Outcomes()
        self._heartbeat = heartbeat
        self._until_end = ExitStack()
        self._until_end.enter_context(during)
        self._waiting: deque[Effect] = deque(effects)
        self.uids = frozenset(uid for uid, _ in self._waiting)

    def wait(self, seconds: float | None = None) -> bool:
        """Whether all have ended, after at most so many seconds (None: to the end); raises only what ends the process."""
        give_up_at = None if seconds is None else time.monotonic() + seconds
        while self._waiting:
            uid, future = self._waiting[0]
            left = None if give_up_at is None else max(0.0, give_up_at - time.monotonic())
            if not future.done() and not wait_for([future], left).done:
                return False
            self._waiting.popleft()
            error = future.exception()
            self._note(uid, error)
            if error is not None and not isinstance(error, Exception):
                self.abandon()
                raise error
            self._heartbeat()
        self._until_end.close()
        return True

    def abandon(self) -> None:
        """Begin no more of them and wait for none: what has not ended by now counts as skipped."""
        for uid, future in self._waiting:
            if future.cancel() or not future.done():
                self.outcomes.skipped.add(uid)
            else:
                self._note(uid, future.exception())
        self._waiting.clear()
        self._until_end.close()

    def _note(self, uid: str, error: BaseException | None) -> None:
        if error is None:
            self.outcomes.done.add(uid)
        elif isinstance(error, ClusterError):
            self.outcomes.failed[uid] = error.message
        elif isinstance(error, LeaseLost) or not isinstance(error, Exception):
            self.outcomes.skipped.add(uid)
        else:  # a mistake of ours: its gang is held back as after any failure, and the others go on
            log.error("an effect broke off", pod_uid=uid, exc_info=error)
            self.outcomes.failed[uid] = f"{type(error).__name__}: {error}"


class LeaseLost(Exception):
    """Nothing was tried."""
