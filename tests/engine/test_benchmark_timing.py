"""The benchmark repeats a cycle and trusts it only as long as it always decides the same."""

from collections.abc import Callable, Iterator

import pytest

from scheduling.engine import Plan
from tests.benchmarks.engine.timing import FEWEST_RUNS, MOST_RUNS, timed


def _answers(plans: Iterator[Plan]) -> tuple[Callable[[], Plan], list[Plan]]:
    given: list[Plan] = []

    def cycle() -> Plan:
        given.append(next(plans))
        return given[-1]

    return cycle, given


def test_a_cycle_runs_several_times_and_not_for_ever() -> None:
    cycle, given = _answers(iter(Plan() for _ in range(MOST_RUNS + 1)))
    plan, timing = timed(cycle)
    assert plan is given[0]
    assert FEWEST_RUNS <= len(given) <= MOST_RUNS
    assert timing.shortest <= timing.cycle


def test_a_profile_runs_it_once() -> None:
    cycle, given = _answers(iter([Plan()]))
    timed(cycle, 1)
    assert len(given) == 1


def test_a_cycle_that_decides_otherwise_when_repeated_is_refused() -> None:
    cycle, _ = _answers(iter([Plan(), Plan(started=["other"])]))
    with pytest.raises(RuntimeError, match="another plan than the first"):
        timed(cycle, 2)
