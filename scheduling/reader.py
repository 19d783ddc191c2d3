"""Pods and nodes (JSON from the watch caches) and quotas (rows) -> one ClusterSnapshot per node pool."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from cluster.documents import Document, controller_of, labels_of, name_of, uid_of
from cluster.labels import QUEUE
from organization.models import Cluster, NodePool
from organization.pools import DEFAULT, pool_of
from scheduling.assumptions import Assumption, Assumptions
from scheduling.budgets import Budget, protected_gangs, read_budgets
from scheduling.company import Company
from scheduling.constraints import depends_on_namespaces
from scheduling.engine import ClusterSnapshot
from scheduling.engine.model.gangs import Gang, PodSet, SubGroup, TopologyConstraint
from scheduling.engine.model.nodes import Node, Topology
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from scheduling.grouping import Group, Membership, collect, owners_words
from scheduling.memory import GangMemory
from scheduling.mounts import Mounts
from scheduling.node_facts import read_node
from scheduling.occupants import count_foreign, offer_host_ports
from scheduling.pod_facts import PodFacts, Problem, read_pod
from scheduling.topologies import problem_of, read_topologies
from scheduling.world import World


@dataclass
class PoolReading:
    """What one cycle of one pool works on; `pods` by uid, `groups` by gang uid."""

    pool: NodePool
    snapshot: ClusterSnapshot
    groups: dict[str, Group]
    pods: dict[str, PodFacts]
    protected: dict[str, str] = field(default_factory=dict)
    """Gang uid -> the disruption budget that keeps it."""

    @property
    def waiting(self) -> list[Gang]:
        """Gangs with a pod that wants a place."""
        return [
            gang
            for gang in self.snapshot.gangs
            if any(task.state is TaskState.PENDING for task in gang.tasks)
        ]

    @property
    def below_minimum(self) -> list[Gang]:
        """Gangs that hold something but less than they need."""
        return [gang for gang in self.snapshot.gangs if 0 < holding(gang) < minimum_of(gang)]


def holding(gang: Gang) -> int:
    return sum(task.state in (TaskState.RUNNING, TaskState.BOUND, TaskState.BINDING) for task in gang.tasks)


def minimum_of(gang: Gang) -> int:
    return sum(part.min_available for part in gang.tree().all_pod_sets())


@dataclass
class ClusterReading:
    """All pools of a cluster at one moment, and the pods that cannot be scheduled as they are written."""

    pools: list[PoolReading] = field(default_factory=list)
    refused: list[tuple[PodFacts, Problem]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """What is wrong with nodes, for the log."""


class Reader:
    """Keeps what it worked out of each version of a pod, since most do not change between cycles."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._facts: dict[str, tuple[object, PodFacts]] = {}
        self._nodes: dict[str, tuple[str, Node, str]] = {}
        self._requests: dict[TaskRequest, TaskRequest] = {}
        self._mounts = Mounts()

    def read(self, world: World, *, memory: GangMemory, assumptions: Assumptions) -> ClusterReading:
        company = Company.of(self.cluster)
        facts = self._read_pods(world)
        states = {one.uid: one.state for one in facts}
        held = assumptions.current(states.get)
        facts = [_with_assumption(one, held.get(one.uid)) for one in facts]
        reading = ClusterReading()
        facts = self._mounts.applied(facts, world)
        node_pools, foreign_nodes = self._read_nodes(world.nodes, company, reading)
        offer_host_ports(facts, foreign_nodes)
        reading.troubles += count_foreign(facts, foreign_nodes)
        topologies = read_topologies(world.topologies)
        facts = [_in_topology(one, topologies) for one in facts]
        members = _members(facts, company, world.namespaces, reading)
        chosen = _pools_of_groups(collect(members), node_pools, company, memory, reading)
        for pool in company.pools:
            own_nodes = [node for node in foreign_nodes.values() if node_pools[node.name] == pool.name]
            reading.pools.append(
                _pool_reading(
                    pool, own_nodes, company.queues(pool), chosen.get(pool.name, []), memory, topologies
                )
            )
        _protect(reading, read_budgets(world.budgets, world.pods))
        return reading

    def _read_pods(self, world: World) -> list[PodFacts]:
        said = {uid_of(job): owners_words(job) for job in world.jobs}
        namespaces = {name_of(one): labels_of(one) for one in world.namespaces}
        fresh: dict[str, tuple[object, PodFacts]] = {}
        for document in world.pods:
            owner = controller_of(document)
            words = said.get(str(owner["uid"]), ()) if owner else ()
            seen = namespaces if depends_on_namespaces(document) else None
            uid, version = uid_of(document), (document["metadata"].get("resourceVersion"), words, seen)
            known = self._facts.get(uid)
            if known is None or known[0] != version:
                known = (version, read_pod(document, self._requests, words, namespaces))
            fresh[uid] = known
        self._facts = fresh
        return [facts for _, facts in fresh.values()]

    def _read_nodes(
        self, documents: Iterable[Document], company: Company, reading: ClusterReading
    ) -> tuple[dict[str, str], dict[str, Node]]:
        """(node -> pool, node -> engine node)."""
        fresh: dict[str, tuple[str, Node, str]] = {}
        pools: dict[str, str] = {}
        for document in documents:
            name, version = name_of(document), str(document["metadata"].get("resourceVersion"))
            known = self._nodes.get(name)
            fresh[name] = known if known and known[0] == version else (version, *read_node(document))
            pool = pool_of(labels_of(document), company.pools)
            pools[name] = pool.name if pool else DEFAULT
            if fresh[name][2]:
                reading.troubles.append(f"node {name}: {fresh[name][2]}")
        self._nodes = fresh
        return pools, {name: node for name, (_, node, _) in fresh.items()}


