"""Command line: `python -m tests.conformance FOLDER [--only DIR] [--verbose] [--engine fast|reference]`.

Prints each failing case with what differs, and last a line `passed X of Y`; exit status 1 when a selected case fails.
"""

import argparse
import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.conformance.cases import Case, is_selected, read_cases
from tests.conformance.comparison import expected_differences, observed_differences
from tests.conformance.rounds import Engine, execute

ENGINES = {"fast": "scheduling.engine", "reference": "tests.engine.reference"}


def load_engine(name: str) -> Engine:
    """The `run_cycle` of the named engine."""
    engine: Engine = importlib.import_module(ENGINES[name]).run_cycle
    return engine


def judge(case: Case, engine: Engine) -> tuple[list[str], list[str]]:
    """What differs from the expectation, and what besides differs from the observation. A crash is a difference."""
    try:
        execution = execute(case, engine)
    except Exception:  # noqa: BLE001  one broken case must not hide the others
        return [f"crashed:\n{traceback.format_exc()}"], []
    return expected_differences(case, execution), observed_differences(case, execution)


def main(arguments: list[str], say: Callable[[str], None] = print) -> int:
    """Run the selected cases; 0 when all pass."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument(
        "folder", type=Path, help="folder of recorded cases (*.jsonl, or with a level `scheduling`)"
    )
    parser.add_argument(
        "--only", metavar="DIR", help="one directory or file of cases, or one case id, whatever its tags"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="also name passing cases and other observations"
    )
    parser.add_argument("--engine", choices=sorted(ENGINES), default="fast")
    options = parser.parse_args(arguments)
    engine = load_engine(options.engine)
    cases = [
        case
        for case in read_cases(options.folder, options.only)
        if is_selected(case) or case["id"] == options.only
    ]
    if not cases:
        say(f"no cases under {options.folder}" + (f" for --only {options.only}" if options.only else ""))
        return 1
    passed = 0
    for case in cases:
        differences, others = judge(case, engine)
        passed += not differences
        _report(case, differences, others if options.verbose else [], say, verbose=options.verbose)
    say(f"passed {passed} of {len(cases)}")
    return 0 if passed == len(cases) else 1


def _report(
    case: Case, differences: list[str], others: list[str], say: Callable[[str], None], *, verbose: bool
) -> None:
    if differences or verbose:
        say(f"{'FAIL' if differences else 'ok  '} {case['id']}: {case['name']}")
    for text in differences:
        say(f"     {text}")
    for text in others:
        say(f"     observed otherwise: {text}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
