"""Pods and nodes (JSON from the watch caches) and quotas (rows) -> one ClusterSnapshot per node pool.

A reader keeps what it worked out at its last look: pods, gangs and nodes that have not changed meanwhile are the same objects again.
What it says is what a new reader would say.
"""

from dataclasses import dataclass, field

from organization.models import Cluster, NodePool
from scheduling.assumptions import Assumptions
from scheduling.budgets import Budget, protected_gangs, read_budgets
from scheduling.company import Companies, Company
from scheduling.engine import ClusterSnapshot
from scheduling.engine.model.following import following
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.nodes import Topology
from scheduling.gang_book import GangBook, Refused, owners_of
from scheduling.grouping import GangKey, Group
from scheduling.memory import GangMemory
from scheduling.node_book import NodeBook
from scheduling.pod_book import PodBook
from scheduling.pod_facts import PodFacts
from scheduling.pool_book import Entry, PoolBook, PoolEntries
from scheduling.topologies import read_topologies
from scheduling.world import World


@dataclass
class PoolReading:
    """What one cycle of one pool works on; `pods` by uid, `groups` by gang uid."""

    pool: NodePool
    snapshot: ClusterSnapshot
    groups: dict[str, Group]
    pods: dict[str, PodFacts]
    waiting: list[Gang]
    """Gangs with a pod that wants a place."""
    below_minimum: list[Gang]
    """Gangs that hold something but less than they need."""
    protected: dict[str, str] = field(default_factory=dict)
    """Gang uid -> the disruption budget that keeps it."""


@dataclass
class ClusterReading:
    """All pools of a cluster at one moment, and the pods that cannot be scheduled as they are written."""

    pools: list[PoolReading] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """What is wrong with nodes, for the log."""
    renewed: list[Entry] = field(default_factory=list)
    """Gangs that are others than at this reader's last look."""
    present: frozenset[GangKey] = frozenset()
    """Gangs of which something is left to run."""


class Reader:
    """One for a cluster and its memory."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._companies = Companies(cluster)
        self.forget()

    def forget(self) -> None:
        """Begin from nothing at the next look."""
        self._companies.forget()
        self._pods = PodBook()
        self._nodes = NodeBook()
        self._gangs = GangBook()
        self._pools = PoolBook()
        self._snapshots: dict[str, ClusterSnapshot] = {}

    def pools(self) -> list[str]:
        """The names of the cluster's node pools as they are now."""
        return [pool.name for pool in self._companies.current().pools]

    def read(self, world: World, *, memory: GangMemory, assumptions: Assumptions) -> ClusterReading:
        try:
            return self._read(world, memory, assumptions)
        except BaseException:
            self.forget()  # a look that broke off has heard of changes without following them to their end
            raise

    def _read(self, world: World, memory: GangMemory, assumptions: Assumptions) -> ClusterReading:
        company = self._companies.current()
        topologies = read_topologies(world.topologies)
        changed = self._pods.update(world, assumptions, topologies)
        self._nodes.update(world.nodes, company.pools, self._pods.aside, self._pods.with_ports)
        dirty = self._gangs.update(self._pods.facts, changed, owners_of(company, world.namespaces))
        renewed = self._pools.update(self._gangs.groups, dirty, self._nodes.pools, company, memory)
        reading = ClusterReading(
            pools=[self._pool_reading(pool, company, memory, topologies) for pool in company.pools],
            refused=self._refused(),
            troubles=self._nodes.troubles,
            renewed=renewed,
            present=frozenset(self._pools.present),
        )
        self._snapshots = {one.pool.name: one.snapshot for one in reading.pools}
        _protect(reading, read_budgets(world.budgets, world.pods))
        return reading

    def _refused(self) -> list[Refused]:
        """The eldest first."""
        found = [*self._gangs.refused.values()]
        found += [one for some in self._pools.homeless.values() for one in some]
        return sorted(found, key=lambda one: (one[0].created_at, one[0].uid))

    def _pool_reading(
        self, pool: NodePool, company: Company, memory: GangMemory, topologies: dict[str, Topology]
    ) -> PoolReading:
        there = self._pools.pools.get(pool.name) or PoolEntries()
        snapshot = following(
            self._snapshots.get(pool.name) or ClusterSnapshot.build(),
            nodes=self._nodes.in_pool(pool.name),
            queues=company.queues(pool),
            gangs=there.gangs.values(),
            topologies=topologies.values(),
            history=memory.usage.history_of(pool),
            demand=memory.demand_of(pool.name),
            pool=pool.name,
        )
        return PoolReading(
            pool=pool,
            snapshot=snapshot,
            groups=dict(there.groups),
            pods=dict(there.pods),
            waiting=list(there.waiting.values()),
            below_minimum=list(there.below_minimum.values()),
        )


def _protect(reading: ClusterReading, budgets: list[Budget]) -> None:
    """Gangs that their disruption budgets keep from being touched."""
    for pool in reading.pools if budgets else ():
        gang_of = {pod.uid: uid for uid, group in pool.groups.items() for pod in group.members if pod.holds}
        pool.protected = protected_gangs(budgets, gang_of)