def _with_assumption(facts: PodFacts, assumption: Assumption | None) -> PodFacts:
    if assumption is None or facts.state is None:
        return facts
    if assumption.node and facts.state is TaskState.PENDING:
        return replace(facts, state=TaskState.BINDING, node=assumption.node)
    if not assumption.node and facts.state in (TaskState.BOUND, TaskState.RUNNING):
        return replace(facts, state=TaskState.RELEASING)
    return facts


def _protect(reading: ClusterReading, budgets: list[Budget]) -> None:
    """Gangs that their disruption budgets keep from being touched."""
    for pool in reading.pools if budgets else ():
        gang_of = {pod.uid: uid for uid, group in pool.groups.items() for pod in group.members if pod.holds}
        pool.protected = protected_gangs(budgets, gang_of)


def _members(
    facts: Iterable[PodFacts], company: Company, namespaces: Iterable[Document], reading: ClusterReading
) -> list[tuple[Membership, PodFacts]]:
    """Pods of gangs with their queue decided; those that cannot be are put aside with the reason."""
    owners = {project.namespace: project.name for project in company.projects}
    for namespace in namespaces:
        label = labels_of(namespace).get(QUEUE)
        if label:
            owners.setdefault(name_of(namespace), label)
    found: list[tuple[Membership, PodFacts]] = []
    for one in facts:
        if not one.ours:
            continue
        if one.problem is not None or one.membership is None:
            if one.state is TaskState.PENDING:
                reading.refused.append((one, one.problem or Problem("InvalidPod", "It cannot be read.")))
            continue
        if one.state is None and not one.finished_well:
            continue
        home, said = owners.get(one.namespace, ""), one.membership.queue
        if home and said and home != said and one.state is TaskState.PENDING:
            text = f"Its label {QUEUE} says {said}, but its namespace {one.namespace} belongs to {home}."
            reading.refused.append((one, Problem("QueueMismatch", text)))
            continue
        queue = home or said
        if not queue and one.state is TaskState.PENDING:
            text = f"Its namespace {one.namespace} belongs to no project, and no label {QUEUE} names one."
            reading.refused.append((one, Problem("NoProject", text)))
            continue
        found.append((one.membership if queue == said else replace(one.membership, queue=queue), one))
    return found


