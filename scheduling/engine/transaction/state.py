"""The working state: every task's position, every node's occupancy, every queue's sums, and the undo log."""

from collections.abc import Iterator

from scheduling.engine.model.resources import Resources
from scheduling.engine.model.snapshot import NOWHERE, ClusterSnapshot
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.transaction.ledger import QueueLedger
from scheduling.engine.transaction.positions import CHARGED, Position


class WorkingState:
    """A copy of the snapshot's sums that can be changed and rolled back to any earlier mark.

    `node_changes` lists every node whose occupancy changed, in order: whoever caches per node reads on from where it stopped.
    """

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        self.snapshot = snapshot
        self.occupancy = [one.copy() for one in snapshot.occupancy]
        self.ledger = QueueLedger(snapshot)
        self.states = snapshot.task_state.copy()
        self.node_changes: list[int] = []
        self._positions: dict[int, Position] = {}
        self._evicted_from: dict[int, Position] = {}
        self._log: list[tuple[int, Position]] = []
        self._preemptible = [gang.is_preemptible for gang in snapshot.gangs]
        self._charges: dict[tuple[int, int], Resources] = {}

    # Looking

    def position(self, task: int) -> Position:
        """Where the task stands now."""
        known = self._positions.get(task)
        if known is None:
            return self.initial_position(task)
        return known

    def initial_position(self, task: int) -> Position:
        """Where it stood when the cycle began."""
        snapshot = self.snapshot
        return Position(snapshot.task_state[task], snapshot.task_node[task], snapshot.tasks[task].gpu_groups)

    def changed_tasks(self) -> Iterator[tuple[int, Position, Position]]:
        """Tasks that do not stand where they stood when the cycle began, in index order, with both positions."""
        for task in sorted(self._positions):
            before, after = self.initial_position(task), self._positions[task]
            if before != after:
                yield task, before, after

    def charge_of(self, task: int, node: int = NOWHERE) -> Resources:
        """What the task counts in its queue on that node; NOWHERE: as pending."""
        memory = 0 if node == NOWHERE else self.snapshot.nodes[node].device_memory_mib
        key = (self.snapshot.task_shape[task], memory)
        charge = self._charges.get(key)
        if charge is None:
            charge = self._charges[key] = self.snapshot.charge_of(self.snapshot.tasks[task], node)
        return charge

    def is_preemptible(self, gang: int) -> bool:
        return self._preemptible[gang]

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
        return {task for task, _ in self._log[mark:]}

    def _put(self, task: int, old: Position, new: Position) -> None:
        self._log.append((task, old))
        self._apply(task, old, new)

    def _apply(self, task: int, old: Position, new: Position) -> None:
        snapshot = self.snapshot
        request = snapshot.tasks[task].request
        occupancy, changes = self.occupancy, self.node_changes
        for position, sign in ((old, -1), (new, 1)):
            if position.node != NOWHERE and position.state != TaskState.PENDING:
                occupancy[position.node].change(request, position.groups, position.state, sign)
                changes.append(position.node)
            if position.left_node != NOWHERE:
                occupancy[position.left_node].change(request, position.left_groups, TaskState.RELEASING, sign)
                changes.append(position.left_node)
        self._charge(task, old, new)
        self._positions[task] = new
        self.states[task] = new.state

    def _charge(self, task: int, old: Position, new: Position) -> None:
        gang = self.snapshot.task_gang[task]
        queue = self.snapshot.gang_queue[gang]
        if queue == NOWHERE:
            return
        preemptible = self._preemptible[gang]
        if old.state in CHARGED:
            self.ledger.charge(queue, self.charge_of(task, old.node), -1, preemptible=preemptible)
        if new.state in CHARGED:
            self.ledger.charge(queue, self.charge_of(task, new.node), 1, preemptible=preemptible)
