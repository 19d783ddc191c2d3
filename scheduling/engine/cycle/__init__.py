"""One cycle: decide, write down what was decided, and explain to those who wait."""

from collections.abc import Sequence
from dataclasses import replace

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.cycle.counterfactuals import add_counterfactuals, change_that_helps
from scheduling.engine.cycle.deciding import collector_paused, decide
from scheduling.engine.cycle.protocol import write_plan
from scheduling.engine.cycle.trials import TrialCycles
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.plan import Plan, Refusal
from scheduling.engine.session.refusals import refuse_waiting


def run_cycle(
    snapshot: ClusterSnapshot,
    config: SchedulerConfig,
    now: float,
    elsewhere: Sequence[ClusterSnapshot] = (),
) -> Plan:
    """Decide; touch nothing. `now` is seconds since the epoch. The same arguments always give the same plan.

    `elsewhere` are the other node pools, looked at only to tell who waits that it would start there.
    """
    with collector_paused():
        session = decide(snapshot, config, now)
        plan = write_plan(session)
        plan.refusals = refuse_waiting(session)
    if config.explain:
        add_counterfactuals(plan.refusals, snapshot, config, now, elsewhere)
    return plan


def explain_one(
    snapshot: ClusterSnapshot,
    config: SchedulerConfig,
    now: float,
    gang: str,
    elsewhere: Sequence[ClusterSnapshot] = (),
) -> Refusal | None:
    """On demand: why this gang (by uid) waits and what would help it, wherever it stands in line; None when it does not wait."""
    with collector_paused():
        refusals = refuse_waiting(decide(snapshot, config, now))
    if gang not in refusals:
        return None
    change = change_that_helps(gang, refusals[gang], TrialCycles(snapshot, config, now), elsewhere)
    return replace(refusals[gang], counterfactual=change)
