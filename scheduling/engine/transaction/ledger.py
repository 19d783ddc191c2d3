"""What every queue holds at this moment of the cycle, up the tree."""

from scheduling.engine.model.resources import Resources
from scheduling.engine.model.snapshot import NOWHERE, ClusterSnapshot


class QueueLedger:
    """Sums of the tasks that hold or were promised a place. `changes` lists the leaf queues whose sums changed, in order."""

    __slots__ = ("allocated", "changes", "non_preemptible", "path")

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        self.allocated = [sums.allocated[:] for sums in snapshot.queue_sums]
        self.non_preemptible = [sums.non_preemptible[:] for sums in snapshot.queue_sums]
        self.changes: list[int] = []
        self.path: list[tuple[int, ...]] = []
        """Per queue: itself, its parent and so on to the top."""
        for index, parent in enumerate(snapshot.queue_parent):
            self.path.append((index,) if parent == NOWHERE else (index, *self.path[parent]))

    def charge(self, queue: int, amounts: Resources, sign: int, *, preemptible: bool) -> None:
        """Add (1) or take back (-1) a task at its leaf queue and all queues above."""
        self.changes.append(queue)
        gpu, cpu, memory = amounts
        if sign < 0:
            gpu, cpu, memory = -gpu, -cpu, -memory
        for index in self.path[queue]:
            sums = self.allocated[index]
            sums[0] += gpu
            sums[1] += cpu
            sums[2] += memory
            if not preemptible:
                sums = self.non_preemptible[index]
                sums[0] += gpu
                sums[1] += cpu
                sums[2] += memory
