"""The working state: every task's position, every node's occupancy, every queue's sums, and the undo log."""

from collections.abc import Iterator

from scheduling.engine.model.resources import Resources
from scheduling.engine.model.shapes import Shape
from scheduling.engine.model.snapshot import NOWHERE, ClusterSnapshot
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.transaction.ledger import QueueLedger
from scheduling.engine.transaction.positions import IS_CHARGED, WAITING, Position


class WorkingState:
    """A copy of the snapshot's sums that can be changed and rolled back to any earlier mark.

    `node_changes` lists every node whose occupancy changed, in order: whoever caches per node reads on from where it stopped.
    """

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        self.snapshot = snapshot
        self.occupancy = snapshot.occupancy.copy()
        """Per node; those that never change are the snapshot's own."""
        self.ledger = QueueLedger(snapshot)
        self.states = snapshot.task_state.copy()
        self.node_changes: list[int] = []
        self._positions: dict[int, Position] = {}
        self._evicted_from: dict[int, Position] = {}
        self._log: list[tuple[int, Position]] = []
        self._copied: set[int] = set()
        """Nodes whose occupancy is no longer the snapshot's own."""
        self._charges: list[Resources | None] = [_charge_everywhere(shape) for shape in snapshot.shapes]

    # Looking

    def position(self, task: int) -> Position:
        """Where the task stands now."""
        return self._positions.get(task) or self.initial_position(task)

    def initial_position(self, task: int) -> Position:
        """Where it stood when the cycle began."""
        snapshot = self.snapshot
        state, groups = snapshot.task_state[task], snapshot.tasks[task].gpu_groups
        if state is TaskState.PENDING and not groups:
            return WAITING
        return Position(state, snapshot.task_node[task], groups)

    def changed_tasks(self) -> Iterator[tuple[int, Position, Position]]:
        """Tasks that do not stand where they stood when the cycle began, in index order, with both positions."""
        for task in sorted(self._positions):
            before, after = self.initial_position(task), self._positions[task]
            if before != after:
                yield task, before, after

    def charge_of(self, task: int, node: int = NOWHERE) -> Resources:
        """What the task counts in its queue on that node; NOWHERE: as pending."""
        charge = self._charges[self.snapshot.task_shape[task]]
        return self.snapshot.charge_of(self.snapshot.tasks[task], node) if charge is None else charge

    def is_preemptible(self, gang: int) -> bool:
        return self.snapshot.gangs[gang].is_preemptible

    # Changing

    def start(self, task: int, node: int, groups: tuple[str, ...], state: TaskState) -> None:
        """Give a task a place: ALLOCATED now, or PIPELINED on what is being released. One that is evicted moves there."""
        old = self.position(task)
        if old.state is TaskState.RELEASING:
            self._put(task, old, Position(state, node, groups, old.node, old.groups))
        else:
            self._put(task, old, Position(state, node, groups))

    def evict(self, task: int) -> None:
        """Begin to release a task's place; one that got its place only in this cycle just loses it again."""
        old = self.position(task)
        initial = self.initial_position(task)
        self._evicted_from[task] = old
        if initial.state is TaskState.PENDING:
            self._put(task, old, initial)
        else:
            self._put(task, old, Position(TaskState.RELEASING, initial.node, initial.groups))

    def was_evicted_from(self, task: int, node: int, groups: tuple[str, ...]) -> bool:
        """Whether this is the place the task's latest eviction took from it."""
        place = self._evicted_from.get(task)
        return place is not None and place.node == node and set(place.groups) == set(groups)

    def was_displaced_before(self, task: int) -> bool:
        """Whether the task had already lost its first place when it was evicted the latest time."""
        return self._evicted_from.get(task) != self.initial_position(task)

    def is_displaced(self, task: int) -> bool:
        """Whether the task's latest eviction still changes anything for it."""
        return self.position(task) != self._evicted_from.get(task)

    def keep(self, task: int) -> None:
        """Take the task's latest eviction back."""
        self._put(task, self.position(task), self._evicted_from[task])

    def withdraw(self, task: int) -> None:
        """Take back a place that was given in this cycle to a task that waited."""
        self._put(task, self.position(task), self.initial_position(task))

    def leave(self, task: int) -> None:
        """As if it had gone already and waited again: its place is free."""
        self._put(task, self.position(task), WAITING)

    def nominate_instead(self, task: int) -> None:
        """Turn a start into a nomination of the same place."""
        old = self.position(task)
        self._put(task, old, old._replace(state=TaskState.PIPELINED))

    def start_instead(self, task: int) -> None:
        """Turn a nomination into a start at the same place."""
        old = self.position(task)
        self._put(task, old, old._replace(state=TaskState.ALLOCATED))

    def mark(self) -> int:
        """A point to roll back to."""
        return len(self._log)

    def rollback(self, mark: int) -> None:
        """Undo everything since the mark."""
        log = self._log
        while len(log) > mark:
            task, old = log.pop()
            self._apply(task, self.position(task), old)

    def touched_since(self, mark: int) -> set[int]:
        """Tasks changed since the mark."""
        if len(self._log) == mark + 1:
            return {self._log[mark][0]}
        return {task for task, _ in self._log[mark:]}

    def _put(self, task: int, old: Position, new: Position) -> None:
        self._log.append((task, old))
        self._apply(task, old, new)

    def _apply(self, task: int, old: Position, new: Position) -> None:
        if old is not WAITING:
            self._occupy(task, old, -1)
        if new is not WAITING:
            self._occupy(task, new, 1)
        self._charge(task, old, new)
        self._positions[task] = new
        self.states[task] = new[0]

    def _occupy(self, task: int, position: Position, sign: int) -> None:
        """Take the room of a position on its nodes (1) or give it back (-1)."""
        state, node, groups, left_node, left_groups = position
        if node != NOWHERE and state is not TaskState.PENDING:
            self._change(task, node, groups, state, sign)
        if left_node != NOWHERE:
            self._change(task, left_node, left_groups, TaskState.RELEASING, sign)

    def _change(self, task: int, node: int, groups: tuple[str, ...], state: TaskState, sign: int) -> None:
        """From the first change on the node's occupancy is a copy of the snapshot's."""
        if node not in self._copied:
            self._copied.add(node)
            self.occupancy[node] = self.occupancy[node].copy()
        self.occupancy[node].change(self.snapshot.tasks[task].request, groups, state, sign)
        self.node_changes.append(node)

    def _charge(self, task: int, old: Position, new: Position) -> None:
        gang = self.snapshot.task_gang[task]
        queue = self.snapshot.gang_queue[gang]
        if queue == NOWHERE:
            return
        leaves, enters = IS_CHARGED[old[0]], IS_CHARGED[new[0]]
        if not (leaves or enters):
            return
        preemptible = self.snapshot.gangs[gang].is_preemptible
        if leaves:
            self.ledger.charge(queue, self.charge_of(task, old.node), -1, preemptible=preemptible)
        if enters:
            self.ledger.charge(queue, self.charge_of(task, new.node), 1, preemptible=preemptible)


def _charge_everywhere(shape: Shape) -> Resources | None:
    """What a task of the shape counts in its queue; None where that depends on the node's devices."""
    request = shape.request
    if request.gpu.memory_mib:
        return None
    return Resources(request.gpu.milli(0), request.cpu_milli, request.memory_bytes)
