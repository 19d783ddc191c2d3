"""Time-based fair share: what queues used lately, as a fraction of what the cluster had, halved every half-life."""

from collections.abc import Iterable
from dataclasses import dataclass

from scheduling.engine.model.usage import UsageBucket
from scheduling.engine.plugin import Plugin
from scheduling.engine.session import Session

WEEK = 7 * 24 * 3600.0


@dataclass
class UsageHistory(Plugin):
    """Hands every queue's usage to the fair-share division; must stand before it in the configuration. Durations are seconds.

    A sliding window ends now; with `tumbling_start` the window began at the last multiple of `window` after that instant.
    """

    name = "usage_history"
    window: float = WEEK
    half_life: float | None = None
    tumbling_start: float | None = None

    def opened(self, session: Session) -> None:
        history = session.snapshot.history
        if not history.queues or not history.capacity:
            return
        capacity = self._weigh(history.capacity, session.now)
        for name, buckets in history.queues.items():
            index = session.snapshot.queue_index.get(name)
            if index is not None:
                used = self._weigh(buckets, session.now)
                gpu, cpu, memory = (
                    min(1.0, part / whole) if whole > 0 else 0.0
                    for part, whole in zip(used, capacity, strict=True)
                )
                session.usage[index] = (gpu, cpu, memory)

    def _weigh(self, buckets: Iterable[UsageBucket], now: float) -> tuple[float, float, float]:
        """Amount x seconds inside the window, each bucket decayed by its age."""
        begin = now - self.window
        if self.tumbling_start is not None and self.window > 0:
            begin = now - (now - self.tumbling_start) % self.window
        sums = [0.0, 0.0, 0.0]
        for bucket in buckets:
            end = min(bucket.start + bucket.seconds, now)
            span = end - max(bucket.start, begin)
            if span <= 0:
                continue
            decay = 0.5 ** ((now - end) / self.half_life) if self.half_life else 1.0
            for unit, amount in enumerate(bucket.mean):
                sums[unit] += amount * span * decay
        return sums[0], sums[1], sums[2]
