"""Command line: `python -m tests.engine.laws [--worlds N] [--seed S] [--size SIZE]` compares the engine with the reference.

Prints each world where they differ (made as small as possible with --shrink) and last `agree on X of Y`; exit status 1 when they differ.
"""

import argparse
import sys
import time
import traceback
from dataclasses import replace

from scheduling.engine import run_cycle as fast
from tests.engine.laws.agreement import describe, plan_differences
from tests.engine.laws.worlds import PLAIN, SIZES, Features, World, random_world, smallest
from tests.engine.reference import run_cycle as reference


def differences(world: World) -> list[str]:
    """Fast against reference; a crash is a difference."""
    try:
        return plan_differences(world, fast, reference)
    except Exception:  # noqa: BLE001  one broken world must not hide the others
        return [f"crashed: {traceback.format_exc()}"]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.engine.laws", description=__doc__)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--plain", action="store_true", help="whole GPUs, gangs and quotas only")
    parser.add_argument("--without", nargs="*", default=[], choices=vars(PLAIN), help="features to leave out")
    parser.add_argument("--shrink", action="store_true", help="show the smallest world that still differs")
    parser.add_argument("--stop-after", type=int, default=5, help="differing worlds to show")
    options = parser.parse_args(arguments)
    features = PLAIN if options.plain else replace(Features(), **dict.fromkeys(options.without, 0.0))
    agreed, shown, begun = 0, 0, time.monotonic()
    for seed in range(options.seed, options.seed + options.worlds):
        world = random_world(seed, SIZES[options.size], features)
        found = differences(world)
        if not found:
            agreed += 1
            continue
        shown += 1
        if shown <= options.stop_after:
            if options.shrink:
                world = smallest(world, lambda smaller: bool(differences(smaller)))
                found = differences(world)
            print(f"--- world {seed}\n{describe(world)}\n" + "\n".join(found[:12]))
    print(f"agree on {agreed} of {options.worlds} ({time.monotonic() - begun:.0f} s)")
    return 0 if agreed == options.worlds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
