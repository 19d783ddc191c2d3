"""The cycles that are run to see who would start if something were different, each of them once."""

from dataclasses import replace

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.cycle.deciding import all_that_start, collector_paused, would_start
from scheduling.engine.cycle.possible_changes import Change
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.snapshot import ClusterSnapshot


class EffortSpent(Exception):
    """The trials have looked at as many tasks as they may."""


class TrialCycles:
    """Of one snapshot. A cycle in which only a queue differs answers for every gang at once, so it is kept.

    `effort` bounds the tasks in all cycles together; None is no bound.
    """

    def __init__(
        self, snapshot: ClusterSnapshot, config: SchedulerConfig, now: float, effort: int | None = None
    ) -> None:
        self.snapshot = snapshot
        self.numbers = {gang.uid: number for number, gang in enumerate(snapshot.gangs)}
        self._config = replace(config, explain=False)
        self._now = now
        self._left = effort
        self._known: dict[Queue | None, frozenset[int]] = {}
        """Who starts, per queue that differs; None is the world as it is."""

    def starts(self, gang: int) -> bool:
        """Whether something of the gang starts as things are."""
        return gang in self._all_that_start(self.snapshot, None)

    def starts_with(self, change: Change, step: int, gang: int) -> bool:
        """Whether the gang starts with that step of a change. Raises EffortSpent."""
        changed = change.apply(step)
        if change.queue is not None:
            return gang in self._all_that_start(changed, change.queue(step))
        self._spend(changed)
        with collector_paused():
            return would_start(changed, self._config, self._now, self._number(changed, gang))

    def _all_that_start(self, snapshot: ClusterSnapshot, queue: Queue | None) -> frozenset[int]:
        if queue not in self._known:
            self._spend(snapshot)
            with collector_paused():
                self._known[queue] = all_that_start(snapshot, self._config, self._now)
        return self._known[queue]

    def _spend(self, snapshot: ClusterSnapshot) -> None:
        if self._left is None:
            return
        if self._left < len(snapshot.tasks):
            raise EffortSpent
        self._left -= len(snapshot.tasks)

    def _number(self, changed: ClusterSnapshot, gang: int) -> int:
        """The gang's number in another world, which may be another pool."""
        uid = self.snapshot.gangs[gang].uid
        if gang < len(changed.gangs) and changed.gangs[gang].uid == uid:
            return gang
        return next(number for number, one in enumerate(changed.gangs) if one.uid == uid)
