"""Pure: the installation's settings of the scheduler with what one node pool says of its own."""

from collections.abc import Collection
from dataclasses import replace

from organization.models import NodePool, Placement
from scheduling.engine import SchedulerConfig


def config_of(config: SchedulerConfig, pool: NodePool, *, protected: Collection[str] = ()) -> SchedulerConfig:
    """`protected` gangs (uids) are not touched."""
    spread = {"gpu": pool.gpu_placement == Placement.SPREAD, "cpu": pool.cpu_placement == Placement.SPREAD}
    packed = {unit: not wanted for unit, wanted in spread.items()}
    plugins = (*config.plugins, *(one for one in ("spreading", "protection") if one not in config.plugins))
    # moving work together would undo what spreading it has done
    actions = tuple(name for name in config.actions if name != "consolidate" or not any(spread.values()))
    return replace(
        config,
        actions=actions,
        plugins=plugins,
        options={
            **config.options,
            "bin_packing": packed,
            "spreading": spread,
            "protection": {"gangs": tuple(sorted(protected))},
        },
        preempt_min_runtime=float(pool.min_runtime_seconds),
        reclaim_min_runtime=float(pool.min_runtime_seconds),
    )
