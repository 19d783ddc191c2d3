"""What an administrator may set: which actions run, which plugins take part, and the safety limits."""

from dataclasses import dataclass, field
from typing import Any

DEFAULT_ACTIONS = ("allocate", "consolidate", "reclaim", "preempt", "evict_broken_gangs")

DEFAULT_PLUGINS = (
    "usage_history",
    "fair_share",
    "node_fit",
    "pod_affinity",
    "topology_spread",
    "priority",
    "elastic",
    "gang",
    "nominated_node",
    "availability",
    "resource_type",
    "gpu_sharing",
    "bin_packing",
    "min_runtime",
    "topology",
)


@dataclass(frozen=True, slots=True)
class SchedulerConfig:
    """Settings of one cycle. Durations are seconds.

    `actions` run in this order; leaving one out switches it off. `plugins` likewise; the order decides between order keys.
    `options` are keyword options per plugin name, e.g. {"bin_packing": {"gpu": "spread"}}.
    `staleness_grace`: how long a gang may run below its minimum before it is evicted; None is for ever.
    `max_consolidation_victims`: gangs one consolidation may move; None is no limit, 0 switches it off.
    `max_evictions`: tasks one plan may evict; None is no limit. `queue_depth`: gangs tried per leaf queue and action.
    `skip_equals_of_failed`: do not try a gang whose like already failed in the same action.
    `explain`: refusals carry counterfactuals for the first `explained_gangs` waiting gangs. `explain_effort`: tasks in all the cycles
    run for that together, about 5,000 a second; None is no limit. Who is beyond either is told so.
    """

    actions: tuple[str, ...] = DEFAULT_ACTIONS
    plugins: tuple[str, ...] = DEFAULT_PLUGINS
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    staleness_grace: float | None = 60.0
    max_consolidation_victims: int | None = 16
    max_evictions: int | None = None
    allow_consolidating_reclaim: bool = True
    saturation_multiplier: float = 1.0
    usage_weight: float = 1.0
    queue_depth: int | None = None
    skip_equals_of_failed: bool = True
    preempt_min_runtime: float = 0.0
    reclaim_min_runtime: float = 0.0
    reclaim_min_runtime_of: str = "below-common-ancestor"
    """Whose minimum counts in a reclaim: "below-common-ancestor" of the two queues, or the victim's own "queue"."""
    explain: bool = False
    explained_gangs: int = 100
    explain_effort: int | None = 500_000
