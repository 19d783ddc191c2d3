"""How long one cycle takes on a machine that others use as well: several cycles, and between them a loop that tells how fast it is now."""

import gc
import resource
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from scheduling.engine import Plan

FEWEST_RUNS, MOST_RUNS, ENOUGH_SECONDS = 3, 25, 1.5
"""A cycle is repeated until it has run so long in all, within these numbers of runs."""
LOOP_STEPS, SLICES = 2_000_000, 10
"""The calibration loop; between two cycles one slice of it runs, so that short cycles are not drowned in it."""


class Timing(NamedTuple):
    """Seconds: processor time of the median and of the shortest cycle, wall time of the median one, and the calibration loop's.

    `mib` is the peak of the process after the first cycle; a later one may meet what the comparison of plans holds.
    """

    cycle: float
    shortest: float
    wall: float
    calibration: float
    mib: float


def timed(cycle: Callable[[], Plan], runs: int | None = None) -> tuple[Plan, Timing]:
    """The plan and how long it took; every run must give the same plan. `runs`: exactly so many."""
    processor: list[float] = []
    walls: list[float] = []
    slices = [_slice()]
    first: Plan | None = None
    mib = 0.0
    while _more(processor, runs):
        gc.collect()
        wall, begun = time.perf_counter(), time.process_time()
        plan = cycle()
        processor.append(time.process_time() - begun)
        walls.append(time.perf_counter() - wall)
        slices.append(_slice())
        if first is None:
            first, mib = plan, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        elif plan != first:
            raise RuntimeError(f"run {len(processor)} of the same cycle gave another plan than the first")
    if first is None:
        raise ValueError(f"runs must be at least 1, not {runs}")
    return first, Timing(median(processor), min(processor), median(walls), median(slices) * SLICES, mib)


def _more(processor: list[float], runs: int | None) -> bool:
    if runs is not None:
        return len(processor) < runs
    if len(processor) < FEWEST_RUNS:
        return True
    return len(processor) < MOST_RUNS and sum(processor) < ENOUGH_SECONDS


def _slice() -> float:
    """Processor seconds of one slice of the calibration loop."""
    table = {number: number for number in range(1000)}
    begun, total = time.process_time(), 0
    for number in range(LOOP_STEPS // SLICES):
        total += table[number % 1000]
    return time.process_time() - begun
