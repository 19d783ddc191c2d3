"""The leases of a cluster's pool schedulers, as one process holds them: `runai-scheduler-<pool>`, renewed well before they run out."""

import time
from collections.abc import Callable, Iterable

import structlog

from cluster.client import ClusterClient
from cluster.errors import AlreadyExists, ClusterError, NotFound
from cluster.kinds import NAMESPACES
from cluster.leases import Lease
from scheduling.holders import is_dead

LEASE_SECONDS = 9
"""On another machine a killed process is followed within this, one look and the successor's start: under 15 s together. Where
the successor can see that the process is gone it does not wait."""
RENEW_SECONDS = 3.0
ASK_AGAIN_SECONDS = 0.8
"""How often a lease that another holds is looked at."""

log = structlog.get_logger(__name__)


class Leadership:
    """The fencing number of a pool is None unless its lease is surely ours."""

    def __init__(
        self,
        client: ClusterClient,
        *,
        namespace: str,
        holder: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.holder = holder
        self.newly_led = False
        """Set when a lease was taken; the owner of this object clears it once it has caught up."""
        self._client = client
        self._namespace = namespace
        self._monotonic = monotonic
        self._leases: dict[str, Lease] = {}
        self._asked_at: dict[str, float] = {}

    def hold(self, pools: Iterable[str]) -> list[str]:
        """Take or renew what is due; the pools that we lead, in the given order."""
        led = []
        for pool in pools:
            lease = self._leases.get(pool) or self._new_lease(pool)
            if self._is_due(pool, lease):
                self._ask(pool, lease)
            if lease.fencing_number is not None:
                led.append(pool)
        return led

    def keep(self) -> None:
        """Renew what we hold and is due, in the middle of long work. What is lost meanwhile stays lost until the next `hold`."""
        for pool, lease in self._leases.items():
            if lease.fencing_number is None or not self._is_due(pool, lease):
                continue
            self._asked_at[pool] = self._monotonic()
            try:
                lease.renew()
            except ClusterError as error:  # it is tried again before the lease runs out
                log.warning("a lease was not renewed", pool=pool, error=error.message)

    def number(self, pool: str) -> int | None:
        lease = self._leases.get(pool)
        return lease.fencing_number if lease else None

    def leads(self, pool: str) -> bool:
        return self.number(pool) is not None

    def leads_any(self) -> bool:
        return any(self.leads(pool) for pool in self._leases)

    def release(self) -> None:
        for pool, lease in self._leases.items():
            try:
                lease.release()
            except ClusterError as error:  # it runs out by itself
                log.info("a lease was not given back", pool=pool, error=error.message)

    def _new_lease(self, pool: str) -> Lease:
        lease = self._leases[pool] = Lease(
            self._client,
            namespace=self._namespace,
            name=f"runai-scheduler-{pool}",
            holder=self.holder,
            duration_seconds=LEASE_SECONDS,
            monotonic=self._monotonic,
            is_dead=is_dead,
        )
        return lease

    def _is_due(self, pool: str, lease: Lease) -> bool:
        wait = ASK_AGAIN_SECONDS if lease.fencing_number is None else RENEW_SECONDS
        asked = self._asked_at.get(pool)
        return asked is None or self._monotonic() - asked >= wait

    def _ask(self, pool: str, lease: Lease) -> None:
        self._asked_at[pool] = self._monotonic()
        before = lease.fencing_number
        try:
            number = lease.acquire()
        except NotFound:  # the namespace the leases live in
            self._make_namespace()
            number = lease.acquire()
        if number is not None and number != before:
            self.newly_led = True
            log.info("leads", pool=pool, transitions=number, holder=self.holder)
        elif number is None and before is not None:
            log.warning("lost the lease", pool=pool, holder=self.holder)

    def _make_namespace(self) -> None:
        document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self._namespace}}
        try:
            self._client.create(NAMESPACES, document)
        except AlreadyExists:
            return
