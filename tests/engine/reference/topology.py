"""Node sets for a group that wants to stay in one domain of a topology.

A domain is the path of label values from the coarsest level down; the empty path is the whole pool.
"""

from collections.abc import Iterator, Sequence

from scheduling.engine.model.gangs import Gang, PodSet, TopologyConstraint
from scheduling.engine.model.tasks import ACTIVE, Task
from tests.engine.reference.gangs import members
from tests.engine.reference.world import World

Path = tuple[str, ...]
Bonus = dict[str, float]
TOPOLOGY_SCORE = 10 * 10_000


def node_sets(
    world: World,
    gang: Gang,
    constraint: TopologyConstraint | None,
    pod_sets: Sequence[PodSet],
    tasks: Sequence[Task],
    names: Sequence[str],
    bonus: Bonus,
) -> Iterator[tuple[list[str], Bonus]]:
    """The sets of nodes to try, best first, with the topology's part of the node score.

    Without a constraint the parent's whole set with the parent's scores.
    """
    if constraint is None or "topology" not in world.config.plugins:
        yield list(names), bonus
        return
    tree = Tree(world, constraint, tasks, names)
    if tree.levels is None or tree.capacity(()) < len(tasks):
        return
    pinned = tree.pinned(gang, pod_sets)
    for depth in tree.depths():
        for path in tree.ordered(depth):
            if pinned is not None and path[: tree.required_depth()] not in pinned:
                continue
            if tree.capacity(path) >= len(tasks):
                yield tree.inside(path), add(bonus, tree.scores(path))


def add(one: Bonus, other: Bonus) -> Bonus:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {*one, *other}}


class Tree:
    """The domains of one topology over a set of nodes, with the room of one moment."""

    def __init__(
        self, world: World, constraint: TopologyConstraint, tasks: Sequence[Task], names: Sequence[str]
    ) -> None:
        self.world, self.constraint, self.tasks, self.names = world, constraint, tasks, names
        topology = world.snapshot.topologies.get(constraint.topology)
        self.levels: tuple[str, ...] | None = topology.levels if topology else None
        for level in (constraint.required_level, constraint.preferred_level):
            if level and level not in (self.levels or ()):
                self.levels = None
        self.path_of = {name: self._path(name) for name in names}
        self.room = {
            name: {unit: max(0, world.room(name).later(unit)) for unit in ("gpu", "cpu", "memory")}
            for name in names
        }
        self.asked = [
            {
                "gpu": world.charge(task.uid)[0] / 1000,
                "cpu": task.request.cpu_milli,
                "memory": task.request.memory_bytes,
            }
            for task in tasks
        ]

    def _path(self, name: str) -> Path:
        """Label values from the top, as far as the node has them all."""
        values: list[str] = []
        for level in self.levels or ():
            value = self.world.nodes[name].labels.get(level)
            if value is None:
                break
            values.append(value)
        return tuple(values)

    def inside(self, path: Path) -> list[str]:
        return [name for name in self.names if self.path_of[name][: len(path)] == path]

    def depths(self) -> Iterator[int]:
        """Levels to look at, deepest first: from the preferred (if finer than the required) up to the required, or the root."""
        assert self.levels is not None
        required = (
            self.levels.index(self.constraint.required_level) + 1 if self.constraint.required_level else 0
        )
        deepest = required
        if self.constraint.preferred_level:
            deepest = max(required, self.levels.index(self.constraint.preferred_level) + 1)
        yield from range(deepest, required - 1, -1)

    def capacity(self, path: Path) -> int:
        """How many of the tasks the domain could take: largest-task slots, or all or none by sums for mixed tasks."""
        nodes = self.inside(path)
        kinds = {tuple(amount > 0 for amount in asked.values()) for asked in self.asked}
        if len(kinds) > 1:
            whole = all(
                sum(asked[unit] for asked in self.asked) <= sum(self.room[name][unit] for name in nodes)
                for unit in ("gpu", "cpu", "memory")
            )
            return len(self.tasks) if whole else 0
        largest = {unit: max(asked[unit] for asked in self.asked) for unit in ("gpu", "cpu", "memory")}
        slots = 0
        for name in nodes:
            fitting = [int(self.room[name][unit] // amount) for unit, amount in largest.items() if amount]
            slots += min(fitting, default=len(self.tasks))
        return slots

    def ratio(self, path: Path) -> float:
        """How full the tasks would make the domain: the largest of the three parts."""
        nodes, parts = self.inside(path), [0.0]
        for unit in ("gpu", "cpu", "memory"):
            asked = sum(one[unit] for one in self.asked)
            free = sum(self.room[name][unit] for name in nodes)
            if asked:
                parts.append(asked / free if free else float("inf"))
        return max(parts)

    def ordered(self, depth: int) -> list[Path]:
        """Domains of one level: fullest branch first from the top down, then by name."""
        paths = {path[:depth] for path in self.path_of.values() if len(path) >= depth}

        def key(path: Path) -> tuple[tuple[float, str], ...]:
            return tuple((-self.ratio(path[: level + 1]), path[level]) for level in range(depth))

        return sorted(paths, key=key)

    def scores(self, domain: Path) -> Bonus:
        """Nodes of preferred domains inside the chosen one: the more room the better, of equal ones the last name."""
        if not self.constraint.preferred_level or self.levels is None:
            return {}
        depth = self.levels.index(self.constraint.preferred_level) + 1
        inside = {
            self.path_of[name][:depth] for name in self.inside(domain) if len(self.path_of[name]) >= depth
        }
        paths = sorted(inside, key=lambda path: (self.capacity(path), path))
        return {
            name: TOPOLOGY_SCORE * (position + 1) / len(paths)
            for position, path in enumerate(paths)
            for name in self.inside(path)
        }

    def required_depth(self) -> int:
        if not self.constraint.required_level or self.levels is None:
            return 0
        return self.levels.index(self.constraint.required_level) + 1

    def pinned(self, gang: Gang, pod_sets: Sequence[PodSet]) -> set[Path] | None:
        """The required domains in which tasks of the group already run; None when nothing pins it."""
        depth = self.required_depth()
        places = [self.world.place[task.uid] for one in pod_sets for task in members(gang, one)]
        nodes = {place.node for place in places if place.state in ACTIVE and place.node}
        if not depth or not nodes:
            return None
        return {path[:depth] for path in map(self._path, nodes) if len(path) >= depth}
