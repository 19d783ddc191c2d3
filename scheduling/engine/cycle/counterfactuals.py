"""What would have to be different for a waiting gang to start: the smallest change of one kind, tried by running the cycle with it.

A change that was not seen to work is never stated. possible_changes.py lists the kinds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.cycle.possible_changes import Change, possible_changes
from scheduling.engine.cycle.trials import EffortSpent, TrialCycles
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.plan import Counterfactual, Reason, Refusal

HOPELESS = frozenset(
    {Reason.QUEUE_NOT_FOUND, Reason.NOT_READY, Reason.BIND_BACK_OFF, Reason.WAITING_FOR_RELEASE}
)
"""Reasons that no change of the request would remove."""
NOT_EXPLAINED = (
    "Nobody has looked for a change that would help it: more gangs wait than are explained at a time."
)


def add_counterfactuals(
    refusals: dict[str, Refusal],
    snapshot: ClusterSnapshot,
    config: SchedulerConfig,
    now: float,
    elsewhere: Sequence[ClusterSnapshot] = (),
) -> None:
    """For the first waiting gangs of the configuration. What helped one is tried first for the next that waits in the same way.

    A gang of which something started, so that only surplus waits, is told no change. Who is beyond the configuration's bounds is told
    that nobody looked.
    """
    known: dict[tuple[object, ...], Found | None] = {}
    cycles = TrialCycles(snapshot, config, now, config.explain_effort)
    for place, (uid, refusal) in enumerate(list(refusals.items())):
        if refusal.reason in HOPELESS:
            continue
        if place >= config.explained_gangs:
            refusals[uid] = _not_explained(refusal)
            continue
        trials = Trials(refusal, cycles.numbers[uid], cycles, elsewhere)
        try:
            found = _find(trials, known)
        except EffortSpent:
            refusals[uid] = _not_explained(refusal)
        else:
            refusals[uid] = refusal if found is None else replace(refusal, counterfactual=found.told)


def change_that_helps(
    uid: str, refusal: Refusal, cycles: TrialCycles, elsewhere: Sequence[ClusterSnapshot] = ()
) -> Counterfactual | None:
    """For one waiting gang, without regard to what helped others. Raises EffortSpent if the cycles are bounded."""
    if refusal.reason in HOPELESS:
        return None
    found = Trials(refusal, cycles.numbers[uid], cycles, elsewhere).find()
    return None if found is None else found.told


def _find(trials: "Trials", known: dict[tuple[object, ...], "Found | None"]) -> "Found | None":
    """`known` is what was found for gangs that wait in the same way."""
    key = trials.likeness()
    if key not in known:
        known[key] = trials.find()
        return known[key]
    hint = known[key]
    return hint and (trials.confirm(hint) or trials.find())


def _not_explained(refusal: Refusal) -> Refusal:
    return replace(refusal, message=f"{refusal.message} {NOT_EXPLAINED}", is_explained=False)


@dataclass(frozen=True, slots=True)
class Found:
    """A change that was seen to work, and how it is told."""

    kind: str
    subject: str
    step: int
    told: Counterfactual


class Trials:
    """One gang's search for a change that helps: each step of each kind is a cycle of its own, run at most once."""

    def __init__(
        self,
        refusal: Refusal,
        number: int,
        cycles: TrialCycles,
        elsewhere: Sequence[ClusterSnapshot] = (),
    ) -> None:
        self._refusal = refusal
        self._number = number
        self._snapshot = cycles.snapshot
        self._cycles = cycles
        self._elsewhere = elsewhere
        self._seen: dict[tuple[str, str, int], bool] = {}

    def likeness(self) -> tuple[object, ...]:
        """Gangs that share it wait in the same way; the same change may help them all."""
        snapshot, gang = self._snapshot, self._snapshot.gangs[self._number]
        return (
            self._refusal.message,
            snapshot.gang_queue[self._number],
            gang.priority,
            gang.is_preemptible,
            gang.tree(),
            gang.pools,
            tuple(snapshot.task_shape[task] for task in snapshot.tasks_of(self._number)),
        )

    def find(self) -> Found | None:
        """The first kind of change that works, at its smallest step; None when none of them does, or none is needed."""
        return next(self.every_kind(), None)

    def every_kind(self) -> Iterator[Found]:
        """All kinds that work, the least painful first, each at its smallest step."""
        if self._has_surplus() and self._cycles.starts(self._number):
            return
        for change in possible_changes(self._refusal, self._number, self._snapshot, self._elsewhere):
            step = smallest_step(change.most, partial(self._works, change))
            if step:
                yield _found(change, step)

    def confirm(self, hint: Found) -> Found | None:
        """The same change for this gang, if it works here too and one step less does not."""
        for change in possible_changes(self._refusal, self._number, self._snapshot, self._elsewhere):
            if (change.kind, change.subject) != (hint.kind, hint.subject):
                continue
            smaller_works = hint.step > 1 and self._works(change, hint.step - 1)
            works = hint.step <= change.most and not smaller_works and self._works(change, hint.step)
            return _found(change, hint.step) if works else None
        return None

    def _works(self, change: Change, step: int) -> bool:
        key = (change.kind, change.subject, step)
        if key not in self._seen:
            self._seen[key] = self._cycles.starts_with(change, step, self._number)
        return self._seen[key]

    def _has_surplus(self) -> bool:
        """Only such a gang can have started and wait all the same."""
        gang = self._snapshot.gangs[self._number]
        return len(gang.tasks) > sum(one.min_available for one in gang.tree().all_pod_sets())


def _found(change: Change, step: int) -> Found:
    told = Counterfactual(change.kind, change.say(step), change.amount(step), change.subject, change.unit)
    return Found(change.kind, change.subject, step, told)


ONE_BY_ONE = 8
"""So many steps are all tried: the devices of most nodes. Beyond, the smallest step is found by halving."""


def smallest_step(most: int, works: Callable[[int], bool]) -> int:
    """The smallest step that works, 0 if none: the first ones one by one, then doubling, then between the last two halving.

    A larger change is taken to work where a smaller one does: when the largest helps nothing none is looked for.
    """
    if most > 2 and not works(most):
        return 0
    for step in range(1, min(most, ONE_BY_ONE) + 1):
        if works(step):
            return step
    low, high = ONE_BY_ONE, 2 * ONE_BY_ONE
    while low < most:
        high = min(high, most)
        if works(high):
            break
        low, high = high, 2 * high
    else:
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high
