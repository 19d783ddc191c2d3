"""Command line: `python -m tests.benchmarks.packing.departures FOLDER [--one-node-in N] [--arrivals N] [--load X] [--seeds N] [--chart FILE]`.

Tasks come and go on every fourth node of the trace. Tasks drawn from the list `default` arrive at random moments and run as long as in the trace, at most
four hours (a few of the trace run for months and would hold everything). Who finds no room waits; whenever a task ends, those who
wait are tried in order of arrival, and smaller ones go ahead. Counted is the middle of the run: arrivals from a quarter on.
"""

import argparse
import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

from scheduling.engine.catalog import make_plugins
from scheduling.engine.cycle.deciding import collector_paused
from scheduling.engine.session import Session
from scheduling.engine.session.starting import start_gang
from tests.benchmarks.packing.chart import draw_over_time
from tests.benchmarks.packing.trace import FIRST_SEED, TaskRow, read_nodes, read_tasks
from tests.benchmarks.packing.worlds import NOW, STRATEGIES, world

LONGEST = 4 * 3600
PARTS = 12
"""Of the time after the warm-up: the allocation of each is shown."""
LARGE = 4
"""Tasks of so many GPUs are shown apart."""
WARM_UP = 0.25


@dataclass
class Run:
    """What happened: (moment, thousandths of GPUs held from then on), and for each task its wait, None where it never started."""

    capacity: int
    arrived: list[float]
    rows: list[TaskRow]
    held: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)])
    waits: list[float | None] = field(default_factory=list)

    @property
    def begin(self) -> float:
        """When the warm-up is over."""
        return self.arrived[int(len(self.rows) * WARM_UP)]

    def allocation(self, begin: float, end: float) -> float:
        """Per cent of the GPUs held in the mean between two moments."""
        area = 0.0
        for (moment, held), (following, _) in zip(self.held, [*self.held[1:], (end, 0)], strict=True):
            area += held * max(0.0, min(following, end) - max(moment, begin))
        return 100 * area / (self.capacity * (end - begin))

    def waits_of(self, least_gpus: int) -> list[float]:
        """Of tasks from the warm-up on; one that never started waited till the end."""
        begin, end = self.begin, self.arrived[-1]
        return [
            end - moment if wait is None else wait
            for row, moment, wait in zip(self.rows, self.arrived, self.waits, strict=True)
            if moment >= begin and row.gpus >= least_gpus
        ]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.packing.departures", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--one-node-in", type=int, default=4)
    parser.add_argument("--arrivals", type=int, default=40_000)
    parser.add_argument("--load", type=float, default=1.0, help="GPU time asked for, of what there is")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument(
        "--chart", type=Path, help="where to write an SVG picture of the allocation over time"
    )
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    print(
        f"per cent allocated in each of {PARTS} parts of the time, and in all | minutes waited: all, 95 of 100 within, 4 and more GPUs"
    )
    lines: dict[str, list[float]] = {}
    hours = 0.0
    for strategy in STRATEGIES:
        runs = [play(options, seed, strategy) for seed in seeds]
        hours = mean(run.arrived[-1] - run.begin for run in runs) / 3600
        shares = [mean(column) for column in zip(*(parts_of(run) for run in runs), strict=True)]
        lines[strategy] = shares[:-1]
        waits = [wait / 60 for run in runs for wait in run.waits_of(0)]
        large = [wait / 60 for run in runs for wait in run.waits_of(LARGE)]
        late = sorted(waits)[int(0.95 * len(waits))]
        print(
            f"{strategy:<15}" + "".join(f"{share:>6.1f}" for share in shares) + " |"
            f"{mean(waits):>8.1f}{late:>8.1f}{mean(large):>8.1f}",
            flush=True,
        )
    if options.chart:
        options.chart.write_text(draw_over_time(lines, hours))
    return 0


def parts_of(run: Run) -> list[float]:
    end = run.arrived[-1]
    length = (end - run.begin) / PARTS
    parts = [
        run.allocation(run.begin + number * length, run.begin + (number + 1) * length)
        for number in range(PARTS)
    ]
    return [*parts, run.allocation(run.begin, end)]


def play(options: argparse.Namespace, seed: int, strategy: str) -> Run:
    nodes, tasks = read_nodes(options.folder)[:: options.one_node_in], read_tasks(options.folder, "default")
    draw = random.Random(seed)
    rows = [draw.choice(tasks) for _ in range(options.arrivals)]
    capacity = 1000 * sum(node.gpus for node in nodes)
    length = sum(row.gpu_milli * runtime(row) for row in rows) / (capacity * options.load)
    moments = sorted(draw.uniform(0, length) for _ in rows)
    config = STRATEGIES[strategy]
    with collector_paused():
        session = Session(world(nodes, rows, tasks), config, NOW, make_plugins(config))
        return Play(session, Run(capacity, moments, rows, waits=[None] * len(rows))).to_the_last_arrival()


def runtime(row: TaskRow) -> int:
    return max(1, min(LONGEST, row.deleted - max(row.created, row.scheduled)))


class Play:
    def __init__(self, session: Session, run: Run) -> None:
        self._session, self._run = session, run
        self._ends: list[tuple[float, int]] = []
        self._waiting: dict[int, deque[int]] = {}
        """By shape, in order of arrival."""

    def to_the_last_arrival(self) -> Run:
        for number, moment in enumerate(self._run.arrived):
            while self._ends and self._ends[0][0] <= moment:
                self._end_one()
            if not self._start(number, moment):
                shape = self._session.snapshot.task_shape[number]
                self._waiting.setdefault(shape, deque()).append(number)
        return self._run

    def _start(self, number: int, moment: float) -> bool:
        if not start_gang(self._session, number, [number], nominate_only=False):
            return False
        row = self._run.rows[number]
        self._run.waits[number] = moment - self._run.arrived[number]
        heapq.heappush(self._ends, (moment + runtime(row), number))
        self._hold(moment, row.gpu_milli)
        return True

    def _end_one(self) -> None:
        """One task ends; who waits is tried, the first of each shape in order of arrival, until none of them fits."""
        moment, number = heapq.heappop(self._ends)
        self._session.state.evict(number)  # it had its place from this session, so that it just loses it
        self._hold(moment, -self._run.rows[number].gpu_milli)
        heads = [(line[0], shape) for shape, line in self._waiting.items()]
        heapq.heapify(heads)
        while heads:
            first, shape = heapq.heappop(heads)
            if not self._start(first, moment):
                continue
            line = self._waiting[shape]
            line.popleft()
            if line:
                heapq.heappush(heads, (line[0], shape))
            else:
                del self._waiting[shape]

    def _hold(self, moment: float, more: int) -> None:
        self._run.held.append((moment, self._run.held[-1][1] + more))


if __name__ == "__main__":
    raise SystemExit(main())
