"""A case told otherwise is the same case: what cannot matter to a rule does not change the verdict."""

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.__main__ import ENGINES, judge, load_engine
from tests.conformance.adapter import Case
from tests.conformance.cases import is_selected, read_cases
from tests.conformance.folder import recorded_folder

FOLDER = recorded_folder()

pytestmark = pytest.mark.skipif(FOLDER is None, reason="the recorded cases are not on this machine")


def shuffled(case: Case) -> None:
    """Age and priority are told in fields; the order of the lists says nothing."""
    rng = random.Random(case["id"])
    for name in ("jobs", "nodes", "queues"):
        rng.shuffle(case[name])
    for job in case["jobs"]:
        rng.shuffle(job["tasks"])


def with_bystanders(case: Case) -> None:
    """A queue that nobody uses and a node on which nothing fits."""
    idle = copy.deepcopy(case["queues"][0]) | {"name": "zz-idle", "parent": "", "children": []}
    idle["gpu"] = {"quota": 0, "limit": -1, "over_quota_weight": 1}
    case["queues"].append(idle)
    empty = {"gpus": 0, "cpu_milli": 0, "memory": 0, "max_pods": 0, "scalar": {}, "labels": {"other": "yes"}}
    case["nodes"].append(copy.deepcopy(case["nodes"][0]) | {"name": "zz-empty", **empty})


def renamed(case: Case) -> None:
    """All names with the same beginning, so that their order stays."""
    names = {one["name"] for kind in ("jobs", "nodes", "queues") for one in case[kind]}
    names |= {task["name"] for job in case["jobs"] for task in job["tasks"]}
    names -= {"default", "queue"}  # also the name of a pod set, and of a field

    def told(value: Any) -> Any:
        if isinstance(value, str):
            return f"x-{value}" if value in names else value
        if isinstance(value, list):
            return [told(one) for one in value]
        if isinstance(value, dict):
            return {told(key): told(one) for key, one in value.items()}
        return value

    for part in ("jobs", "nodes", "queues", "expected", "observed"):
        case[part] = told(case[part])


def enlarged(case: Case) -> None:
    """Twice the cores and three times the memory of everything."""

    def scale(holder: dict[str, Any], key: str, factor: int) -> None:
        if holder.get(key) not in (None, -1):
            holder[key] *= factor

    for node in case["nodes"]:
        scale(node, "cpu_milli", 2)
        scale(node, "memory", 3)
    for queue in case["queues"]:
        for bound in ("quota", "limit"):
            scale(queue["cpu_milli"], bound, 2)
            scale(queue["memory_mb"], bound, 3)
    for job in case["jobs"]:
        for task in job["tasks"]:
            scale(task["request"], "cpu_milli", 2)
            scale(task["request"], "memory", 3)
    for wish in [*case["expected"]["jobs"].values(), *(case["expected"].get("tasks") or {}).values()]:
        scale(wish, "cpu_milli_required", 2)
        scale(wish, "memory_required", 3)


def lived_on(case: Case) -> None:
    """What must hold after some rounds must hold after more."""
    if case["run"]["mode"] == "integration":
        case["run"]["rounds_until_match"] += 1
        case["run"]["rounds_after_match"] += 2


VARIANTS = (shuffled, with_bystanders, renamed, enlarged, lived_on)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_the_verdict_stays(engine: str, variant: Callable[[Case], None]) -> None:
    assert FOLDER is not None
    run, found = load_engine(engine), {}
    for case in filter(is_selected, read_cases(FOLDER)):
        told = copy.deepcopy(case)
        variant(told)
        differences, _ = judge(told, run)
        if differences:
            found[case["id"]] = differences
    assert found == {}
