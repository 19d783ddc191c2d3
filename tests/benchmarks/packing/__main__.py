"""Command line: `python -m tests.benchmarks.packing FOLDER [--lists ...] [--seeds N] [--processes N] [--check] [--chart FILE]`.

FOLDER holds nodes.csv and pods_<list>.csv. The protocol, through the real engine: all tasks of a list, with more drawn from it until
they ask for 130 % of the GPUs, wait in random order in one queue without bounds; one cycle with the action `allocate` places them
one by one, skips what fits nowhere and removes nobody. The strategy knows the list as the pool's history.
"""

import argparse
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from statistics import mean, median

from scheduling.placement import BIN_PACK, FRAGMENTATION, SPREAD
from tests.benchmarks.packing.chart import draw
from tests.benchmarks.packing.filling import PLAIN_FGD, Filled, fill
from tests.benchmarks.packing.published import BEST_FIT, FGD, MOST_TIMES_BIN_PACKING, aim
from tests.benchmarks.packing.trace import FIRST_SEED, LISTS

COLUMNS = (BIN_PACK, SPREAD, PLAIN_FGD, FRAGMENTATION)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.packing", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lists", nargs="+", choices=LISTS, default=list(LISTS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--check", action="store_true", help="exit 1 when an aim is missed")
    parser.add_argument("--chart", type=Path, help="also draw the means into this SVG file")
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    jobs = [(name, seed, strategy) for name in options.lists for seed in seeds for strategy in COLUMNS]
    names, numbers, strategies = zip(*jobs, strict=True)
    print(
        f"{'per cent allocated':<14}{'binpack':>9}{'spread':>9}{'FGD here':>10}{'fragment.':>11}"
        f"{'aim':>8} |{'FGD publ.':>10}{'best fit publ.':>15} | microseconds a task: binpack, fragmentation, times"
    )
    with ProcessPoolExecutor(options.processes) as pool:
        found: Iterable[Filled] = pool.map(fill, repeat(options.folder), names, numbers, strategies)
        missed, means = compare(found, options.seeds)
    if options.chart:
        options.chart.write_text(draw(means), encoding="utf-8")
    for sentence in missed:
        print(f"MISSED: {sentence}")
    return 1 if options.check and missed else 0


def compare(found: Iterable[Filled], seeds: int) -> tuple[list[str], dict[str, dict[str, float]]]:
    """Print a line whenever a list is done; the aims that were missed, and the means by list and column."""
    missed: list[str] = []
    means: dict[str, dict[str, float]] = {}
    rows: list[Filled] = []
    for one in found:
        rows.append(one)
        if len(rows) == seeds * len(COLUMNS):
            share = {key: mean(row.allocated for row in rows if row.strategy == key) for key in COLUMNS}
            means[one.name] = {**share, "published": FGD[one.name]}
            missed += show(rows, share)
            rows = []
    return missed, means


def show(rows: list[Filled], share: dict[str, float]) -> list[str]:
    name = rows[0].name
    spent = {key: median(row.seconds_a_task for row in rows if row.strategy == key) * 1e6 for key in COLUMNS}
    times = spent[FRAGMENTATION] / spent[BIN_PACK]
    print(
        f"{name:<18}{share[BIN_PACK]:>9.2f}{share[SPREAD]:>9.2f}{share[PLAIN_FGD]:>10.2f}{share[FRAGMENTATION]:>11.2f}"
        f"{aim(name):>8.2f} |{FGD[name]:>10.2f}{BEST_FIT[name]:>15.2f} |"
        f"{spent[BIN_PACK]:>8.0f}{spent[FRAGMENTATION]:>8.0f}{times:>7.2f}",
        flush=True,
    )
    missed = []
    if share[FRAGMENTATION] < aim(name):
        missed.append(f"{name}: {share[FRAGMENTATION]:.2f} %, the aim is {aim(name):.2f}")
    if times > MOST_TIMES_BIN_PACKING:
        missed.append(f"{name}: a placement takes {times:.2f} times that of bin packing")
    return missed


if __name__ == "__main__":
    raise SystemExit(main())
