"""Keeps a group of tasks together: in one domain of a required level, and of a preferred one if it can be.

Domains are tried from the preferred level up to the required one (or the whole), the fullest that takes all first;
inside the chosen domain, the parts with more room come first, so that the tasks sit together.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scheduling.engine.model.gangs import TopologyConstraint
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
    rooms = _Rooms(session, tasks, levels)
    pinned = _pinned_domains(session, levels[:required], active)
    for depth in range(max(preferred, required), required - 1, -1):
        grouped = _group(session, nodes, levels[:depth])
        fitting = [
            path
            for path, members in grouped.items()
            if (pinned is None or path[:required] in pinned) and rooms.suffice(members)
        ]
        for path in _fullest_first(fitting, grouped, rooms):
            members = grouped[path]
            extra = dict(within.extra)
            if preferred > depth or constraint.preferred_level:
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


def _fullest_first(paths: list[Path], grouped: dict[Path, list[int]], rooms: "_Rooms") -> list[Path]:
    """From the top of the tree downwards: the fullest coarse domain first, inside it the fullest finer one, names last."""
    depth = len(paths[0]) if paths else 0
    above: list[dict[Path, list[int]]] = [{} for _ in range(depth + 1)]
    for path, members in grouped.items():
        for length in range(1, depth + 1):
            above[length].setdefault(path[:length], []).extend(members)
    fullness = {path: rooms.fullness(members) for level in above for path, members in level.items()}

    def key(path: Path) -> list[tuple[float, str]]:
        return [(-fullness[path[:length]], path[length - 1]) for length in range(1, depth + 1)]

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
    ranked = sorted(parts, key=lambda path: (rooms.total(parts[path]), path))
    return {
        node: ROOM_POINTS * (place + 1) / len(ranked)
        for place, path in enumerate(ranked)
        for node in parts[path]
    }


class _Rooms:
    """How many of the group's largest task each node takes once what is being released is gone."""

    def __init__(self, session: Session, tasks: list[int], levels: Path) -> None:
        self._session = session
        self._count = len(tasks)
        placements = {session.snapshot.task_shape[task]: session.placement_of(task) for task in tasks}
        for placement in placements.values():
            placement.refresh()
        self._placements = list(placements.values())

    def total(self, members: Iterable[int]) -> int:
        return sum(self._on(node) for node in members)

    def _on(self, node: int) -> int:
        return min(placement.slots_on(node) for placement in self._placements)

    def suffice(self, members: Iterable[int]) -> bool:
        """Different shapes are judged by sums over the largest of each: only a domain that surely cannot is left out."""
        members = list(members)
        if len(self._placements) == 1:
            return self.total(members) >= self._count
        return all(any(one.slots_on(node) for node in members) for one in self._placements)

    def fullness(self, members: Iterable[int]) -> float:
        """Request in proportion to what is free: larger is fuller."""
        total = self.total(members)
        return self._count / total if total else float("inf")
