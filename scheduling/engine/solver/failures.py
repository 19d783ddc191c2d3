"""Tries that must fail because one just like them failed: the same search on another node of the same kind and fill.

Two tries of one step are alike when their victims, leaf by leaf and in the same order, have the same shapes and stand between
the same waiting gangs, and when the nodes they touch look the same. Renaming the nodes turns one into the other, and a
simulation asks for a node's name only to choose between nodes that are equal in everything else.
"""

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence

from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.plugin import Key
from scheduling.engine.session import Session
from scheduling.engine.solver.taken import Unit

Victim = tuple[int, int, tuple[int, ...]]


def _queue_of(victim: Victim | None) -> int:
    return victim[0] if victim else NOWHERE


class FailedTries:
    """Of one step of one search. Where likeness is hard to tell (shared devices, topology, neighbours, elastic gangs) nothing is remembered."""

    def __init__(self, session: Session, beneficiary: int, tasks: Sequence[int]) -> None:
        self._session = session
        self._beneficiary = beneficiary
        self._shapes = {session.snapshot.task_shape[task]: task for task in tasks}
        self._failed: set[Hashable] = set()
        self._latest: Hashable | None = None
        """The key of the latest try, where it was worked out."""
        self._victims: dict[Unit, Victim | None] = {}
        self._visited: dict[int, list[Key]] = {}
        self._is_usable = is_plain(session, beneficiary, self._shapes.values())

    def covers(self, units: Sequence[Unit]) -> bool:
        """Whether a try with these units must fail; they must have been evicted, and nothing placed."""
        self._latest = self._likeness(units) if self._failed else None
        return self._latest is not None and self._latest in self._failed

    def remember(self, units: Sequence[Unit]) -> None:
        """The try with these units, the latest that was asked about, failed; the state is as it was then."""
        key = self._likeness(units) if self._latest is None else self._latest
        if key is not None:
            self._failed.add(key)

    def _likeness(self, units: Sequence[Unit]) -> Hashable | None:
        """The key of a try; None when it has none."""
        if not self._is_usable or not units:
            return None
        victims = [self._victim(unit) for unit in units]
        if None in victims:
            return None
        shapes = self._session.snapshot.task_shape
        places: dict[int, list[tuple[int, int]]] = {}
        for number, unit in enumerate(sorted(units, key=lambda unit: unit.queue)):
            for task in unit.tasks:
                node = self._session.state.position(task).node
                places.setdefault(node, []).append((number, shapes[task]))
        examples = {shapes[task]: task for unit in units for task in unit.tasks}
        looks = [self._look(node, [examples[shape] for shape in sorted(examples)]) for node in places]
        if None in looks:
            return None
        victims.sort(key=_queue_of)
        nodes = list(zip(looks, map(tuple, places.values()), strict=True))
        if len(nodes) > 1:
            nodes.sort(key=repr)
        return tuple(victims), tuple(nodes)

    def _victim(self, unit: Unit) -> Victim | None:
        """The unit's part in the key: its queue, its place in it and the shapes of its tasks; None if it has none."""
        if unit not in self._victims:
            shapes = self._session.snapshot.task_shape
            self._victims[unit] = (
                (unit.queue, self._rank(unit), tuple(shapes[task] for task in unit.tasks))
                if self._is_whole(unit)
                else None
            )
        return self._victims[unit]

    def _is_whole(self, unit: Unit) -> bool:
        """Whether the gang has no other tasks and is plain itself."""
        return len(unit.tasks) == len(self._session.snapshot.tasks_of(unit.gang)) and is_plain(
            self._session, unit.gang, unit.tasks
        )

    def _rank(self, unit: Unit) -> int:
        """How many of the gangs a walk stops at stand before the victim in its queue."""
        visited = self._visited.get(unit.queue)
        if visited is None:
            visited = self._visited[unit.queue] = self._stops(unit.queue)
        return bisect_left(visited, self._session.gang_key(unit.gang))

    def _stops(self, leaf: int) -> list[Key]:
        """The waiting gangs that ask for more than the one the walk stopped at before, and the beneficiary."""
        stops: list[Key] = []
        gpu = cpu = memory = -1
        for entry in self._session.lines.waiting.get(leaf, ()):
            asked = self._session.asked(entry[-1])
            if entry[-1] == self._beneficiary or asked[0] > gpu or asked[1] > cpu or asked[2] > memory:
                stops.append(entry)
                gpu, cpu, memory = asked
        return stops

    def _look(self, node: int, tasks: Sequence[int]) -> Hashable | None:
        session = self._session
        one, known = session.state.occupancy[node], session.snapshot.nodes[node]
        if one.shared:
            return None
        gates = tuple(
            (placement.obstacles[node], placement.constant_score(node))
            for placement in map(session.placement_of, (*self._shapes.values(), *tasks))
        )
        return (
            (one.idle_gpus, one.idle_cpu, one.idle_memory, one.idle_pods),
            (one.releasing_gpus, one.releasing_cpu, one.releasing_memory, one.releasing_pods),
            (known.gpus, known.cpu_milli),
            tuple(sorted(one.extended.items())),
            gates,
        )


def is_plain(session: Session, gang: int, tasks: Iterable[int]) -> bool:
    """Whether a node's room is all that placing these tasks depends on: no shared devices, topology or neighbours."""
    placements = map(session.placement_of, tasks)
    return not session.is_constrained(gang) and not any(
        one.is_checked_in_place or one.fitting.shared or one.shape.constraints.preferred_pods
        for one in placements
    )
