"""The next snapshot of a world that has changed a little: what is as it was in the last one is not worked out again."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain, repeat
from operator import attrgetter
from typing import TypeVar

from scheduling.engine.model.demand import NO_DEMAND, Demand
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.nodes import Node, Topology
from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.shapes import ShapeTable
from scheduling.engine.model.snapshot import (
    COLUMNS,
    NOWHERE,
    ClusterSnapshot,
    in_order,
    least_device_memory,
    parents_first,
    total_of,
)
from scheduling.engine.model.tasks import ON_NODE, Task
from scheduling.engine.model.usage import UsageHistory

WORTH_IT = 4
"""Where more than one gang in as many has come or gone, the snapshot is built from nothing."""
T = TypeVar("T")


def following(
    previous: ClusterSnapshot,
    *,
    nodes: Iterable[Node],
    queues: Iterable[Queue],
    gangs: Iterable[Gang],
    topologies: Iterable[Topology],
    history: UsageHistory | None = None,
    demand: Demand = NO_DEMAND,
    pool: str = "default",
) -> ClusterSnapshot:
    """What `ClusterSnapshot.build` makes of this world. Gangs are told by identity: one that has changed is another object.

    One liberty: an extended resource that a node does not have and nobody holds there any more may stay noted there as nothing.
    """
    node_list, queue_list, gang_list = (
        sorted(nodes, key=attrgetter("name")),
        parents_first(queues),
        list(gangs),
    )
    edits = _edits(previous.gangs, gang_list)
    follower = None
    if _is_worth_it(previous, edits) and _is_numbered_alike(previous, node_list, queue_list):
        follower = _Following(previous, node_list, queue_list, edits).snapshot()
    if follower is None:
        return ClusterSnapshot.build(
            nodes=node_list,
            queues=queue_list,
            gangs=gang_list,
            topologies=topologies,
            history=history,
            demand=demand,
            pool=pool,
        )
    follower.topologies = {topology.name: topology for topology in topologies}
    follower.history, follower.demand, follower.pool = history or UsageHistory(), demand, pool
    return follower


@dataclass(slots=True)
class _Edit:
    """At one place in the order of gangs: how many go (one or none), and who comes."""

    place: int
    gone: int = 0
    come: list[Gang] = field(default_factory=list)


def _edits(before: list[Gang], after: list[Gang]) -> list[_Edit]:
    """In the order of their places."""
    known = dict(zip(map(id, before), range(len(before)), strict=True))
    given = dict(zip(map(id, after), after, strict=True))
    edits = {known[key]: _Edit(known[key], gone=1) for key in known.keys() - given.keys()}
    for key in given.keys() - known.keys():
        place = bisect_left(before, given[key].uid, key=attrgetter("uid"))
        edits.setdefault(place, _Edit(place)).come.append(in_order(given[key]))
    for edit in edits.values():
        edit.come.sort(key=attrgetter("uid"))
    return [edits[place] for place in sorted(edits)]


def _is_worth_it(previous: ClusterSnapshot, edits: list[_Edit]) -> bool:
    return WORTH_IT * sum(edit.gone + len(edit.come) for edit in edits) <= len(previous.gangs)


def _is_numbered_alike(previous: ClusterSnapshot, nodes: list[Node], queues: list[Queue]) -> bool:
    """Whether every name has the same index as before, and every device the same memory."""
    return _faces(nodes, previous.nodes) and (
        [(queue.name, queue.parent) for queue in queues]
        == [(queue.name, queue.parent) for queue in previous.queues]
    )


def _faces(nodes: list[Node], before: list[Node]) -> bool:
    if nodes == before:
        return True
    face = attrgetter("name", "device_memory_mib")
    return list(map(face, nodes)) == list(map(face, before)) and least_device_memory(
        nodes
    ) == least_device_memory(before)


class _Following:
    """The work on one snapshot."""

    def __init__(
        self, previous: ClusterSnapshot, nodes: list[Node], queues: list[Queue], edits: list[_Edit]
    ) -> None:
        self._before = previous
        self._edits = edits
        self._new = replace(
            previous,
            nodes=nodes,
            queues=queues,
            occupancy=previous.occupancy.copy(),
            queue_sums=[sums.copy() for sums in previous.queue_sums],
        )
        self._copied: set[int] = set()

    def snapshot(self) -> ClusterSnapshot | None:
        """None where tasks are told apart by other things than before: their labels, or no longer by them."""
        if not self._number_shapes():
            return None
        self._alter_nodes()
        for edit in self._edits:
            for gang in self._before.gangs[edit.place : edit.place + edit.gone]:
                self._account(gang, -1)
            for gang in edit.come:
                self._account(gang, 1)
        self._splice()
        return self._new

    def _number_shapes(self) -> bool:
        before, new = self._before, self._new
        labels_matter = any(shape.constraints.looks_at_others for shape in before.shapes)
        come = [task for edit in self._edits for gang in edit.come for task in gang.tasks]
        if not labels_matter and any(task.constraints.looks_at_others for task in come):
            return False
        table = ShapeTable(before.shapes, labels_matter=labels_matter)
        numbers = self._spliced(
            before.task_shape, before.gang_first, lambda gang: map(table.index_of, gang.tasks)
        )
        alive = list(dict.fromkeys(numbers))  # by their first task, as if nobody else had been there before
        new.shapes = [table.shapes[number] for number in alive]
        if alive != list(range(len(alive))):
            places = dict(zip(alive, range(len(alive)), strict=True))
            numbers = list(map(places.__getitem__, numbers))
        new.task_shape = numbers
        return labels_matter == any(shape.constraints.looks_at_others for shape in new.shapes)

    def _alter_nodes(self) -> None:
        before, new = self._before.nodes, self._new.nodes
        if new == before:
            return
        for number, (node, old) in enumerate(zip(new, before, strict=True)):
            if node != old:
                self._room(number).alter(old, node)
        self._new.total = total_of(new)

    def _account(self, gang: Gang, sign: int) -> None:
        """Add what the gang holds and asks for (1), or take it away (-1)."""
        new, columns, leaf = self._new, COLUMNS[gang.is_preemptible], self._new.leaf(gang.queue)
        for task in gang.tasks:
            node = self._node_of(task)
            if node != NOWHERE:
                self._room(node).change(task.request, task.gpu_groups, task.state, sign)
            queue, amounts = leaf, new.charge_of(task, node)
            while queue != NOWHERE:
                new.queue_sums[queue].charge(columns[task.state], amounts, sign)
                queue = new.queue_parent[queue]

    def _node_of(self, task: Task) -> int:
        return self._new.node_index.get(task.node, NOWHERE) if task.state in ON_NODE else NOWHERE

    def _room(self, node: int) -> Occupancy:
        """The node's sums, which from the first change on are a copy of those before."""
        if node not in self._copied:
            self._copied.add(node)
            self._new.occupancy[node] = self._new.occupancy[node].copy()
        return self._new.occupancy[node]

    def _splice(self) -> None:
        before, new = self._before, self._new
        each, first = range(len(before.gangs) + 1), before.gang_first
        new.gangs = self._spliced(before.gangs, each, lambda gang: [gang])
        new.gang_queue = self._spliced(before.gang_queue, each, lambda gang: [new.leaf(gang.queue)])
        new.tasks = self._spliced(before.tasks, first, lambda gang: gang.tasks)
        new.task_state = self._spliced(
            before.task_state, first, lambda gang: [one.state for one in gang.tasks]
        )
        new.task_node = self._spliced(before.task_node, first, lambda gang: map(self._node_of, gang.tasks))
        sizes = [len(gang.tasks) for gang in new.gangs]
        new.gang_first = list(accumulate(sizes, initial=0))
        new.task_gang = list(chain.from_iterable(map(repeat, range(len(sizes)), sizes)))

    def _spliced(self, old: list[T], first: Sequence[int], rows: Callable[[Gang], Iterable[T]]) -> list[T]:
        """The old column with the rows of those who come in place of those who go; `first` has each gang's first row."""
        new: list[T] = []
        at = 0
        for edit in self._edits:
            new += old[at : first[edit.place]]
            for gang in edit.come:
                new += rows(gang)
            at = first[edit.place + edit.gone]
        new += old[at:]
        return new
