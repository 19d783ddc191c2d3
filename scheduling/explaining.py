"""What would have to change for a waiting gang to start: looked for after the cycle's effects, within a budget of real time."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from scheduling.engine import ClusterSnapshot, SchedulerConfig
from scheduling.engine.cycle.counterfactuals import change_that_helps
from scheduling.engine.cycle.trials import TrialCycles
from scheduling.engine.plan import Counterfactual, Plan
from scheduling.reader import PoolReading

BUDGET_SECONDS = 0.5
"""For one pool's cycle: the others are looked at in the next ones."""
HOLDS_SECONDS = 20.0
"""Real time after which an answer is looked for anew, since the world has moved on."""


@dataclass(frozen=True)
class _Answer:
    message: str
    change: Counterfactual | None
    at: float


class Explaining:
    """Remembers the answer of each waiting gang for as long as it waits with the same numbers."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._answers: dict[str, dict[str, _Answer]] = {}

    def explain(
        self,
        reading: PoolReading,
        plan: Plan,
        config: SchedulerConfig,
        now: float,
        elsewhere: Sequence[ClusterSnapshot] = (),
    ) -> None:
        """Fill in `plan.refusals`; `now` is product time, the budget real time. Who was never looked at comes first.

        `elsewhere` are the cluster's other pools, where a gang might start that is not offered to them.
        """
        before = self._answers.get(reading.pool.name, {})
        fresh = {
            uid: before[uid]
            for uid, refusal in plan.refusals.items()
            if uid in before and before[uid].message == refusal.message
        }
        self._answers[reading.pool.name] = fresh
        began = self._monotonic()
        cycles = TrialCycles(reading.snapshot, config, now)
        for uid in self._due(plan.refusals, fresh, began):
            if self._monotonic() - began > BUDGET_SECONDS:
                break
            refusal = plan.refusals[uid]
            fresh[uid] = _Answer(refusal.message, change_that_helps(uid, refusal, cycles, elsewhere), began)
        for uid, answer in fresh.items():
            plan.refusals[uid] = replace(plan.refusals[uid], counterfactual=answer.change)

    def _due(self, refusals: Iterable[str], known: dict[str, _Answer], moment: float) -> list[str]:
        due = [uid for uid in refusals if uid not in known or moment - known[uid].at >= HOLDS_SECONDS]
        return sorted(due, key=lambda uid: known[uid].at if uid in known else float("-inf"))
