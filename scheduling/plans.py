"""Carries plans out: intentions written first, then evictions, then bindings, which may go on while the next cycle looks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from cluster import clock
from scheduling.batches import Batch, Outcomes
from scheduling.engine import Plan
from scheduling.executor import Executor
from scheduling.grouping import GangKey
from scheduling.ledger import Ledger
from scheduling.memory import GangMemory
from scheduling.models import Cycle, Decision
from scheduling.reader import PoolReading
from scheduling.record import write_intentions, write_outcomes
from scheduling.translation import Effects, decisions_of, effects_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _UnderWay:
    """One plan from its first effect to its last."""

    cycle: Cycle
    decisions: list[Decision]
    evicted: Outcomes
    bindings: Batch
    gangs: dict[GangKey, list[str]]
    """Gangs that get places, and the pods that get them."""
    started: frozenset[GangKey]
    began: float


@dataclass
class Done:
    """Effects that have ended."""

    bound: int = 0
    evicted: int = 0
    failed: int = 0

    @property
    def any(self) -> bool:
        return bool(self.bound or self.evicted or self.failed)


class Plans:
    """Of one cluster. All but the effects themselves happens in the caller's thread."""

    def __init__(self, executor: Executor, memory: GangMemory, ledger: Ledger) -> None:
        self._executor = executor
        self._memory = memory
        self._ledger = ledger
        self._under_way: list[_UnderWay] = []

    @property
    def under_way(self) -> bool:
        return bool(self._under_way)

    def carry_out(
        self,
        reading: PoolReading,
        plan: Plan,
        cycle: Cycle,
        *,
        evictions_at_most: int | None,
        leading: Callable[[], bool],
        now: datetime,
    ) -> None:
        """Returns once the evictions have ended and the bindings have begun; `settle` tells of both."""
        began = time.perf_counter()
        effects = effects_of(plan, reading, evictions_at_most=evictions_at_most)
        for warning in effects.warnings:
            log.error("a plan was cut", cluster=cycle.cluster.name, pool=cycle.pool, reason=warning)
        decisions = decisions_of(plan, reading, effects, cycle.lease_transitions)
        if not decisions:
            return
        write_intentions(cycle, decisions)
        self._end_bindings_of({one.pod.uid for one in effects.removals})
        evicted = self._executor.evict(effects.removals, leading=leading, now=now)
        bindings = self._executor.bind(effects.bindings, leading=leading, now=now)
        self._under_way.append(_under_way(cycle, decisions, evicted, bindings, effects, reading, began))

    def settle(self, now: datetime, patience: float | None = 0.0) -> Done:
        """Notes what has ended within so many seconds (None: everything): failures in the memory, outcomes in the ledger."""
        give_up_at = None if patience is None else time.monotonic() + patience
        done = Done()
        for one in list(self._under_way):
            left = None if give_up_at is None else max(0.0, give_up_at - time.monotonic())
            try:
                ended = one.bindings.wait(left)
            except BaseException:
                self._executor.let_go(one.bindings.outcomes)
                self._under_way.remove(one)
                raise
            if ended:
                self._under_way.remove(one)
                self._end(one, now, done)
        return done

    def abandon(self, now: datetime) -> None:
        """Begin no more bindings; call `settle` no more. What has ended is noted, the rest stays intended in the record."""
        for one in self._under_way:
            one.bindings.abandon()
            self._end(one, now, Done())
        self._under_way.clear()

    def _end_bindings_of(self, pods: set[str]) -> None:
        """A pod that is to be evicted must not be bound behind that."""
        for one in self._under_way:
            if not one.bindings.uids.isdisjoint(pods):
                one.bindings.wait()

    def _end(self, one: _UnderWay, now: datetime, done: Done) -> None:
        bound, evicted, cycle = one.bindings.outcomes, one.evicted, one.cycle
        self._note_bindings(one, now)  # before the places are free: who failed is held back first
        self._executor.let_go(bound)
        cycle.apply_ms = (time.perf_counter() - one.began) * 1000
        cycle.bound, cycle.evicted = len(bound.done), len(evicted.done)
        failed = {**evicted.failed, **bound.failed}
        cycle.failed = len(failed)
        worked = evicted.done | bound.done
        self._ledger.note(lambda: write_outcomes(cycle, one.decisions, done=worked, failed=failed))
        done.bound += cycle.bound
        done.evicted += cycle.evicted
        done.failed += cycle.failed
        log.info(
            "cycle",
            cluster=cycle.cluster.name,
            pool=cycle.pool,
            bound=cycle.bound,
            evicted=cycle.evicted,
            failed=cycle.failed,
            waiting=cycle.waiting_gangs,
            ms=round(cycle.duration_ms),
        )

    def _note_bindings(self, one: _UnderWay, now: datetime) -> None:
        """A gang of which one binding failed is held back for a while; one of which all worked is in the clear."""
        outcomes = one.bindings.outcomes
        for key, pods in one.gangs.items():
            if self._memory.get(key) is None:  # forgotten meanwhile: it is long gone
                continue
            if any(pod in outcomes.failed for pod in pods):
                self._memory.bind_failed(key, now, clock.speed())
            elif outcomes.done.issuperset(pods):
                self._memory.placed(key)
            if key in one.started and outcomes.done.intersection(pods):
                self._memory.started(key, now)


def _under_way(
    cycle: Cycle,
    decisions: list[Decision],
    evicted: Outcomes,
    bindings: Batch,
    effects: Effects,
    reading: PoolReading,
    began: float,
) -> _UnderWay:
    keys = {uid: reading.groups[uid].membership.key for uid in effects.bound_pods}
    gangs = {keys[uid]: pods for uid, pods in effects.bound_pods.items()}
    started = frozenset(keys[uid] for uid in effects.started if uid in keys)
    return _UnderWay(cycle, decisions, evicted, bindings, gangs, started, began)
