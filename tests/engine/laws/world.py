"""A world: the parts of a snapshot and the settings, and how large and how varied random ones get."""

import random
from dataclasses import dataclass, field, replace

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.demand import NO_DEMAND, Demand
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.nodes import Node, Topology
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.usage import UsageHistory

NOW = 1_900_000_000.0
GB = 10**9
HOUR = 3600.0


@dataclass(frozen=True)
class Size:
    """How large a world may get."""

    nodes: int
    queues: int
    running: int
    waiting: int
    gang: int


SIZES = {
    "tiny": Size(nodes=2, queues=2, running=3, waiting=2, gang=2),
    "small": Size(nodes=5, queues=5, running=10, waiting=6, gang=4),
    "medium": Size(nodes=10, queues=8, running=30, waiting=12, gang=6),
    "large": Size(nodes=24, queues=10, running=80, waiting=24, gang=8),
}


@dataclass(frozen=True)
class Features:
    """What a world may contain besides whole GPUs, gangs and quotas. Probabilities of a world having it at all."""

    fractions: float = 0.5
    memory_requests: float = 0.2
    cpu_bound: float = 0.3
    elastic: float = 0.5
    sub_groups: float = 0.2
    topology: float = 0.25
    node_rules: float = 0.3
    pod_affinity: float = 0.1
    leaving: float = 0.3
    limits: float = 0.4
    min_runtime: float = 0.2
    spreading: float = 0.2
    foreign: float = 0.15
    broken: float = 0.2
    several_devices: float = 0.3
    preferences: float = 0.25
    usage: float = 0.25
    held_back: float = 0.2
    settings: float = 0.3
    without_tree: float = 0.5
    fragmentation: float = 0.15
    protected: float = 0.1
    namespaces: float = 0.3
    memory_quotas: float = 0.2
    spread: float = 0.1


PLAIN = Features(**dict.fromkeys(Features.__dataclass_fields__, 0.0))


@dataclass
class World:
    """The parts of a snapshot and the settings; parts can be dropped to find the smallest world that still shows a thing."""

    nodes: list[Node] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    gangs: list[Gang] = field(default_factory=list)
    topologies: list[Topology] = field(default_factory=list)
    config: SchedulerConfig = field(default_factory=SchedulerConfig)
    history: UsageHistory = field(default_factory=UsageHistory)
    demand: Demand = NO_DEMAND

    def snapshot(self) -> ClusterSnapshot:
        return ClusterSnapshot.build(
            nodes=self.nodes,
            queues=self.queues,
            gangs=self.gangs,
            topologies=self.topologies,
            history=self.history,
            demand=self.demand,
        )

    def shuffled(self, seed: int) -> "World":
        """The same world told in another order."""
        rng = random.Random(seed)
        gangs = [replace(gang, tasks=rng.sample(gang.tasks, len(gang.tasks))) for gang in self.gangs]
        return World(
            rng.sample(self.nodes, len(self.nodes)),
            rng.sample(self.queues, len(self.queues)),
            rng.sample(gangs, len(gangs)),
            rng.sample(self.topologies, len(self.topologies)),
            self.config,
            UsageHistory(
                {
                    name: self.history.queues[name]
                    for name in rng.sample(sorted(self.history.queues), len(self.history.queues))
                },
                self.history.capacity,
            ),
            self.demand,
        )


class Dice:
    """What all draws of one world share. `has` says which features it has."""

    def __init__(self, rng: random.Random, size: Size, features: Features) -> None:
        self.rng, self.size = rng, size
        self.has = {name: rng.random() < chance for name, chance in vars(features).items()}

    def up_to(self, most: int) -> int:
        """At least half of it."""
        return self.rng.randint(most // 2, most)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability
