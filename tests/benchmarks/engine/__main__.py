"""Command line: `python -m tests.benchmarks.engine FOLDER [--only NAME] [--huge] [--check] [--profile]`.

FOLDER holds the inputs of ../shared/bench/make_inputs.py (`<scenario>_<nodes>.json`). Each input runs in a process of its own.

Judged is the processor time of the median cycle as measured, against the anchor's median. Beside it stands what the ratio would be
if the calibration loop, run between the cycles, took as long as on a quiet machine; it only tells how much of a miss is the
machine's. Growth compares the shortest cycles of two sizes, which noise lengthens least.
"""

import argparse
import cProfile
import json
import pstats
import subprocess
import sys
import time
from pathlib import Path

from scheduling.engine import SchedulerConfig, run_cycle
from tests.benchmarks.engine.anchor import (
    ANCHORS,
    GROWTH_1000_TO_2000,
    MIXED_BINDS,
    MIXED_MOST_EVICTIONS,
    QUIET_CALIBRATION,
    aimed_ratio,
)
from tests.benchmarks.engine.end_states import differing_pods, recorded_names
from tests.benchmarks.engine.inputs import NOW, Input, load, singles, snapshot_of
from tests.benchmarks.engine.timing import timed

HUGE_SECONDS, HUGE_MIB = 5.0, 1024
Row = dict[str, float]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.engine", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="names that contain this")
    parser.add_argument("--huge", action="store_true", help="also a_single at 10,000 nodes")
    parser.add_argument("--check", action="store_true", help="exit 1 when an aim is missed")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    parser.add_argument("--measure", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.folder, options.measure, profile=options.profile)))
        return 0
    return compare(options)


def measure(folder: Path, name: str, *, profile: bool) -> Row:
    """One input in this process: seconds, MiB, decisions."""
    given: Input = singles(10_000) if name == "a_single_10000" else load(folder / f"{name}.json")
    begun = time.process_time()
    snapshot = snapshot_of(given)
    built = time.process_time() - begun
    del given
    profiler = cProfile.Profile() if profile else None
    if profiler:
        profiler.enable()
    plan, timing = timed(lambda: run_cycle(snapshot, SchedulerConfig(), NOW), 1 if profile else None)
    if profiler:
        profiler.disable()
    row = {
        "build": built,
        **timing._asdict(),
        "binds": len(plan.binds),
        "evictions": len(plan.evictions),
        "nominations": len(plan.nominations),
        "differing": differing_pods(name, snapshot, plan) if name in recorded_names() else 0,
    }
    if profiler:
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(28)
    return row


def compare(options: argparse.Namespace) -> int:
    names = [path.stem for path in options.folder.glob("*.json")] + ["a_single_10000"] * options.huge
    rows: dict[tuple[str, int], Row] = {}
    missed: list[str] = []
    print(
        f"{'input':<16}{'build s':>9}{'median ms':>11}{'shortest':>10}{'wall ms':>9}{'MiB':>6}{'calib ms':>9}"
        f"  {'decided':<14}{'anchor ms':>10}{'x faster':>10}{'if quiet':>10}"
    )
    for name in sorted(names, key=_split):
        if options.only not in name:
            continue
        scenario, nodes = key = _split(name)
        row = rows[key] = _in_own_process(options, name)
        print(_line(name, row, key), flush=True)
        missed += _misses(scenario, nodes, row)
    for scenario in ("a_single", "a_mixed", "b_gang", "b_many", "b_singles"):
        small, large = rows.get((scenario, 1000)), rows.get((scenario, 2000))
        if small and large:
            growth = large["shortest"] / small["shortest"]
            if_quiet = growth * small["calibration"] / large["calibration"]
            print(
                f"{scenario}: growth from 1,000 to 2,000 nodes {growth:.1f} (by the calibration loop {if_quiet:.1f})"
            )
            if growth > GROWTH_1000_TO_2000:
                missed.append(f"{scenario} grows {growth:.1f}, aim {GROWTH_1000_TO_2000}")
    print("\n".join(missed) if missed else "every aim met")
    return 1 if options.check and missed else 0


def _in_own_process(options: argparse.Namespace, name: str) -> Row:
    command = [sys.executable, "-m", "tests.benchmarks.engine", str(options.folder), "--measure", name]
    done = subprocess.run(
        command + ["--profile"] * options.profile, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _split(name: str) -> tuple[str, int]:
    scenario, _, nodes = name.rpartition("_")
    return scenario, int(nodes)


def _line(name: str, row: Row, key: tuple[str, int]) -> str:
    decided = f"{row['binds']}/{row['evictions']}/{row['nominations']}"
    anchor, against = ANCHORS.get(key), ""
    if anchor:
        ratio = anchor.cycle_ms / row["cycle"] / 1000
        if_quiet = ratio * row["calibration"] / QUIET_CALIBRATION
        against = f"{anchor.cycle_ms:>10.0f}{ratio:>10.0f}{if_quiet:>10.0f}"
    return (
        f"{name:<16}{row['build']:>9.2f}{row['cycle'] * 1000:>11.1f}{row['shortest'] * 1000:>10.1f}{row['wall'] * 1000:>9.1f}"
        f"{row['mib']:>6.0f}{row['calibration'] * 1000:>9.0f}  {decided:<14}{against}"
    )


def _misses(scenario: str, nodes: int, row: Row) -> list[str]:
    found: list[str] = []
    anchor = ANCHORS.get((scenario, nodes))
    decided = (row["binds"], row["evictions"], row["nominations"])
    if anchor:
        ratio = anchor.cycle_ms / row["cycle"] / 1000
        if ratio < aimed_ratio(scenario, nodes):
            found.append(f"{scenario}_{nodes}: {ratio:.1f} x faster, aim {aimed_ratio(scenario, nodes):.0f}")
        if anchor.decided and decided != anchor.decided:
            found.append(f"{scenario}_{nodes}: decided {decided}, the anchor {anchor.decided}")
    if row["differing"]:
        found.append(f"{scenario}_{nodes}: {row['differing']} pods do not end where the anchor has them")
    if scenario == "a_mixed" and nodes in MIXED_BINDS:
        if row["binds"] != MIXED_BINDS[nodes]:
            found.append(f"{scenario}_{nodes}: {row['binds']} binds, the anchor {MIXED_BINDS[nodes]}")
        if nodes == 500 and row["evictions"] > MIXED_MOST_EVICTIONS:
            found.append(f"{scenario}_{nodes}: {row['evictions']} evictions, aim {MIXED_MOST_EVICTIONS}")
    if nodes == 10_000 and (row["cycle"] > HUGE_SECONDS or row["mib"] > HUGE_MIB):
        found.append(f"{scenario}_{nodes}: {row['cycle']:.1f} s and {row['mib']:.0f} MiB")
    return found


if __name__ == "__main__":
    sys.exit(main())
