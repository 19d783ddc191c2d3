"""Command line: `python -m tests.benchmarks.packing.gangs FOLDER [--lists ...] [--seeds N]`: how many tasks of a whole node still start.

The cluster is filled as in the protocol until 70, 80 and 90 % of its GPUs are allocated. From each of these states one more cycle
has as many waiting tasks of 8 GPUs as there are nodes: counted are those it places.
"""

import argparse
from pathlib import Path
from statistics import mean

from scheduling.engine import ClusterSnapshot, run_cycle
from scheduling.engine.cycle.deciding import collector_paused, decide
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import Bounds
from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from scheduling.engine.session import Session
from tests.benchmarks.packing.trace import FIRST_SEED, arrivals, read_nodes, read_tasks
from tests.benchmarks.packing.worlds import EVERYTHING, MIB, NOW, STRATEGIES, world

LEVELS = (70, 80, 90)
WHOLE_NODE = TaskRequest(GpuRequest(8), 64_000, 262_144 * MIB)
"""As the tasks of 8 GPUs of the trace mostly ask."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.packing.gangs", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lists", nargs="+", default=["default", "multigpu50"])
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    print("tasks of 8 GPUs that still start at " + ", ".join(f"{level} %" for level in LEVELS))
    for name in options.lists:
        for strategy in STRATEGIES:
            counts = [started(options.folder, name, seed, strategy) for seed in seeds]
            means = [mean(column) for column in zip(*counts, strict=False)]
            shown = [f"{value:>8.0f}" for value in means] + ["   never"] * (len(LEVELS) - len(means))
            print(f"{name:<14}{strategy:<15}" + "".join(shown), flush=True)
    return 0


def started(folder: Path, name: str, seed: int, strategy: str) -> list[int]:
    """One count for each level that the strategy reaches."""
    nodes, tasks = read_nodes(folder), read_tasks(folder, name)
    rows = arrivals(nodes, tasks, seed)
    capacity = 1000 * sum(node.gpus for node in nodes)
    snapshot = world(nodes, rows, tasks)
    with collector_paused():
        session = decide(snapshot, STRATEGIES[strategy], NOW)
    counts = []
    for running in prefixes(session, [row.gpu_milli for row in rows], capacity):
        waiting = [
            Gang(f"whole-{number:04d}", EVERYTHING, [Task(f"whole-{number:04d}", WHOLE_NODE)], created_at=NOW)
            for number in range(len(nodes))
        ]
        later = ClusterSnapshot.build(
            nodes=snapshot.nodes,
            queues=[Queue(EVERYTHING, deserved=Bounds(None, None, None))],
            gangs=[*running, *waiting],
            demand=snapshot.demand,
        )
        counts.append(len(run_cycle(later, STRATEGIES[strategy], NOW).binds))
    return counts


def prefixes(session: Session, milli: list[int], capacity: int) -> list[list[Gang]]:
    """What ran when each level was reached, in the order of arrival; a level that the strategy never reaches is left out."""
    snapshot = session.snapshot
    running: list[Gang] = []
    ends: list[int] = []
    allocated = 0
    for number, gang in enumerate(snapshot.gangs):
        position = session.state.position(snapshot.gang_first[number])
        if position.node == NOWHERE:
            continue
        task = gang.tasks[0]
        node = snapshot.nodes[position.node].name
        held = Task(task.uid, task.request, TaskState.RUNNING, node, position.groups)
        running.append(Gang(gang.uid, gang.queue, [held], created_at=gang.created_at))
        allocated += milli[number]
        if len(ends) < len(LEVELS) and 100 * allocated >= LEVELS[len(ends)] * capacity:
            ends.append(len(running))
    return [running[:end] for end in ends]


if __name__ == "__main__":
    raise SystemExit(main())
