"""Command line: `python -m tests.benchmarks.packing.gangs FOLDER [--lists ...] [--seeds N] [--processes N]`: how many gangs of whole nodes still start.

The cluster is filled as in the protocol until 70, 80 and 90 % of its GPUs are allocated. From each of these states, and for each size
of gang, one more cycle has gangs waiting whose pods ask for 8 GPUs each and start together or not at all, more than would fill the
cluster: counted are the gangs it starts.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
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
PODS = (1, 4, 16)
"""Of a gang: one node, four nodes, sixteen nodes."""
WHOLE_NODE = TaskRequest(GpuRequest(8), 64_000, 262_144 * MIB)
"""As the tasks of 8 GPUs of the trace mostly ask."""
Counts = dict[tuple[int, int], int]
"""(pods of a gang, level) -> gangs that start; a level that the strategy never reaches is left out."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.packing.gangs", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lists", nargs="+", default=["default"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    jobs = [(name, seed, strategy) for name in options.lists for strategy in STRATEGIES for seed in seeds]
    names, numbers, strategies = zip(*jobs, strict=True)
    levels = ", ".join(f"{level} %" for level in LEVELS)
    print(f"gangs of {', '.join(map(str, PODS))} pods of 8 GPUs that still start, each at {levels}")
    with ProcessPoolExecutor(options.processes) as pool:
        found: list[Counts] = []
        for job, counts in zip(
            jobs, pool.map(started, repeat(options.folder), names, numbers, strategies), strict=True
        ):
            found.append(counts)
            if len(found) == options.seeds:
                print(f"{job[0]:<14}{job[2]:<15}" + " |".join(map(_row, repeat(found), PODS)), flush=True)
                found = []
    return 0


def _row(found: list[Counts], pods: int) -> str:
    """The mean over the orders that reached the level, and how many did where it was not all."""
    shown = []
    for level in LEVELS:
        counts = [one[pods, level] for one in found if (pods, level) in one]
        some = f"({len(counts)} of {len(found)})" if 0 < len(counts) < len(found) else ""
        shown.append(f"{mean(counts):>8.1f}{some}" if counts else "   never")
    return "".join(shown)


def started(folder: Path, name: str, seed: int, strategy: str) -> Counts:
    nodes, tasks = read_nodes(folder), read_tasks(folder, name)
    rows = arrivals(nodes, tasks, seed)
    capacity = 1000 * sum(node.gpus for node in nodes)
    snapshot = world(nodes, rows, tasks)
    with collector_paused():
        session = decide(snapshot, STRATEGIES[strategy], NOW)
    counts: Counts = {}
    for level, running in zip(
        LEVELS, prefixes(session, [row.gpu_milli for row in rows], capacity), strict=False
    ):
        for pods in PODS:
            later = ClusterSnapshot.build(
                nodes=snapshot.nodes,
                queues=[Queue(EVERYTHING, deserved=Bounds(None, None, None))],
                gangs=[*running, *gangs_of_whole_nodes(pods, len(nodes) // pods + 1)],
                demand=snapshot.demand,
            )
            binds = run_cycle(later, STRATEGIES[strategy], NOW).binds
            started_gangs = {bind.gang for bind in binds}
            if len(binds) != pods * len(started_gangs):
                raise AssertionError(f"a gang of {pods} pods started in part")
            counts[pods, level] = len(started_gangs)
    return counts


def gangs_of_whole_nodes(pods: int, gangs: int) -> list[Gang]:
    """All or nothing: without a minimum of its own a gang needs all its pods."""
    return [
        Gang(
            f"whole-{gang:04d}",
            EVERYTHING,
            [Task(f"whole-{gang:04d}-{pod:02d}", WHOLE_NODE) for pod in range(pods)],
            created_at=NOW,
        )
        for gang in range(gangs)
    ]


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
