"""Lets a workload run for a minimum time before anyone may take its core away.

Two queues over their quota would otherwise evict each other in every cycle, and neither would ever finish.
"""

from dataclasses import dataclass

from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.plugin import Plugin
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import active_count
from scheduling.engine.solver.scenario import Scenario


@dataclass
class MinRuntime(Plugin):
    """The minimum is a queue's, inherited from above; an elastic gang may lose its surplus before the time is up."""

    name = "min_runtime"
    in_use: bool = False

    def opened(self, session: Session) -> None:
        """Without any minimum there is nothing to ask."""
        config = session.config
        self.in_use = bool(config.preempt_min_runtime or config.reclaim_min_runtime) or any(
            queue.preempt_min_runtime or queue.reclaim_min_runtime for queue in session.snapshot.queues
        )

    def may_evict(self, session: Session, action: str, beneficiary: int, victim: int) -> bool:
        if not self.in_use or not self._is_protected(session, action, beneficiary, victim):
            return True
        return any(len(pod_set.tasks) > pod_set.minimum for pod_set in session.gang_tasks(victim).pod_sets)

    def accepts(self, session: Session, scenario: Scenario) -> bool:
        if not self.in_use:
            return True
        losers = {unit.gang for unit in scenario.lost}
        return not any(
            self._is_protected(session, scenario.action, scenario.beneficiary, gang)
            and any(active_count(session, one) < one.minimum for one in session.gang_tasks(gang).pod_sets)
            for gang in losers
        )

    def _is_protected(self, session: Session, action: str, beneficiary: int, victim: int) -> bool:
        started = session.snapshot.gangs[victim].last_start
        if started is None or action not in {"preempt", "reclaim"}:
            return False
        return session.now - started < self._minimum(session, action, beneficiary, victim)

    def _minimum(self, session: Session, action: str, beneficiary: int, victim: int) -> float:
        snapshot, path = session.snapshot, session.state.ledger.path
        theirs = path[snapshot.gang_queue[victim]]
        if action == "preempt":
            own = (snapshot.queues[queue].preempt_min_runtime for queue in theirs)
            return next((one for one in own if one is not None), session.config.preempt_min_runtime)
        if session.config.reclaim_min_runtime_of == "below-common-ancestor":
            mine = set(path[snapshot.gang_queue[beneficiary]]) if beneficiary != NOWHERE else set()
            first = next((place for place, queue in enumerate(theirs) if queue in mine), len(theirs))
            theirs = theirs[max(0, first - 1) :]
        own = (snapshot.queues[queue].reclaim_min_runtime for queue in theirs)
        return next((one for one in own if one is not None), session.config.reclaim_min_runtime)
