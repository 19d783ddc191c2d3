"""Pure: a pool's placement strategies for GPU work and for CPU work -> the engine's plugins and their options."""

from dataclasses import replace
from typing import Any

from scheduling.engine import SchedulerConfig

BIN_PACK, SPREAD, FRAGMENTATION = "binpack", "spread", "fragmentation"
STRATEGIES = {"bin_packing", "spreading", "fragmentation"}
"""The plugins of which a configuration gets those it needs."""


def with_placement(config: SchedulerConfig, *, gpu: str, cpu: str) -> SchedulerConfig:
    """The settings with these strategies: "binpack", "spread" or, for GPU work, "fragmentation".

    The last also places CPU work on nodes with GPUs; `cpu` then decides between the nodes without. Moving work together would undo
    what spreading it has done, so that a pool that spreads anything does not consolidate.
    """
    if gpu not in {BIN_PACK, SPREAD, FRAGMENTATION} or cpu not in {BIN_PACK, SPREAD}:
        raise ValueError(f"no such placement: {gpu!r} for GPU work, {cpu!r} for CPU work")
    options = {**config.options, **_options(gpu, cpu)}
    kept = tuple(name for name in config.plugins if name not in STRATEGIES)
    spreads = SPREAD in {gpu, cpu}
    actions = tuple(name for name in config.actions if name != "consolidate" or not spreads)
    return replace(config, actions=actions, plugins=(*kept, *_plugins(gpu, cpu)), options=options)


def _plugins(gpu: str, cpu: str) -> tuple[str, ...]:
    if gpu == FRAGMENTATION:
        return ("fragmentation",)
    wanted = {gpu, cpu}
    return ("bin_packing",) * (BIN_PACK in wanted) + ("spreading",) * (SPREAD in wanted)


def _options(gpu: str, cpu: str) -> dict[str, dict[str, Any]]:
    if gpu == FRAGMENTATION:
        return {
            "fragmentation": {"cpu": "spread" if cpu == SPREAD else "pack"},
            "gpu_sharing": {"devices": "", "join": False},
        }
    devices = {"devices": "spread", "join": False} if gpu == SPREAD else {"devices": "pack", "join": True}
    return {
        "bin_packing": {"gpu": gpu == BIN_PACK, "cpu": cpu == BIN_PACK},
        "spreading": {"gpu": gpu == SPREAD, "cpu": cpu == SPREAD},
        "gpu_sharing": devices,
    }
