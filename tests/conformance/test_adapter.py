"""Fields that the visible cases leave at one value are read as the format says."""

import json
from typing import Any

import pytest

from tests.conformance.adapter import Case, config_of, first_states, snapshot_of
from tests.conformance.cases import is_selected, read_cases
from tests.conformance.folder import recorded_folder
from tests.conformance.rounds import NOON

FOLDER = recorded_folder()

pytestmark = pytest.mark.skipif(FOLDER is None, reason="the recorded cases are not on this machine")


@pytest.fixture
def case() -> Case:
    assert FOLDER is not None
    copy: Case = json.loads(json.dumps(next(filter(is_selected, read_cases(FOLDER)))))
    return copy


def plugin(case: Case, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in case["config"]["plugins"] if one["name"] == name)
    return found


def test_arguments_of_plugins_are_heard(case: Case) -> None:
    plugin(case, "proportion")["arguments"] = {"relcaimerSaturationMultiplier": "1.5", "kValue": "2"}
    plugin(case, "minruntime")["arguments"] = {
        "defaultReclaimMinRuntime": "1h30m",
        "reclaimResolveMethod": "queue",
    }
    config = config_of(case)

    assert (config.saturation_multiplier, config.usage_weight) == (1.5, 2.0)
    assert (config.reclaim_min_runtime, config.preempt_min_runtime) == (5400.0, 0.0)
    assert config.reclaim_min_runtime_of == "queue"


def test_without_the_filters_nothing_filters(case: Case) -> None:
    case["config"]["predicates_plugin_active"] = False

    assert not {"node_fit", "pod_affinity"} & set(config_of(case).plugins)


@pytest.mark.parametrize(("told", "seconds"), [(None, None), (90, 90.0), ("1m30s", 90.0), ("2h", 7200.0)])
def test_minimum_runtimes_of_queues_in_any_form(case: Case, told: object, seconds: float | None) -> None:
    for queue in case["queues"]:
        queue["reclaim_min_runtime"] = told

    snapshot = snapshot_of(case, first_states(case), now=NOON, carried_over=False)
    assert {queue.reclaim_min_runtime for queue in snapshot.queues} == {seconds}


def test_a_depth_per_action(case: Case) -> None:
    case["run"]["actions"] = ["allocate"]
    case["config"]["queue_depth_per_action"] = {"allocate": 3, "reclaim": 5}

    assert config_of(case).queue_depth == 3


def test_devices_of_unknown_memory(case: Case) -> None:
    case["nodes"][0]["gpu_memory_synced"] = False

    snapshot = snapshot_of(case, first_states(case), now=NOON, carried_over=False)
    assert snapshot.nodes[0].gpu_memory_mib is None


@pytest.mark.parametrize(
    ("tags", "selected"), [([], True), (["topology"], True), (["mig"], False), (["dra"], False)]
)
def test_partitioned_devices_and_claims_are_left_out(case: Case, tags: list[str], selected: bool) -> None:
    case["outside_plain_gpu"] = tags

    assert is_selected(case) is selected
