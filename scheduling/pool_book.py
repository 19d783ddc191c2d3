"""Which pool each gang is offered to, and the gang as the engine takes it; kept from one look to the next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from organization.pools import DEFAULT
from scheduling.company import Company
from scheduling.engine.model.gangs import Gang, PodSet, SubGroup, TopologyConstraint
from scheduling.engine.model.tasks import HOLDING, Task, TaskState
from scheduling.gang_book import Refused
from scheduling.grouping import GangKey, Group
from scheduling.memory import GangMemory
from scheduling.models import GangState
from scheduling.pod_facts import PodFacts, Problem


@dataclass(frozen=True, slots=True)
class Entry:
    """One gang. `gang` is None when nothing of it is left to run, `pool` "" when there is none of that name."""

    key: GangKey
    uid: str
    group: Group
    pool: str
    gang: Gang | None
    waits: bool
    """Has a pod that wants a place."""
    below_minimum: bool
    """Holds something but less than it needs."""
    state: GangState | None
    remembered: tuple[object, ...]
    """What the memory said of it, as far as it counts here."""


@dataclass(slots=True)
class PoolEntries:
    """Those of one pool, by the gang's uid; `pods` by their own."""

    entries: dict[str, Entry] = field(default_factory=dict)
    pods: dict[str, PodFacts] = field(default_factory=dict)


class PoolBook:
    """`present` are the gangs of which something is left to run; `homeless` pods whose gang names a pool that is not there."""

    def __init__(self) -> None:
        self.pools: dict[str, PoolEntries] = {}
        self.present: set[GangKey] = set()
        self.homeless: dict[GangKey, list[Refused]] = {}
        self._entries: dict[GangKey, Entry] = {}
        self._known: frozenset[str] = frozenset()
        self._defaults: dict[str, tuple[str, ...]] = {}
        self._node_pools: dict[str, str] = {}

    def update(
        self,
        groups: Mapping[GangKey, Group],
        dirty: set[GangKey],
        node_pools: dict[str, str],
        company: Company,
        memory: GangMemory,
    ) -> list[Entry]:
        """The gangs that are worked out anew."""
        known = frozenset(pool.name for pool in company.pools)
        defaults = {project.name: tuple(project.default_node_pools) for project in company.projects}
        world = known, defaults, node_pools
        if world != (self._known, self._defaults, self._node_pools):
            self._known, self._defaults, self._node_pools = world
            dirty = groups.keys() | dirty
        dirty = dirty | self._remembered_otherwise(memory)
        for key in dirty:  # all of them first: a pod may have gone from one to another
            self._take_out(key)
        return [self._take_in(key, groups[key], memory) for key in dirty if key in groups]

    def _remembered_otherwise(self, memory: GangMemory) -> set[GangKey]:
        return {
            key
            for key, entry in self._entries.items()
            if (state := memory.get(key)) is not entry.state or _remembered(state) != entry.remembered
        }

    def _take_out(self, key: GangKey) -> None:
        entry = self._entries.pop(key, None)
        self.homeless.pop(key, None)
        self.present.discard(key)
        if entry is not None and entry.pool:
            pool = self.pools[entry.pool]
            del pool.entries[entry.uid]
            for pod in entry.group.members:
                del pool.pods[pod.uid]

    def _take_in(self, key: GangKey, group: Group, memory: GangMemory) -> Entry:
        state = memory.get(key)
        pools, name = self._place(group, state)
        pool = name if name in self._known else ""
        group = replace(group, pools=pools)
        gang = _gang(str(key), group, state) if pool else None
        entry = Entry(
            key=key,
            uid=str(key),
            group=group,
            pool=pool,
            gang=gang,
            waits=gang is not None and any(task.state is TaskState.PENDING for task in gang.tasks),
            below_minimum=gang is not None and 0 < _holding(gang) < _minimum_of(gang),
            state=state,
            remembered=_remembered(state),
        )
        self._entries[key] = entry
        if pool:
            there = self.pools.setdefault(pool, PoolEntries())
            there.entries[entry.uid] = entry
            there.pods.update((pod.uid, pod) for pod in group.members)
        else:
            problem = Problem("NodePoolDoesNotExist", f"There is no node pool {name!r} in this cluster.")
            waiting = [pod for pod in group.members if pod.state is TaskState.PENDING]
            self.homeless[key] = [(pod, problem) for pod in waiting]
        if gang is not None:
            self.present.add(key)
        return entry

    def _place(self, group: Group, state: GangState | None) -> tuple[tuple[str, ...], str]:
        """The pools it may go to, and the one it belongs to: where it holds a place, else where it is offered now."""
        membership = group.membership
        wished = membership.pools or self._defaults.get(membership.queue, ()) or (DEFAULT,)
        wished = tuple(name for name in wished if name in self._known) or wished
        places = [
            self._node_pools[pod.node] for pod in group.members if pod.holds and pod.node in self._node_pools
        ]
        offered = state.pool if state else ""
        return wished, min(places) if places else offered if offered in wished else wished[0]


def _remembered(state: GangState | None) -> tuple[object, ...]:
    if state is None:
        return ()
    return state.pool, state.last_start, state.stale_since, state.bind_retry_at


def _holding(gang: Gang) -> int:
    return sum(task.state in HOLDING for task in gang.tasks)


def _minimum_of(gang: Gang) -> int:
    return sum(part.min_available for part in gang.tree().all_pod_sets())


def _gang(uid: str, group: Group, known: GangState | None) -> Gang | None:
    """None for a gang of which nothing is left to run. Pods that ended well count towards the minimum."""
    tasks = [_task(pod, pod.state) for pod in group.members if pod.state is not None]
    if not tasks:
        return None
    done = sum(pod.state is None and pod.finished_well for pod in group.members)
    membership = group.membership
    minimum = max(1, group.minimum - done)
    return Gang(
        uid=uid,
        queue=membership.queue,
        tasks=tasks,
        name=membership.name,
        priority=membership.priority,
        preemptible=membership.preemptible,
        min_available=minimum,
        root=_root(membership.topology, minimum),
        created_at=membership.created_at,
        last_start=known.last_start.timestamp() if known and known.last_start else None,
        stale_since=known.stale_since.timestamp() if known and known.stale_since else None,
        pools=group.pools,
        bind_retry_at=known.bind_retry_at.timestamp() if known and known.bind_retry_at else None,
    )


def _root(topology: TopologyConstraint | None, minimum: int) -> SubGroup | None:
    """A gang that is to stay within a domain says so at the top of its tree."""
    return SubGroup(pod_sets=(PodSet(min_available=minimum),), topology=topology) if topology else None


def _task(pod: PodFacts, state: TaskState) -> Task:
    return Task(
        uid=pod.uid,
        request=pod.request,
        state=state,
        node=pod.node,
        name=pod.name,
        priority=pod.priority,
        leader=pod.leader,
        created_at=pod.created_at,
        constraints=pod.constraints,
        namespace=pod.namespace,
        labels=pod.labels,
    )


def waiting(entries: Iterable[Entry]) -> list[Gang]:
    return [entry.gang for entry in entries if entry.waits and entry.gang is not None]


def below_minimum(entries: Iterable[Entry]) -> list[Gang]:
    return [entry.gang for entry in entries if entry.below_minimum and entry.gang is not None]
