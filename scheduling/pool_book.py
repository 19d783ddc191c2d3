"""Which pool each gang is offered to, and the gang as the engine takes it; kept from one look to the next."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from organization.pools import DEFAULT
from scheduling.company import Company
from scheduling.engine.model.gangs import Gang, PodSet, SubGroup
from scheduling.engine.model.tasks import HOLDING, Task, TaskState
from scheduling.gang_book import Refused
from scheduling.grouping import GangKey, Group
from scheduling.memory import GangMemory
from scheduling.models import GangState
from scheduling.pod_facts import PodFacts, Problem

WHOLE = PodSet().name
"""The pod set of a gang without parts, and of pods that belong to none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One gang. `gang` is None when nothing of it is left to run, `pool` "" when there is none of that name."""

    key: GangKey
    uid: str
    group: Group
    pool: str
    gang: Gang | None
    whole_with: dict[str, int]
    """How many of each part it has run whole with since it started; empty for one that does not run, or that a single pod is whole."""
    remembered: tuple[object, ...]
    """What the memory said of it, as far as it counts here."""


@dataclass(slots=True)
class PoolEntries:
    """What one pool's look takes of its entries, by the gang's uid; `pods` by their own."""

    groups: dict[str, Group] = field(default_factory=dict)
    gangs: dict[str, Gang] = field(default_factory=dict)
    waiting: dict[str, Gang] = field(default_factory=dict)
    below_minimum: dict[str, Gang] = field(default_factory=dict)
    pods: dict[str, PodFacts] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        self.groups[entry.uid] = entry.group
        self.pods.update((pod.uid, pod) for pod in entry.group.members)
        if entry.gang is None:
            return
        self.gangs[entry.uid] = entry.gang
        if any(task.state is TaskState.PENDING for task in entry.gang.tasks):
            self.waiting[entry.uid] = entry.gang
        if 0 < _holding(entry.gang) < _minimum_of(entry.gang):
            self.below_minimum[entry.uid] = entry.gang

    def remove(self, entry: Entry) -> None:
        for pod in entry.group.members:
            del self.pods[pod.uid]
        for some in (self.groups, self.gangs, self.waiting, self.below_minimum):
            some.pop(entry.uid, None)


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
        self._heard = 0
        """How far the memory's changes have been heard."""

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
        changed, self._heard = memory.changed_since(self._heard)
        entries = self._entries
        return {key for key in changed if (entry := entries.get(key)) and _is_news(entry, memory.get(key))}

    def _take_out(self, key: GangKey) -> None:
        entry = self._entries.pop(key, None)
        self.homeless.pop(key, None)
        self.present.discard(key)
        if entry is not None and entry.pool:
            self.pools[entry.pool].remove(entry)

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
            whole_with=_whole_with(group, state),
            remembered=_remembered(state),
        )
        self._entries[key] = entry
        if pool:
            self.pools.setdefault(pool, PoolEntries()).add(entry)
        else:
            problem = Problem("NodePoolDoesNotExist", f"There is no node pool {name!r} in this cluster.")
            waiting = [pod for pod in group.members if pod.state is TaskState.PENDING]
            self.homeless[key] = [(pod, problem) for pod in waiting]
        if gang is not None:
            self.present.add(key)
        return entry

    def _place(self, group: Group, state: GangState | None) -> tuple[tuple[str, ...], str]:
        """The pools it may go to, and the one it belongs to: where it holds a place, and stays; else where it is offered now."""
        membership = group.membership
        wished = membership.pools or self._defaults.get(membership.queue, ()) or (DEFAULT,)
        wished = tuple(name for name in wished if name in self._known) or wished
        places = [
            self._node_pools[pod.node] for pod in group.members if pod.holds and pod.node in self._node_pools
        ]
        if places:
            return (min(places),), min(places)
        offered = state.pool if state else ""
        return wished, offered if offered in wished else wished[0]


def _is_news(entry: Entry, state: GangState | None) -> bool:
    """What the memory says counts anew, unless a gang that was not known is now, in the pool where it is."""
    remembered = _remembered(state)
    return remembered != entry.remembered and (
        entry.remembered != () or remembered != (entry.pool, None, None, None, ())
    )


def _remembered(state: GangState | None) -> tuple[object, ...]:
    if state is None:
        return ()
    return (
        state.pool,
        state.last_start,
        state.stale_since,
        state.bind_retry_at,
        tuple(state.whole_with.items()),
    )


def _holding(gang: Gang) -> int:
    return sum(task.state in HOLDING for task in gang.tasks)


def _minimum_of(gang: Gang) -> int:
    return sum(part.min_available for part in gang.tree().all_pod_sets())


def _gang(uid: str, group: Group, known: GangState | None) -> Gang | None:
    """None for a gang of which nothing is left to run. Pods that ended well count towards the minimum of their part."""
    tasks = [_task(pod, pod.state) for pod in group.members if pod.state is not None]
    if not tasks:
        return None
    membership = group.membership
    pod_sets = _pod_sets(group, known)
    plain = len(pod_sets) == 1 and membership.topology is None
    return Gang(
        uid=uid,
        queue=membership.queue,
        tasks=tasks,
        name=membership.name,
        priority=membership.priority,
        preemptible=membership.preemptible,
        min_available=sum(one.min_available for one in pod_sets),
        root=None if plain else SubGroup(pod_sets=pod_sets, topology=membership.topology),
        created_at=membership.created_at,
        last_start=known.last_start.timestamp() if known and known.last_start else None,
        stale_since=known.stale_since.timestamp() if known and known.stale_since else None,
        pools=group.pools,
        bind_retry_at=known.bind_retry_at.timestamp() if known and known.bind_retry_at else None,
    )


def _pod_sets(group: Group, known: GangState | None) -> tuple[PodSet, ...]:
    minimums, done = _minimums(group, known), _done(group)
    if len(minimums) == 1:
        ((part, least),) = minimums.items()
        return (PodSet(name=part or WHOLE, min_available=max(1, least - done[part])),)
    return tuple(
        PodSet(name=part or WHOLE, min_available=max(0, least - done[part]))
        for part, least in minimums.items()
    )


def _minimums(group: Group, known: GangState | None) -> dict[str, int]:
    """An owner that is scaled up asks for more: that does not break what has started whole, and grows as far as there is room."""
    if known is None or not known.whole_with or not _held(group):
        return group.minimums
    return {part: min(least, known.whole_with.get(part, 0)) for part, least in group.minimums.items()}


def _whole_with(group: Group, known: GangState | None) -> dict[str, int]:
    held, done = _held(group), _done(group)
    if not held or sum(group.minimums.values()) < 2:
        return {}
    if all(held[part] + done[part] >= least for part, least in group.minimums.items()):
        return dict(group.minimums)
    return known.whole_with if known else {}


def _held(group: Group) -> Counter[str]:
    return Counter(_part(pod) for pod in group.members if pod.state in HOLDING)


def _done(group: Group) -> Counter[str]:
    return Counter(_part(pod) for pod in group.members if pod.state is None and pod.finished_well)


def _part(pod: PodFacts) -> str:
    return pod.membership.part if pod.membership else ""


def _task(pod: PodFacts, state: TaskState) -> Task:
    return Task(
        uid=pod.uid,
        request=pod.request,
        state=state,
        node=pod.node,
        name=pod.name,
        pod_set=_part(pod) or WHOLE,
        priority=pod.priority,
        leader=pod.leader,
        created_at=pod.created_at,
        constraints=pod.constraints,
        namespace=pod.namespace,
        labels=pod.labels,
    )
