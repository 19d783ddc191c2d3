"""The scheduler's memory of gangs across cycles and restarts: the table GangState, kept in this process and written once a cycle."""

from collections.abc import Mapping, Set
from datetime import datetime, timedelta
from itertools import takewhile

from organization.models import Cluster
from scheduling.demand import WINDOW_DAYS, Asked, pool_demand
from scheduling.engine.model.demand import Demand
from scheduling.grouping import GangKey, Membership
from scheduling.models import GangState
from scheduling.usage import UsageMemory

FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 300.0
"""Real time: waits of a gang whose binding keeps failing."""
KEPT_FIELDS = (
    "name",
    "queue",
    "pool",
    "last_start",
    "stale_since",
    "bind_failures",
    "bind_retry_at",
    "refusal_code",
    "refusal_message",
    "asked",
    "whole_with",
    "gone_at",
)


class GangMemory:
    """Changes are collected; `save` writes them in one statement. One process holds it: the one with the leases."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._states: dict[GangKey, GangState] = {}
        self._changed: set[GangKey] = set()
        self._revision = 0
        self._revisions: dict[GangKey, int] = {}
        """The last change of each gang, in the order of the changes."""
        self._alive: set[GangKey] = set()
        self._stale: set[GangKey] = set()
        self._demands: dict[str, Demand] = {}
        self._newer: dict[str, int] = {}
        self.usage = UsageMemory(cluster)
        self.load()

    def load(self) -> None:
        """Read everything anew: at the start, and after another process had the lease."""
        rows = GangState.objects.filter(cluster=self._cluster)
        known, self._states = self._states, {GangKey(row.owner_uid, row.sub_group): row for row in rows}
        for key in known.keys() | self._states.keys():
            self._note_change(key)
        self._changed.clear()
        self._alive = {key for key, state in self._states.items() if state.gone_at is None}
        self._stale = {key for key, state in self._states.items() if state.stale_since is not None}
        self._demands.clear()
        self.usage.load()

    def get(self, key: GangKey) -> GangState | None:
        return self._states.get(key)

    def changed_since(self, revision: int) -> tuple[set[GangKey], int]:
        """The gangs of which something has changed since that revision (0: since ever), and the present one."""
        changed = takewhile(lambda one: one[1] > revision, reversed(self._revisions.items()))
        return {key for key, _ in changed}, self._revision

    def meet(self, membership: Membership, pool: str, now: datetime) -> GangState:
        """The gang is there now, in that pool."""
        state = self._states.get(membership.key)
        if state is None:
            state = self._states[membership.key] = GangState(
                cluster=self._cluster,
                owner_uid=membership.key.owner_uid,
                sub_group=membership.key.sub_group,
                first_seen=now,
            )
        told = {
            "name": membership.name[:253],
            "queue": membership.queue[:63],
            "pool": pool,
            "gone_at": None,
        }
        self._set(membership.key, told)
        self._alive.add(membership.key)
        return state

    def note_asked(self, key: GangKey, asked: Asked) -> None:
        """What a gang asked for when it was first seen."""
        self._set(key, {"asked": asked})
        pool = self._states[key].pool
        self._newer[pool] = self._newer.get(pool, 0) + 1

    def note_whole(self, key: GangKey, whole_with: dict[str, int]) -> None:
        """How many of each part it has run whole with since it started; empty for one that does not run."""
        self._set(key, {"whole_with": whole_with})

    def demand_of(self, pool: str) -> Demand:
        """What the pool was asked for in the last days; counted anew whenever one gang in twenty is new."""
        known = self._demands.get(pool)
        if known is not None and self._newer.get(pool, 0) <= known.tasks // 20:
            return known
        states = [state for state in self._states.values() if state.pool == pool and state.asked]
        newest = max((state.first_seen for state in states), default=None)
        since = newest - timedelta(days=WINDOW_DAYS) if newest else None
        recent = (state.asked for state in states if since is None or state.first_seen >= since)
        self._newer[pool] = 0
        demand = self._demands[pool] = pool_demand(recent)
        return demand

    def part_with(self, present: Set[GangKey], pools: set[str], now: datetime) -> None:
        """Gangs of our pools that are not there any more are kept a while for what they asked for."""
        for key in self._alive - present:
            if self._states[key].pool in pools:
                self._set(key, {"gone_at": now, "refusal_code": "", "refusal_message": ""})
                self._alive.discard(key)

    def started(self, key: GangKey, now: datetime) -> None:
        self._set(key, {"last_start": now})

    def placed(self, key: GangKey) -> None:
        """A binding worked: nothing stands against the gang any more."""
        nothing = {"bind_failures": 0, "bind_retry_at": None, "refusal_code": "", "refusal_message": ""}
        self._set(key, nothing)

    def bind_failed(self, key: GangKey, now: datetime, speed: float) -> None:
        """Hold the gang back, longer each time; `speed` is how many product seconds a real one has."""
        state = self._states[key]
        failures = state.bind_failures + 1
        wait = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failures, 20))
        self._set(key, {"bind_failures": failures, "bind_retry_at": now + timedelta(seconds=wait * speed)})

    def stale(self, below: set[GangKey], pool: str, now: datetime) -> None:
        """Of the pool's gangs, exactly those in `below` run with less than their minimum."""
        for key in below - self._stale:
            self._set(key, {"stale_since": now})
        over = {key for key in self._stale - below if self._states[key].pool == pool}
        for key in over:
            self._set(key, {"stale_since": None})
        self._stale = (self._stale | below) - over

    def refused(self, key: GangKey, code: str, message: str) -> bool:
        """Whether the gang waits for another reason than before."""
        state = self._states[key]
        changed = state.refusal_code != code
        self._set(key, {"refusal_code": code[:80], "refusal_message": message[:1000]})
        return changed

    def offer(self, key: GangKey, pool: str) -> None:
        self._set(key, {"pool": pool})

    def save(self) -> int:
        """Write what changed, each table in one statement; how many gangs."""
        self.usage.save()
        rows = [self._states[key] for key in self._changed]
        if rows:
            GangState.objects.bulk_create(
                rows,
                batch_size=500,
                update_conflicts=True,
                unique_fields=["cluster", "owner_uid", "sub_group"],
                update_fields=list(KEPT_FIELDS),
            )
        self._changed.clear()
        return len(rows)

    def _set(self, key: GangKey, values: Mapping[str, object]) -> None:
        state = self._states[key]
        for name, value in values.items():
            if getattr(state, name) != value:
                setattr(state, name, value)
                self._changed.add(key)
                self._note_change(key)

    def _note_change(self, key: GangKey) -> None:
        self._revision += 1
        self._revisions.pop(key, None)
        self._revisions[key] = self._revision
