"""The published protocol: one task after the other, none ever leaves, what fits nowhere is skipped."""

import time
from dataclasses import dataclass
from pathlib import Path

from scheduling.engine.cycle.deciding import collector_paused, decide
from scheduling.engine.plugins.fragmentation.measure import measure_of
from tests.benchmarks.packing.fgd import PlainFgd
from tests.benchmarks.packing.trace import arrivals, read_nodes, read_tasks
from tests.benchmarks.packing.worlds import NOW, STRATEGIES, free_milli, world

PLAIN_FGD = "fgd"


@dataclass(frozen=True)
class Filled:
    """Per cent of all GPU capacity allocated at the end; seconds of processor time for each task tried."""

    name: str
    seed: int
    strategy: str
    allocated: float
    seconds_a_task: float


def fill(folder: Path, name: str, seed: int, strategy: str) -> Filled:
    nodes, tasks = read_nodes(folder), read_tasks(folder, name)
    rows = arrivals(nodes, tasks, seed)
    capacity = 1000 * sum(node.gpus for node in nodes)
    if strategy == PLAIN_FGD:
        began = time.process_time()
        fgd = PlainFgd(nodes, rows, tasks)
        for row in rows:
            fgd.place(row)
        allocated = float(fgd.allocated)
    else:
        snapshot = world(nodes, rows, tasks)
        measure_of.cache_clear()  # every run pays for its own tables
        began = time.process_time()
        with collector_paused():
            session = decide(snapshot, STRATEGIES[strategy], NOW)
        allocated = capacity - free_milli(session)
    seconds = time.process_time() - began
    return Filled(name, seed, strategy, 100 * allocated / capacity, seconds / len(rows))
