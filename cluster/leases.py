"""Who leads: a Kubernetes Lease that is taken, renewed and given back. All times are real.

Whether a rival's lease has run out is judged by our own clock since we saw it change last, so skewed clocks do no harm.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from cluster.client import ClusterClient
from cluster.documents import Document, format_micro_time
from cluster.errors import AlreadyExists, Conflict, NotFound
from cluster.kinds import LEASES

logger = logging.getLogger(__name__)


class Lease:
    """One contender for one lease. `holder` must be unique to the process (host, pid and a random part).

    Every taking raises the transition count, which is the fencing number: what was decided under a smaller one is old.
    """

    def __init__(
        self,
        client: ClusterClient,
        *,
        namespace: str,
        name: str,
        holder: str,
        duration_seconds: int = 15,
        monotonic: Callable[[], float] = time.monotonic,
        is_dead: Callable[[str], bool] = lambda holder: False,
    ) -> None:
        """`is_dead` says of a rival holder that it surely runs no more: its lease need not run out."""
        self._client = client
        self._namespace = namespace
        self._name = name
        self._holder = holder
        self._duration = duration_seconds
        self._monotonic = monotonic
        self._is_dead = is_dead
        self._seen: tuple[str, str] | None = None
        self._seen_at = 0.0
        self._held: Document | None = None
        self._renewed_at = 0.0

    @property
    def fencing_number(self) -> int | None:
        """The transition count while the lease is surely ours, else None: asks no one, so ask before every effect."""
        if self._held is None or self._monotonic() - self._renewed_at >= self._duration:
            return None
        return int(self._held["spec"].get("leaseTransitions", 0))

    def acquire(self) -> int | None:
        """Take the lease, or renew it if it is ours; the fencing number, or None while someone else holds it."""
        if self._held is not None and self.renew():
            return self.fencing_number
        asked_at = self._monotonic()
        try:
            current = self._client.get(LEASES, self._name, self._namespace)
        except NotFound:
            return self._create(asked_at)
        if not self._is_free(current):
            return None
        spec = current["spec"]
        return self._write(
            current, asked_at, transitions=int(spec.get("leaseTransitions") or 0) + 1, acquired=True
        )

    def renew(self) -> bool:
        """Prolong our hold; False when it was lost (also when it ran out before we asked)."""
        if self.fencing_number is None or self._held is None:
            self._held = None
            return False
        transitions = int(self._held["spec"]["leaseTransitions"])
        renewed = self._write(self._held, self._monotonic(), transitions=transitions, acquired=False)
        return renewed is not None

    def release(self) -> None:
        """Give it back at once, so that another need not wait; nothing when it is not ours any more."""
        held, self._held = self._held, None
        if held is None:
            return
        body = {**held, "spec": {**held["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}}
        try:
            self._client.replace(LEASES, body)
        except (Conflict, NotFound):
            logger.info("lease %s was taken by another before it was released", self._name)

    def _is_free(self, current: Document) -> bool:
        spec = current.get("spec") or {}
        if spec.get("holderIdentity") in (None, "", self._holder) or self._is_dead(
            str(spec["holderIdentity"])
        ):
            return True
        seen = (str(spec.get("holderIdentity")), str(spec.get("renewTime")))
        if seen != self._seen:
            self._seen, self._seen_at = seen, self._monotonic()
        lasts = float(spec.get("leaseDurationSeconds") or self._duration)
        return self._monotonic() - self._seen_at > lasts

    def _create(self, asked_at: float) -> int | None:
        document = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": self._spec(transitions=1, acquire_time=_real_now()),
        }
        try:
            self._held = self._client.create(LEASES, document)
        except AlreadyExists:
            return None
        self._renewed_at = asked_at
        return self.fencing_number

    def _write(self, current: Document, asked_at: float, *, transitions: int, acquired: bool) -> int | None:
        acquire_time = _real_now() if acquired else current["spec"].get("acquireTime")
        body = {**current, "spec": self._spec(transitions=transitions, acquire_time=acquire_time)}
        try:
            self._held = self._client.replace(LEASES, body)
        except (Conflict, NotFound):  # someone was quicker, or it was deleted
            self._held = None
            return None
        self._renewed_at = asked_at
        return self.fencing_number

    def _spec(self, *, transitions: int, acquire_time: str | None) -> Document:
        return {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": self._duration,
            "leaseTransitions": transitions,
            "acquireTime": acquire_time,
            "renewTime": _real_now(),
        }


def _real_now() -> str:
    return format_micro_time(datetime.now(UTC))