def _pools_of_groups(
    groups: list[Group],
    node_pools: dict[str, str],
    company: Company,
    memory: GangMemory,
    reading: ClusterReading,
) -> dict[str, list[Group]]:
    """Pool -> its gangs. A gang that holds a place belongs where it is; else where it is offered now."""
    known = {pool.name for pool in company.pools}
    defaults = {project.name: tuple(project.default_node_pools) for project in company.projects}
    chosen: dict[str, list[Group]] = {}
    for group in groups:
        membership = group.membership
        wished = membership.pools or defaults.get(membership.queue, ()) or (DEFAULT,)
        wished = tuple(name for name in wished if name in known) or wished
        group.pools = wished
        places = sorted(node_pools[pod.node] for pod in group.members if pod.holds and pod.node in node_pools)
        offered = memory.pool_offered(membership.key)
        pool = places[0] if places else offered if offered in wished else wished[0]
        if pool in known:
            chosen.setdefault(pool, []).append(group)
            continue
        problem = Problem("NodePoolDoesNotExist", f"There is no node pool {pool!r} in this cluster.")
        reading.refused += [(pod, problem) for pod in group.members if pod.state is TaskState.PENDING]
    return chosen


def _pool_reading(
    pool: NodePool,
    nodes: list[Node],
    queues: list[Queue],
    groups: list[Group],
    memory: GangMemory,
    topologies: Mapping[str, Topology],
) -> PoolReading:
    by_uid = {str(group.membership.key): group for group in groups}
    gangs = [gang for uid, group in by_uid.items() if (gang := _gang(uid, group, memory)) is not None]
    return PoolReading(
        pool=pool,
        snapshot=ClusterSnapshot.build(
            nodes=nodes,
            queues=queues,
            gangs=gangs,
            topologies=topologies.values(),
            history=memory.usage.history_of(pool),
            demand=memory.demand_of(pool.name),
            pool=pool.name,
        ),
        groups=by_uid,
        pods={pod.uid: pod for group in groups for pod in group.members},
    )


def _gang(uid: str, group: Group, memory: GangMemory) -> Gang | None:
    """None for a gang of which nothing is left to run. Pods that ended well count towards the minimum."""
    tasks = [_task(pod) for pod in group.members if pod.state is not None]
    if not tasks:
        return None
    done = sum(pod.state is None and pod.finished_well for pod in group.members)
    membership = group.membership
    known = memory.get(membership.key)
    return Gang(
        uid=uid,
        queue=membership.queue,
        tasks=tasks,
        name=membership.name,
        priority=membership.priority,
        preemptible=membership.preemptible,
        min_available=max(1, group.minimum - done),
        root=_root(membership.topology, max(1, group.minimum - done)),
        created_at=membership.created_at,
        last_start=known.last_start.timestamp() if known and known.last_start else None,
        stale_since=known.stale_since.timestamp() if known and known.stale_since else None,
        pools=group.pools,
        bind_retry_at=known.bind_retry_at.timestamp() if known and known.bind_retry_at else None,
    )


def _root(topology: TopologyConstraint | None, minimum: int) -> SubGroup | None:
    """A gang that is to stay within a domain says so at the top of its tree."""
    return SubGroup(pod_sets=(PodSet(min_available=minimum),), topology=topology) if topology else None


def _in_topology(facts: PodFacts, known: Mapping[str, Topology]) -> PodFacts:
    """A pod whose wish for a domain nobody can keep waits and is told."""
    wish = facts.membership.topology if facts.membership else None
    text = problem_of(wish, known) if wish and facts.state is TaskState.PENDING else ""
    return replace(facts, problem=Problem("TopologyDoesNotExist", text)) if text else facts


def _task(pod: PodFacts) -> Task:
    assert pod.state is not None  # noqa: S101  (the caller leaves out pods that are over)
    return Task(
        uid=pod.uid,
        request=pod.request,
        state=pod.state,
        node=pod.node,
        name=pod.name,
        priority=pod.priority,
        leader=pod.leader,
        created_at=pod.created_at,
        constraints=pod.constraints,
        namespace=pod.namespace,
        labels=pod.labels,
    )
