"""The best node for a shape: one heap of candidates per shape, kept true by reading the log of changed nodes.

A score depends on the shape and on one node only, so a change of a node is one new heap entry per shape in use; an entry is
valid while it equals the node's current score. Rollbacks may bring an old score back to life, duplicates do no harm.
"""

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from scheduling.engine.session.fitting import Fit, Fitting

if TYPE_CHECKING:
    from scheduling.engine.session import Session

EXCLUDED = None


class ShapePlacement:
    """All nodes as candidates for one shape. Scores are kept negated, so that the best is the smallest; ties go to the first name."""

    def __init__(self, session: "Session", shape: int) -> None:
        self._session = session
        self.shape = session.snapshot.shapes[shape]
        self.fitting = Fitting(self.shape.request, session.device_score)
        self.is_checked_in_place = session.is_checked_in_place(self.shape)
        self.obstacles = session.obstacles(self.shape)
        self._constant = session.constant_scores(self.shape, self.obstacles)
        nodes = range(len(session.snapshot.nodes))
        self.scores: list[float | None] = [None] * len(nodes)
        self._is_free_now = [False] * len(nodes)
        self._slots = [0] * len(nodes)
        self.total_slots = 0
        self._heap: list[tuple[float, int]] = []
        self._read = len(session.state.node_changes)
        for node in nodes:
            self._evaluate(node)
        heapify(self._heap)

    def _evaluate(self, node: int) -> bool:
        """Work the node out anew; whether its score changed."""
        if self.obstacles[node] is not None:
            return False
        session = self._session
        occupancy = session.state.occupancy[node]
        slots = self.fitting.slots(occupancy)
        self.total_slots += slots - self._slots[node]
        self._slots[node] = slots
        score: float | None = None
        if slots and (fit := self.fitting.of(occupancy)):
            now = self._is_free_now[node] = fit is Fit.NOW
            score = -self._constant[node] - session.node_score(self.shape, node, fits_now=now)
        if score == self.scores[node]:
            return False
        self.scores[node] = score
        if score is not None:
            self._heap.append((score, node))
        return score is not None

    def refresh(self) -> None:
        """Catch up with the nodes that changed since the last look."""
        changes = self._session.state.node_changes
        if self._read == len(changes):
            return
        heap = self._heap
        for node in set(changes[self._read :]):
            if self._evaluate(node):
                heappush(heap, heap.pop())
        self._read = len(changes)
        if len(heap) > 64 + 4 * len(self.scores):
            self._rebuild()

    def _rebuild(self) -> None:
        self._heap = [(score, node) for node, score in enumerate(self.scores) if score is not None]
        heapify(self._heap)

    def best(self, accept: Callable[[int], bool] | None = None) -> int | None:
        """The best node, if given that `accept` agrees to."""
        self.refresh()
        heap, scores = self._heap, self.scores
        aside: list[tuple[float, int]] = []
        found: int | None = None
        while heap:
            score, node = heap[0]
            if scores[node] != score:
                heappop(heap)
            elif accept is None or accept(node):
                found = node
                break
            else:
                entry = heappop(heap)
                while heap and heap[0] == entry:
                    heappop(heap)
                aside.append(entry)
        for entry in aside:
            heappush(heap, entry)
        return found

    def best_among(
        self, nodes: Iterable[int], extra: Callable[[int], float], accept: Callable[[int], bool]
    ) -> int | None:
        """The best of some nodes, with further score for each: for topology domains and pod affinities."""
        self.refresh()
        scores = self.scores
        ranked = sorted((score - extra(node), node) for node in nodes if (score := scores[node]) is not None)
        return next((node for _, node in ranked if accept(node)), None)

    def constant_score(self, node: int) -> float:
        """The part of the node's score that does not change during a cycle."""
        return self._constant[node]

    def slots_on(self, node: int) -> int:
        """How many such tasks the node takes once what is being released is gone, as of the last refresh."""
        return self._slots[node]

    def has_place_for_who_leaves(self, node: int) -> bool:
        """Whether each such task that leaves the node makes a slot: not where it may no longer run, or more is taken than there is."""
        one, fitting = self._session.state.occupancy[node], self.fitting
        return (
            self.obstacles[node] is None
            and one.idle_pods + one.releasing_pods >= 0
            and (not fitting.devices or one.idle_gpus + one.releasing_gpus >= 0)
            and (not fitting.cpu or one.idle_cpu + one.releasing_cpu >= 0)
            and (not fitting.memory or one.idle_memory + one.releasing_memory >= 0)
            and all(sum(one.extended.get(name, (0, 0))) >= 0 for name, _ in fitting.extended)
        )

    def fits_now(self, node: int) -> bool:
        """Whether a node with a score needs no release first, as of the last refresh."""
        return self._is_free_now[node]
