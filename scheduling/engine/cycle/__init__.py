"""One cycle: decide, write down what was decided, and explain to those who wait."""

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.cycle.counterfactuals import add_counterfactuals
from scheduling.engine.cycle.deciding import collector_paused, decide
from scheduling.engine.cycle.protocol import write_plan
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.plan import Plan
from scheduling.engine.session.refusals import refuse_waiting


def run_cycle(snapshot: ClusterSnapshot, config: SchedulerConfig, now: float) -> Plan:
    """Decide; touch nothing. `now` is seconds since the epoch. The same arguments always give the same plan."""
    with collector_paused():
        session = decide(snapshot, config, now)
        plan = write_plan(session)
        plan.refusals = refuse_waiting(session)
        if config.explain:
            add_counterfactuals(plan.refusals, snapshot, config, now)
    return plan
