"""One cycle: lease, read, decide, apply, record. One runner per cluster; its pools run one after another, each under its own lease."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import Document, is_deleting, uid_of
from cluster.errors import ClusterError
from cluster.events import EventRecorder
from organization.models import Cluster
from scheduling.announcing import Announcer
from scheduling.assumptions import Assumptions
from scheduling.demand import asked_of
from scheduling.engine import ClusterSnapshot, Plan, SchedulerConfig, run_cycle
from scheduling.engine.plan import Refusal
from scheduling.executor import Executor
from scheduling.explaining import Explaining
from scheduling.leadership import Leadership
from scheduling.ledger import Ledger
from scheduling.memory import GangMemory
from scheduling.models import Cycle
from scheduling.plans import Done, Plans
from scheduling.pool_config import config_of
from scheduling.reader import ClusterReading, PoolReading, Reader
from scheduling.record import write_waits
from scheduling.rounds import Rounds
from scheduling.showing import Showing
from scheduling.telling import Telling
from scheduling.translation import waits_of
from scheduling.world import World

SLOWEST_EXPLAINED_MS = 200.0
"""A cycle that took longer is not run again and again only to find out what would change its answers."""

log = structlog.get_logger(__name__)


@dataclass
class CycleReport:
    """What one run did, for the caller's log and tests; effects count in the run that learned of their end."""

    bound: int = 0
    evicted: int = 0
    failed: int = 0
    waiting: int = 0
    led: list[str] = field(default_factory=list)
    """Pools whose lease we hold."""
    asked_next: set[str] = field(default_factory=set)
    """Pools to which a gang was passed on that they have not been asked for in this run."""

    def count(self, done: Done) -> None:
        self.bound += done.bound
        self.evicted += done.evicted
        self.failed += done.failed


