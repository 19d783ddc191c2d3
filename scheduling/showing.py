"""What pages are shown of each pool's scheduler: that it lives, who waits and runs, fair shares, what is free."""

import time
from dataclasses import replace
from datetime import datetime
from functools import partial

from organization.models import Cluster
from scheduling.engine import Plan, SchedulerConfig, run_cycle
from scheduling.free_gpus import free_gpus
from scheduling.ledger import Ledger
from scheduling.models import Cycle
from scheduling.reader import PoolReading
from scheduling.record import write_free_gpus, write_shares, write_standing
from ui import live

SHOWN_EVERY_SECONDS = 10.0
"""How often (real time) a pool in which nothing happens says that its scheduler lives."""


class Showing:
    """One for a cluster; `holder` is who holds its leases here. What is shown is noted in the ledger."""

    def __init__(self, cluster: Cluster, holder: str, ledger: Ledger) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._holder = holder
        self._shown_at: dict[str, float] = {}
        self._shares: dict[str, dict[str, int]] = {}

    def note_shares(self, pool: str, plan: Plan) -> None:
        """Each queue's fair share of GPUs, written when one has changed."""
        shares = {queue: share.fair_share.gpu_milli for queue, share in plan.shares.items()}
        if self._shares.get(pool) != shares:
            self._shares[pool] = shares
            self._ledger.note(partial(write_shares, self._cluster, pool, shares), instead_of=("shares", pool))
            self._ledger.note(partial(live.publish, "projects", self._cluster.pk), instead_of="news")

    def show_if_due(
        self, reading: PoolReading, config: SchedulerConfig, transitions: int, now: datetime
    ) -> None:
        """Where nobody waits the shares are divided now and then all the same: people look at them."""
        last = self._shown_at.get(reading.pool.name)
        if last is None or time.monotonic() - last >= SHOWN_EVERY_SECONDS:
            only_divide = replace(config, actions=())
            self.note_shares(reading.pool.name, run_cycle(reading.snapshot, only_divide, now=now.timestamp()))
            self.show(reading, transitions=transitions)

    def show(
        self, reading: PoolReading, *, transitions: int, cycle: Cycle | None = None, error: str = ""
    ) -> None:
        """How long the cycle took is looked up when it is written: its bindings have ended by then, or go on."""
        self._shown_at[reading.pool.name] = time.monotonic()
        pool = reading.pool.name
        self._ledger.note(
            lambda: write_free_gpus(reading.pool, free_gpus(reading.snapshot)), instead_of=("free", pool)
        )
        waiting = len(reading.waiting)
        running = len(reading.snapshot.gangs) - waiting

        def write() -> None:
            write_standing(
                self._cluster,
                reading.pool.name,
                holder=self._holder,
                transitions=transitions,
                duration_ms=cycle.duration_ms if cycle else 0.0,
                waiting=waiting,
                running=running,
                error=error,
            )

        self._ledger.note(write, instead_of=("standing", pool))
