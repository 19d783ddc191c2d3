"""Pure: the installation's settings of the scheduler with what one node pool says of its own."""

from collections.abc import Collection
from dataclasses import replace

from organization.models import NodePool
from scheduling.engine import SchedulerConfig
from scheduling.placement import with_placement


def installation_config(*, evictions_at_most: int, protect_after: float | None) -> SchedulerConfig:
    """What holds for all clusters. `protect_after`: seconds of waiting after which the oldest gang is kept from being starved by
    smaller ones; None or 0 never does that.
    """
    config = SchedulerConfig(max_evictions=evictions_at_most)
    if not protect_after:
        return config
    return replace(
        config,
        plugins=(*config.plugins, "age_protection"),
        options={**config.options, "age_protection": {"after": protect_after}},
    )


def config_of(config: SchedulerConfig, pool: NodePool, *, protected: Collection[str] = ()) -> SchedulerConfig:
    """`protected` gangs (uids) are not touched."""
    placed = with_placement(config, gpu=pool.gpu_placement, cpu=pool.cpu_placement)
    return replace(
        placed,
        plugins=tuple(dict.fromkeys((*placed.plugins, "protection"))),
        options={
            **placed.options,
            "protection": {"gangs": tuple(sorted(protected))},
            "usage_history": _looking_back(pool),
        },
        usage_weight=pool.usage_weight,
        preempt_min_runtime=float(pool.min_runtime_seconds),
        reclaim_min_runtime=float(pool.min_runtime_seconds),
    )


def _looking_back(pool: NodePool) -> dict[str, float | None]:
    """Options of the plugin `usage_history`, in seconds; without a history they say nothing."""
    start = pool.usage_window_start
    return {
        "window": pool.usage_window_hours * 3600.0,
        "half_life": pool.usage_half_life_hours * 3600.0 or None,
        "tumbling_start": start.timestamp() if start else None,
    }