class ClusterRunner:
    """Not thread-safe: the scheduling worker has one thread."""

    def __init__(
        self,
        cluster: Cluster,
        client: ClusterClient,
        *,
        leadership: Leadership,
        config: SchedulerConfig,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.cluster = cluster
        self._leadership = leadership
        self._config = config
        self._now = now
        self._reader = Reader(cluster)
        self._memory = GangMemory(cluster)
        self._assumptions = Assumptions()
        recorder = EventRecorder(client, controller="runai.io/scheduler", instance=leadership.holder)
        self._announcer = Announcer(recorder)
        self._executor = Executor(client, self._assumptions, self._announcer, heartbeat=leadership.keep)
        self._ledger = Ledger()
        self._plans = Plans(self._executor, self._memory, self._ledger)
        self._telling = Telling(self._executor)
        self._explaining = Explaining()
        self._rounds = Rounds()
        self._showing = Showing(cluster, leadership.holder, self._ledger)
        self._snapshots: list[ClusterSnapshot] = []

    def close(self) -> None:
        self._executor.close()
        self._plans.abandon(self._now())
        self._note_memory()
        self._ledger.write()
        self._leadership.release()  # a rival goes on while we write our last events
        self._announcer.close()

    def echoes(self, pod: Document) -> bool:
        """Whether a pod with a node only shows what we have done ourselves; from any thread."""
        return self._assumptions.node_of(uid_of(pod)) == pod["spec"].get("nodeName") and not is_deleting(pod)

    @property
    def is_binding(self) -> bool:
        """Whether plans of earlier runs are still being carried out."""
        return self._plans.under_way

    def keep_up(self) -> None:
        """Between two runs: renew the leases that are due, and write what has become of plans under way."""
        self._leadership.keep()
        if self._plans.settle(self._now()).any:
            self._note_memory()
        self._write_if_due()

    def run(self, world: Callable[[], World], patience: float | None = None) -> CycleReport:
        """One cycle of every pool whose lease is ours; the world is read after the leases are sure.

        Bindings that take longer than `patience` (real seconds; None: wait for all) go on behind: their places are held, and
        the next run or `keep_up` tells what has become of them.
        """
        pools = self._reader.pools()
        report = CycleReport(led=self._leadership.hold(pools))
        if not report.led:
            return report
        if self._leadership.newly_led:
            self._memory.load()  # another process wrote it meanwhile
            self._reader.forget()
            self._leadership.newly_led = False
        report.count(self._plans.settle(self._now()))  # who failed is held back before anybody looks
        reading = self._ask_pools(world, set(report.led), report)
        for _ in range(len(pools) - 1):  # a gang that one pool refused is offered to its next one at once
            wanted, report.asked_next = report.asked_next & set(report.led), set()
            if not wanted:
                break
            self._ask_pools(world, wanted, report)
        if self._leadership.leads(report.led[0]):
            self._telling.tell_problems(
                reading.refused, leading=lambda: self._leadership.leads(report.led[0]), now=self._now()
            )
        report.count(self._plans.settle(self._now(), patience))
        self._note_memory()
        if patience is None:
            self._ledger.write()
        else:
            self._write_if_due()
        return report

    def _write_if_due(self) -> None:
        """The gangs' memory and the pages wait for bindings under way: both use the same two processors as the API server."""
        if self._ledger.is_due(busy=self._plans.under_way):
            self._ledger.write()

    def _note_memory(self) -> None:
        self._ledger.note(self._save_memory, instead_of="memory")

    def _save_memory(self) -> None:
        if self._leadership.leads_any():  # else another process has written the memory meanwhile
            self._memory.save()

    def _ask_pools(self, world: Callable[[], World], wanted: set[str], report: CycleReport) -> ClusterReading:
        """Read the cluster once and run the cycles of these pools."""
        began = time.perf_counter()
        reading = self._reader.read(world(), memory=self._memory, assumptions=self._assumptions)
        for trouble in reading.troubles:
            log.warning("scheduling around trouble", cluster=self.cluster.name, trouble=trouble)
        self._remember(reading, report.led, self._now())
        self._snapshots = [pool.snapshot for pool in reading.pools]
        read_ms = (time.perf_counter() - began) * 1000
        for pool in reading.pools:
            if pool.pool.name in wanted:
                self._run_pool_safely(pool, read_ms, report)
        return reading

    def _remember(self, reading: ClusterReading, led: Collection[str], now: datetime) -> None:
        for entry in reading.renewed:
            if entry.gang is None:
                continue
            state = self._memory.meet(entry.group.membership, entry.pool, now)
            self._memory.note_whole(entry.key, entry.whole_with)
            if not state.asked:
                self._memory.note_asked(entry.key, asked_of(entry.gang))
        self._rounds.keep_only(lambda uid: any(uid in pool.groups for pool in reading.pools))
        self._memory.part_with(reading.present, set(led), now)
        self._memory.usage.count((one.snapshot for one in reading.pools if one.pool.name in led), now)

    def _run_pool_safely(self, reading: PoolReading, read_ms: float, report: CycleReport) -> None:
        """A pool whose cycle fails says so on its page and does not stop the others."""
        name = reading.pool.name
        try:
            self._run_pool(reading, read_ms, report)
        except (ClusterError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            log.exception("a cycle failed", cluster=self.cluster.name, pool=name)
            sentence = f"{type(error).__name__}: {error}"
            self._showing.show(reading, transitions=self._leadership.number(name) or 0, error=sentence)

    def _run_pool(self, reading: PoolReading, read_ms: float, report: CycleReport) -> None:
        name, now = reading.pool.name, self._now()
        number = self._leadership.number(name)
        if number is None:
            return
        below = {reading.groups[gang.uid].membership.key for gang in reading.below_minimum}
        self._memory.stale(below, name, now)
        report.waiting += len(reading.waiting)
        if not reading.waiting and not below:
            self._showing.show_if_due(reading, self._config_of(reading), number, now)
            return
        began = time.perf_counter()
        plan = run_cycle(reading.snapshot, self._config_of(reading), now=now.timestamp())
        decide_ms = (time.perf_counter() - began) * 1000
        cycle = Cycle(
            cluster=self.cluster,
            pool=name,
            at=now,
            lease_transitions=number,
            read_ms=read_ms,
            decide_ms=decide_ms,
            pods=len(reading.pods),
            nodes=len(reading.snapshot.nodes),
            waiting_gangs=len(reading.waiting),
        )
        self._plans.carry_out(
            reading,
            plan,
            cycle,
            evictions_at_most=self._config.max_evictions,
            leading=lambda: self._leadership.number(name) == number,
            now=now,
        )
        self._showing.note_shares(name, plan)
        self._answer(reading, plan, cycle, report, now)
        self._showing.show(reading, transitions=number, cycle=cycle)

    def _answer(
        self, reading: PoolReading, plan: Plan, cycle: Cycle, report: CycleReport, now: datetime
    ) -> None:
        """Tell those who wait why, once every pool they may go to was asked."""
        name, number = reading.pool.name, cycle.lease_transitions
        if cycle.decide_ms <= SLOWEST_EXPLAINED_MS:
            elsewhere = [one for one in self._snapshots if one is not reading.snapshot]
            self._explaining.explain(reading, plan, self._config_of(reading), now.timestamp(), elsewhere)
        told = self._pass_on(reading, plan, report)
        anew = {
            uid: refusal
            for uid, refusal in told.items()
            if self._memory.refused(reading.groups[uid].membership.key, str(refusal.reason), refusal.message)
        }
        if anew:
            self._ledger.note(partial(write_waits, cycle, waits_of(anew, reading, number)))
        bound = {bind.task for bind in plan.binds}
        self._telling.tell_waiting(
            reading, told, bound, leading=lambda: self._leadership.number(name) == number, now=now
        )

    def _pass_on(self, reading: PoolReading, plan: Plan, report: CycleReport) -> dict[str, Refusal]:
        """Offer gangs with several pools to their next one; what is to be told to those who have no pool left to ask."""
        told = {}
        for uid, refusal in plan.refusals.items():
            group = reading.groups[uid]
            following, is_round = self._rounds.answered(uid, group.pools, reading.pool.name, refusal)
            if following != reading.pool.name:
                self._memory.offer(group.membership.key, following)
            if is_round:
                told[uid] = self._rounds.joined(uid, group.pools, refusal)
            else:
                report.asked_next.add(following)
        return told

    def _config_of(self, reading: PoolReading) -> SchedulerConfig:
        return config_of(self._config, reading.pool, protected=reading.protected)
