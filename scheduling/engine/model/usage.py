"""Historical use of the cluster, in buckets of time: what time-based fair share looks back on."""

from dataclasses import dataclass, field

from scheduling.engine.model.resources import NOTHING, Resources


@dataclass(frozen=True, slots=True)
class UsageBucket:
    """Mean amounts in use over the span that begins at `start` (seconds since the epoch) and lasts `seconds`."""

    start: float
    seconds: float
    mean: Resources = NOTHING


@dataclass(frozen=True, slots=True)
class UsageHistory:
    """Buckets per queue name, and of the whole capacity over the same spans. Empty: no history, no influence."""

    queues: dict[str, tuple[UsageBucket, ...]] = field(default_factory=dict)
    capacity: tuple[UsageBucket, ...] = ()
