"""Every action and every plugin, listed by hand: to add one, write its file and add its line."""

from collections.abc import Callable

from scheduling.engine.actions.allocate import allocate
from scheduling.engine.actions.consolidate import consolidate
from scheduling.engine.actions.evict_broken_gangs import evict_broken_gangs
from scheduling.engine.actions.preempt import preempt
from scheduling.engine.actions.reclaim import reclaim
from scheduling.engine.config import SchedulerConfig
from scheduling.engine.plugin import Plugin
from scheduling.engine.plugins.age_protection import AgeProtection
from scheduling.engine.plugins.bin_packing import BinPacking
from scheduling.engine.plugins.elastic import Elastic
from scheduling.engine.plugins.fair_share.plugin import FairShare
from scheduling.engine.plugins.fragmentation.plugin import Fragmentation
from scheduling.engine.plugins.gang import GangOrder
from scheduling.engine.plugins.gpu_sharing import GpuSharing
from scheduling.engine.plugins.min_runtime import MinRuntime
from scheduling.engine.plugins.node_fit import NodeFit
from scheduling.engine.plugins.node_preference import Availability, NominatedNode, ResourceType
from scheduling.engine.plugins.pod_affinity import PodAffinity
from scheduling.engine.plugins.priority import Priority
from scheduling.engine.plugins.protection import Protection
from scheduling.engine.plugins.spreading import Spreading
from scheduling.engine.plugins.topology import Topologies
from scheduling.engine.plugins.topology_spread import TopologySpread
from scheduling.engine.plugins.usage_history import UsageHistory
from scheduling.engine.session import Session

ACTIONS: dict[str, Callable[[Session], None]] = {
    "allocate": allocate,
    "consolidate": consolidate,
    "reclaim": reclaim,
    "preempt": preempt,
    "evict_broken_gangs": evict_broken_gangs,
}

PLUGINS: dict[str, type[Plugin]] = {
    plugin.name: plugin
    for plugin in (
        UsageHistory,
        FairShare,
        NodeFit,
        PodAffinity,
        TopologySpread,
        Priority,
        Elastic,
        GangOrder,
        NominatedNode,
        Availability,
        ResourceType,
        GpuSharing,
        BinPacking,
        Spreading,
        Fragmentation,
        MinRuntime,
        Protection,
        AgeProtection,
        Topologies,
    )
}


def make_plugins(config: SchedulerConfig) -> list[Plugin]:
    """Fresh plugins with their options; an unknown name or option is a programming error and raises."""
    return [PLUGINS[name](**config.options.get(name, {})) for name in config.plugins]
