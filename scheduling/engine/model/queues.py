"""A queue: a project, or a department above projects, in one node pool."""

from dataclasses import dataclass

from scheduling.engine.model.resources import UNBOUNDED, Bounds

NO_QUOTA = Bounds()
"""Deserves no GPUs; CPU and memory are unlimited."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Over-quota weights; 0 gets no over-quota share of that resource. Only their proportions among siblings matter."""

    gpu: float = 1
    cpu: float = 1
    memory: float = 1


@dataclass(frozen=True, slots=True)
class OverQuota:
    """Whether use above the deserved amount is allowed at all; where not, the deserved amount is the limit."""

    gpu: bool = True
    cpu: bool = True
    memory: bool = True


@dataclass(frozen=True, slots=True)
class Queue:
    """One node of the queue tree; `parent` "" is the top. Only leaves hold gangs.

    `rank` orders the over-quota division and the service of siblings, higher first. The two minimum runtimes are seconds;
    None inherits from the parent, and from the configuration at the top.
    """

    name: str
    parent: str = ""
    deserved: Bounds = NO_QUOTA
    limit: Bounds = UNBOUNDED
    weights: Weights = Weights()
    over_quota: OverQuota = OverQuota()
    rank: int = 100
    created_at: float = 0.0
    preempt_min_runtime: float | None = None
    reclaim_min_runtime: float | None = None

    def effective_limit(self) -> Bounds:
        """The limit, lowered to the deserved amount where over-quota use is off."""
        return Bounds(
            *(
                limit if allowed else _smaller(limit, deserved)
                for limit, deserved, allowed in zip(
                    self.limit,
                    self.deserved,
                    (self.over_quota.gpu, self.over_quota.cpu, self.over_quota.memory),
                    strict=True,
                )
            )
        )


def _smaller(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
