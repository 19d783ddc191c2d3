"""The recorded decisions of the open scheduler core are reproduced, by the engine and by the plain reference."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.plan import Bind, Eviction, Plan
from tests.conformance.__main__ import ENGINES, judge, load_engine, main
from tests.conformance.adapter import Case
from tests.conformance.cases import is_selected, read_cases
from tests.conformance.folder import recorded_folder

FOLDER = recorded_folder()
LISTED = re.compile(r"^\| `([^`]+)` \| (\d+) \|", re.MULTILINE)

pytestmark = pytest.mark.skipif(FOLDER is None, reason="the recorded cases are not on this machine")


@cache
def selected() -> list[Case]:
    assert FOLDER is not None
    return [case for case in read_cases(FOLDER) if is_selected(case)]


@cache
def judged(engine: str) -> dict[str, tuple[list[str], list[str]]]:
    return {case["id"]: judge(case, load_engine(engine)) for case in selected()}


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_every_selected_case_passes(engine: str) -> None:
    assert len(judged(engine)) >= 223
    assert {name: found for name, (found, _) in judged(engine).items() if found} == {}


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_differences_from_what_was_observed_are_exactly_those_listed(engine: str) -> None:
    listed = set(LISTED.findall((Path(__file__).parent / "differences.md").read_text()))
    found = {
        (name, text.split(":")[0].removeprefix("round "))
        for name, (_, others) in judged(engine).items()
        for text in others
    }

    assert found == listed


def test_an_engine_that_decides_nothing_fails_what_expects_decisions() -> None:
    def idle(snapshot: ClusterSnapshot, config: SchedulerConfig, now: float) -> Plan:
        return Plan()

    for case in selected():
        waits = case["run"]["mode"] == "integration" or not case["expected"]["jobs"]
        if waits or all(
            wish["status"] in {"Running", "Pending"} for wish in case["expected"]["jobs"].values()
        ):
            continue
        assert judge(case, idle)[0] or case["observed"]["rounds"][0]["tasks"] == {}, case["id"]


def test_a_decision_too_many_is_noticed() -> None:
    case = next(one for one in selected() if one["id"] == "allocate/0" or one["directory"] == "allocate")
    task = case["jobs"][0]["tasks"][0]["name"]

    def hasty(snapshot: ClusterSnapshot, config: SchedulerConfig, now: float) -> Plan:
        gang, node = snapshot.gangs[0].uid, snapshot.nodes[0].name
        return Plan(
            binds=[Bind(task, gang, node)] * 50,
            evictions=[Eviction(task, gang, node, "reclaim", "fair-share")] * 50,
        )

    found = judge(case, hasty)[0]
    assert any("binds, allowed" in text for text in found)
    assert any("evictions, allowed" in text for text in found)


def test_an_engine_that_crashes_fails_the_case_and_not_the_run() -> None:
    def broken(snapshot: ClusterSnapshot, config: SchedulerConfig, now: float) -> Plan:
        raise ZeroDivisionError

    found, _ = judge(selected()[0], broken)
    assert "ZeroDivisionError" in found[0]


def test_the_last_line_counts_and_the_exit_status_tells(tmp_path: Path) -> None:
    lines: list[str] = []
    assert FOLDER is not None
    assert main([str(FOLDER), "--only", "stalegangeviction"], lines.append) == 0
    assert lines[-1] == "passed 3 of 3"

    wrong: dict[str, Any] = json.loads(json.dumps(selected()[0]))
    for wish in wrong["expected"]["jobs"].values():
        wish["status"] = "Succeeded"
    (tmp_path / "wrong.jsonl").write_text(json.dumps(wrong) + "\n")
    lines.clear()
    assert main([str(tmp_path)], lines.append) == 1
    assert lines[-1] == "passed 0 of 1"
    assert lines[0].startswith(f"FAIL {wrong['id']}")


def test_cases_about_what_the_engine_has_not_got_run_when_they_are_named() -> None:
    """Partitioned devices and resource claims: judged like the others, and none of them crashes."""
    assert FOLDER is not None
    others = [case["id"] for case in read_cases(FOLDER) if not is_selected(case)]
    assert others
    for name in others:
        lines: list[str] = []
        passed = main([str(FOLDER), "--only", name], lines.append) == 0
        assert lines[-1] == f"passed {int(passed)} of 1"
        assert not any("crashed" in line for line in lines), name


def test_a_folder_without_cases_is_an_error(tmp_path: Path) -> None:
    lines: list[str] = []
    assert main([str(tmp_path)], lines.append) == 1
    assert "no cases" in lines[-1]
