"""Keeps a group of tasks together: in one domain of a required level, and of a preferred one if it can be.

Domains are tried from the preferred level up to the required one (or the whole), the fullest that takes all first;
inside the chosen domain, the parts with more room come first, so that the tasks sit together.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

from scheduling.engine.model.gangs import TopologyConstraint
from scheduling.engine.model.resources import WHOLE_GPU
from scheduling.engine.plugin import Domain, Plugin
from scheduling.engine.session import Session

ROOM_POINTS = 100_000.0

Path = tuple[str, ...]


@dataclass
class Topologies(Plugin):
    """A constraint that names an unknown topology or level can be met nowhere."""

    name = "topology"

    def domains(
        self,
        session: Session,
        constraint: TopologyConstraint,
        within: Domain,
        tasks: list[int],
        active: list[int],
    ) -> Iterator[Domain] | None:
        topology = session.snapshot.topologies.get(constraint.topology)
        wanted = {constraint.required_level, constraint.preferred_level} - {""}
        if topology is None or not wanted <= set(topology.levels):
            return iter(())
        return _candidates(session, topology.levels, constraint, within, tasks, active)


def _candidates(
    session: Session,
    levels: Path,
    constraint: TopologyConstraint,
    within: Domain,
    tasks: list[int],
    active: list[int],
) -> Iterator[Domain]:
    nodes = range(len(session.snapshot.nodes)) if within.nodes is None else within.nodes
    required = levels.index(constraint.required_level) + 1 if constraint.required_level else 0
    preferred = levels.index(constraint.preferred_level) + 1 if constraint.preferred_level else required
    rooms = _Rooms(session, tasks)
    if not rooms.suffice(list(nodes)):
        return
    pinned = _pinned_domains(session, levels[:required], active)
    for depth in range(max(preferred, required), required - 1, -1):
        grouped = _group(session, nodes, levels[:depth])
        fitting = [
            path
            for path, members in grouped.items()
            if (pinned is None or path[:required] in pinned) and rooms.suffice(members)
        ]
        for path in _fullest_first(session, fitting, nodes, levels[:depth], rooms):
            members = grouped[path]
            extra = dict(within.extra)
            if constraint.preferred_level:
                for node, points in _room_scores(session, rooms, members, levels[:preferred]).items():
                    extra[node] = extra.get(node, 0.0) + points
            yield Domain(tuple(members), extra)


def _group(session: Session, nodes: Iterable[int], keys: Path) -> dict[Path, list[int]]:
    """Nodes by their values of the label keys; a node that lacks one belongs to no domain."""
    grouped: dict[Path, list[int]] = {}
    for node in nodes:
        labels = session.snapshot.nodes[node].labels
        path = tuple(labels.get(key, "") for key in keys)
        if all(key in labels for key in keys):
            grouped.setdefault(path, []).append(node)
    return grouped


def _fullest_first(
    session: Session, paths: list[Path], nodes: Iterable[int], keys: Path, rooms: "_Rooms"
) -> list[Path]:
    """From the top of the tree downwards: the fullest coarse domain first, inside it the fullest finer one, names last.

    A coarse domain is judged with all its nodes, also those that belong to no finer one.
    """
    fullness: dict[Path, float] = {}
    for length in range(1, len(keys) + 1):
        for path, members in _group(session, nodes, keys[:length]).items():
            fullness[path] = rooms.fullness(members)

    def key(path: Path) -> list[tuple[float, str]]:
        return [(-fullness[path[:length]], path[length - 1]) for length in range(1, len(path) + 1)]

    return sorted(paths, key=key)


def _pinned_domains(session: Session, keys: Path, active: list[int]) -> set[Path] | None:
    """The required domains in which the group already runs; None when nothing pins it."""
    if not keys or not active:
        return None
    nodes = {session.state.position(task).node for task in active}
    return set(_group(session, sorted(node for node in nodes if node >= 0), keys))


def _room_scores(session: Session, rooms: "_Rooms", members: list[int], keys: Path) -> dict[int, float]:
    """Nodes of parts with more room score higher, by rank among the parts of this domain; of equal ones the last name."""
    parts = _group(session, members, keys)
    ranked = sorted(parts, key=lambda path: (rooms.slots(parts[path]), path))
    return {
        node: ROOM_POINTS * (place + 1) / len(ranked)
        for place, path in enumerate(ranked)
        for node in parts[path]
    }


class _Rooms:
    """What domains have free once what is being released is gone: whole GPUs, CPU and memory."""

    def __init__(self, session: Session, tasks: list[int]) -> None:
        self._session = session
        self._count = len(tasks)
        asked = [session.state.charge_of(task) for task in tasks]
        self._largest = tuple(map(max, zip(*asked, strict=True)))
        self._sum = tuple(map(sum, zip(*asked, strict=True)))
        self._mixed = len({tuple(amount > 0 for amount in one) for one in asked}) > 1

    def _free(self, node: int) -> tuple[int, int, int]:
        one = self._session.state.occupancy[node]
        return (
            max(0, one.idle_gpus + one.releasing_gpus) * WHOLE_GPU,
            max(0, one.idle_cpu + one.releasing_cpu),
            max(0, one.idle_memory + one.releasing_memory),
        )

    def slots(self, members: list[int]) -> int:
        """How many of the largest task fit, node by node; for tasks of different kinds all or none, by sums."""
        if self._mixed:
            free = self._summed(members)
            return self._count if all(map(int.__le__, self._sum, free)) else 0
        return sum(self._slots_on(node) for node in members)

    def _slots_on(self, node: int) -> int:
        pairs = zip(self._free(node), self._largest, strict=True)
        return min((free // amount for free, amount in pairs if amount), default=self._count)

    def _summed(self, members: list[int]) -> list[int]:
        return [sum(column) for column in zip(*map(self._free, members), strict=True)] or [0, 0, 0]

    def suffice(self, members: list[int]) -> bool:
        return self.slots(members) >= self._count

    def fullness(self, members: list[int]) -> float:
        """How full the group would make the domain: the largest of the three parts."""
        pairs = zip(self._sum, self._summed(members), strict=True)
        return max((asked / free if free else inf for asked, free in pairs if asked), default=0.0)
