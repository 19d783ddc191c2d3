"""Fragmentation Gradient Descent as its paper and its published scoring have it, written plainly and apart from the engine.

Typical tasks are the most frequent (cores, GPUs, share) that make up 95 % of all, those without GPUs included. A node's
fragmentation is the free GPU capacity that a typical task cannot use, in the mean. A task goes where that grows least. As in the
published code the growth is squeezed into whole hundredths of a sigmoid; ties go to the node with the least free, then in order.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tests.benchmarks.packing.trace import NodeRow, TaskRow

COVERED = 0.95
NOT_HERE = -1
State = tuple[int, tuple[int, ...]]
"""Cores in thousandths, and the free thousandths of each device in order."""
Typical = list[tuple[int, int, int, float]]


class PlainFgd:
    def __init__(self, nodes: Sequence[NodeRow], rows: Sequence[TaskRow], seen: Sequence[TaskRow]) -> None:
        self.typical = typical_of(seen)
        self.models = [node.model for node in nodes]
        self.states: list[State] = [(node.cpu_milli, (1000,) * node.gpus) for node in nodes]
        self.memory = [node.memory_mib for node in nodes]
        self.capacity = 1000 * sum(node.gpus for node in nodes)
        self.allocated = 0
        self._changes: list[int] = []
        self._rankings: dict[TaskRow, _Ranking] = {}
        self._fragments: dict[State, float] = {}
        self._scores: dict[tuple[State, int, int, int], tuple[int, State]] = {}

    def place(self, row: TaskRow) -> bool:
        """Put the task on the best node; False where none has room."""
        kind = TaskRow(row.cpu_milli, row.memory_mib, row.gpus, row.share_milli, row.models)
        ranking = self._rankings.get(kind)
        if ranking is None:
            ranking = self._rankings[kind] = _Ranking(len(self.states))
        for node in ranking.behind(self._changes):
            ranking.keys[node] = self._key(kind, node)
        best = int(ranking.keys.argmax())
        if ranking.keys[best] < 0:
            return False
        self.states[best] = self._scored(self.states[best], row)[1]
        self.memory[best] -= row.memory_mib
        self.allocated += row.gpu_milli
        self._changes.append(best)
        return True

    def _key(self, row: TaskRow, node: int) -> int:
        """The larger the better: score, then least free; negative where it does not fit."""
        cpu, devices = state = self.states[node]
        if row.cpu_milli > cpu or row.memory_mib > self.memory[node]:
            return NOT_HERE
        if row.models and self.models[node] not in row.models:
            return NOT_HERE
        if row.gpus and sum(free >= row.share_milli for free in devices) < row.gpus:
            return NOT_HERE
        return self._scored(state, row)[0] * 100_000 + 99_999 - sum(devices)

    def _scored(self, state: State, row: TaskRow) -> tuple[int, State]:
        """The best of the ways to take devices: its score and the state it leaves."""
        key = (state, row.cpu_milli, row.gpus, row.share_milli)
        known = self._scores.get(key)
        if known is None:
            before = self._fragment(state)
            ways = outcomes(state, row)
            scored = [
                (math.floor(100 / (1 + math.exp((self._fragment(one) - before) / 1000))), one) for one in ways
            ]
            known = self._scores[key] = max(scored, key=lambda pair: pair[0])
        return known

    def _fragment(self, state: State) -> float:
        known = self._fragments.get(state)
        if known is None:
            known = self._fragments[state] = fragment(state, self.typical)
        return known


class _Ranking:
    """The keys of all nodes for one kind of task, and how much of the log of changes they know."""

    def __init__(self, nodes: int) -> None:
        self.keys = np.full(nodes, NOT_HERE, dtype=np.int64)
        self._read = -1

    def behind(self, changes: list[int]) -> Sequence[int]:
        todo = range(len(self.keys)) if self._read < 0 else sorted(set(changes[self._read :]))
        self._read = len(changes)
        return todo


def typical_of(seen: Sequence[TaskRow]) -> Typical:
    counts = Counter((row.cpu_milli, row.gpus, row.share_milli if row.gpus else 0) for row in seen)
    chosen: list[tuple[tuple[int, int, int], int]] = []
    covered = 0
    for kind, count in counts.most_common():
        if covered >= COVERED * len(seen):
            break
        chosen.append((kind, count))
        covered += count
    return [(*kind, count / covered) for kind, count in chosen]


def fragment(state: State, typical: Typical) -> float:
    """Free thousandths of GPUs that typical tasks cannot use, in the mean over them."""
    cpu, devices = state
    free = sum(devices)
    lost = 0.0
    for cores, gpus, share, weight in typical:
        fitting = [one for one in devices if one >= share] if gpus and cores <= cpu else []
        usable = sum(fitting) if gpus and len(fitting) >= gpus else 0
        lost += weight * (free - usable)
    return lost


def outcomes(state: State, row: TaskRow) -> list[State]:
    """What each way to take the devices leaves, the fullest device first."""
    cpu, devices = state
    left = cpu - row.cpu_milli
    if not row.gpus:
        return [(left, devices)]
    if row.gpus > 1 or row.share_milli == 1000:
        whole = sum(free == 1000 for free in devices) - row.gpus
        rest = [free for free in devices if free < 1000]
        return [(left, tuple(sorted([*rest, *[0] * row.gpus, *[1000] * whole])))]
    found = []
    for free in sorted(set(devices)):
        if free >= row.share_milli:
            rest = list(devices)
            rest.remove(free)
            found.append((left, tuple(sorted([*rest, free - row.share_milli]))))
    return found
