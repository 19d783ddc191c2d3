"""Tells waiting gangs why they wait, on one pod each, without flooding the API server."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from scheduling.engine.model.tasks import TaskState
from scheduling.engine.plan import Refusal
from scheduling.executor import Executor, Explanation
from scheduling.explanations import problem_document, refusal_document, spoken
from scheduling.grouping import Group
from scheduling.pod_facts import PodFacts, Problem
from scheduling.reader import PoolReading

TOLD_AT_ONCE = 60
"""Explanations written in one cycle; the others follow in the next ones."""
SAME_REASON_SECONDS = 15.0
"""Real time between two writes on a pod while the reason stays the same and only its numbers move."""


@dataclass(frozen=True)
class _Told:
    code: str
    message: str
    at: float


class Telling:
    """Remembers what each pod was told last."""

    def __init__(self, executor: Executor, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._executor = executor
        self._monotonic = monotonic
        self._told: dict[str, dict[str, _Told]] = {}

    def tell_waiting(
        self,
        reading: PoolReading,
        refusals: Mapping[str, Refusal],
        bound: set[str],
        *,
        leading: Callable[[], bool],
        now: datetime,
    ) -> int:
        """How many were written. `refusals` by gang uid; `bound` are pods that have just got their places."""
        explanations = []
        for uid, refusal in refusals.items():
            group = reading.groups[uid]
            pod = spokesman(group, bound=bound)
            if pod is not None:
                document = refusal_document(refusal, gang=group.membership.name, pool=reading.pool.name)
                explanations.append(Explanation(pod, str(refusal.reason), spoken(document), document))
        return self._tell(reading.pool.name, explanations, leading, now)

    def tell_problems(
        self, problems: Iterable[tuple[PodFacts, Problem]], *, leading: Callable[[], bool], now: datetime
    ) -> int:
        """Each pod that cannot be scheduled as it is written is told so itself."""
        explanations = [
            Explanation(pod, problem.code, problem.message, problem_document(problem.code, problem.message))
            for pod, problem in problems
        ]
        return self._tell("", explanations, leading, now)

    def _tell(
        self, pool: str, explanations: list[Explanation], leading: Callable[[], bool], now: datetime
    ) -> int:
        moment = self._monotonic()
        before = self._told.get(pool, {})
        self._told[pool] = {one.pod.uid: before[one.pod.uid] for one in explanations if one.pod.uid in before}
        due = [one for one in explanations if self._is_due(before.get(one.pod.uid), one, moment)]
        due.sort(key=lambda one: one.pod.uid in before)  # who was never told anything comes first
        chosen = due[:TOLD_AT_ONCE]
        outcomes = self._executor.explain(chosen, leading=leading, now=now)
        for one in chosen:
            if one.pod.uid in outcomes.done:
                self._told[pool][one.pod.uid] = _Told(one.code, one.message, moment)
        return len(outcomes.done)

    def _is_due(self, told: _Told | None, one: Explanation, moment: float) -> bool:
        if told is None or told.code != one.code:
            return True
        return moment - told.at >= SAME_REASON_SECONDS


def spokesman(group: Group, *, bound: set[str]) -> PodFacts | None:
    """The pod that carries the gang's reason: the eldest that still wants a place."""
    waiting = [pod for pod in group.members if pod.state is TaskState.PENDING and pod.uid not in bound]
    return min(waiting, key=lambda pod: (pod.created_at, pod.name), default=None)
