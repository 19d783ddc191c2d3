"""What the pods of a Job come to, whatever state they are in."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.simulator.controllers.index_sets import format_indexes, parse_indexes
from cluster.simulator.controllers.job_counts import (
    TRACKING,
    back_off_until,
    failure_of,
    free_indexes,
    is_complete,
    success_of,
    tally,
    wanted_active,
)
from cluster.simulator.controllers.job_indexes import FAILURES, INDEX
from cluster.simulator.controllers.job_policies import policy_action
from cluster.simulator.controllers.rollout import limits_of, new_size, plain_template, template_hash

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def make_job(status: dict | None = None, **spec) -> dict:
    template = {"spec": {"restartPolicy": "Never", "containers": []}}
    return {
        "metadata": {"name": "j"},
        "spec": {"parallelism": 1, "template": template, **spec},
        "status": status or {},
    }


def make_pod(
    uid: str,
    phase: str,
    *,
    tracked: bool = True,
    index: int | None = None,
    code: int = 0,
    ended: datetime = NOON,
) -> dict:
    meta: dict = {"uid": uid, "name": uid, "namespace": "n", "annotations": {}}
    if tracked:
        meta["finalizers"] = [TRACKING]
    if index is not None:
        meta["annotations"][INDEX] = str(index)
    terminated = {"exitCode": code, "finishedAt": ended.strftime("%Y-%m-%dT%H:%M:%SZ")}
    containers = (
        [{"name": "main", "state": {"terminated": terminated}}] if phase in ("Succeeded", "Failed") else []
    )
    return {"metadata": meta, "status": {"phase": phase, "containerStatuses": containers}}


def test_a_finished_pod_is_counted_once_through_all_steps():
    fresh = tally(make_job(), [make_pod("a", "Succeeded")])
    noted = tally(make_job({"uncountedTerminatedPods": {"succeeded": ["a"]}}), [make_pod("a", "Succeeded")])
    freed = tally(
        make_job({"uncountedTerminatedPods": {"succeeded": ["a"]}}),
        [make_pod("a", "Succeeded", tracked=False)],
    )
    settled = tally(make_job({"succeeded": 1}), [make_pod("a", "Succeeded", tracked=False)])
    deleted = tally(make_job({"succeeded": 1}), [])

    assert [one.succeeded for one in (fresh, noted, freed, settled, deleted)] == [1] * 5
    assert [pod["metadata"]["uid"] for pod in fresh.newly_succeeded] == ["a"]
    assert noted.newly_succeeded == []


def test_a_deleted_pod_that_never_finished_is_terminating():
    pod = make_pod("a", "Running")
    pod["metadata"]["deletionTimestamp"] = "2030-01-01T12:00:00Z"

    counts = tally(make_job(), [pod])

    assert (len(counts.active), counts.terminating) == (0, 1)


@pytest.mark.parametrize(
    ("completions", "parallelism", "succeeded", "active", "wanted", "complete"),
    [
        (5, 2, 0, 0, 2, False),
        (5, 2, 4, 1, 1, False),
        (5, 2, 5, 0, 0, True),
        (1, 9, 0, 0, 1, False),
        (None, 3, 0, 0, 3, False),
        (None, 3, 1, 2, 2, False),
        (None, 3, 1, 0, 0, True),
        (0, 2, 0, 0, 0, True),
    ],
)
def test_how_many_pods_are_wanted(completions, parallelism, succeeded, active, wanted, complete):
    job = make_job({"succeeded": succeeded}, completions=completions, parallelism=parallelism)
    counts = tally(job, [make_pod(f"a{number}", "Running") for number in range(active)])

    assert wanted_active(job, counts) == wanted
    assert is_complete(job, counts) is complete


def test_indexes_that_are_done_or_active_are_not_given_again():
    job = make_job({"completedIndexes": "0-2"}, completions=8, parallelism=8, completionMode="Indexed")
    counts = tally(job, [make_pod("a", "Running", index=4), make_pod("b", "Failed", index=5)])

    assert free_indexes(job, counts, 9, NOON) == [3, 5, 6, 7]


@given(st.sets(st.integers(0, 40)))
def test_indexes_come_back_as_written(indexes):
    assert parse_indexes(format_indexes(indexes)) == indexes


def test_indexes_are_written_as_kubernetes_does():
    assert format_indexes({0, 1, 2, 5, 7, 8}) == "0-2,5,7,8"


def test_failures_beyond_the_limit_fail_the_job():
    job = make_job(backoffLimit=1)

    assert failure_of(job, tally(job, [make_pod("a", "Failed")]), NOON) is None
    assert (
        failure_of(job, tally(job, [make_pod("a", "Failed"), make_pod("b", "Failed")]), NOON)[0]
        == "BackoffLimitExceeded"
    )


def test_back_off_doubles_from_the_last_failure():
    job = make_job(backoffLimit=9)
    pods = [make_pod("a", "Failed"), make_pod("b", "Failed", ended=NOON + timedelta(seconds=50))]

    assert back_off_until(tally(job, pods[:1])) == NOON + timedelta(seconds=10)
    assert back_off_until(tally(job, pods)) == NOON + timedelta(seconds=70)


def test_the_first_rule_that_matches_decides():
    rules = [
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]
    job = make_job(podFailurePolicy={"rules": rules})
    evicted = make_pod("a", "Failed", code=143)
    evicted["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True"}]

    assert policy_action(job, make_pod("a", "Failed", code=42)) == "FailJob"
    assert policy_action(job, evicted) == "Ignore"
    assert policy_action(job, make_pod("a", "Failed", code=1)) is None
    assert tally(job, [evicted]).failed == 0
    assert failure_of(job, tally(job, [make_pod("a", "Failed", code=42)]), NOON)[0] == "PodFailurePolicy"


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "limits"),
    [(10, "25%", "25%", (3, 2)), (1, "25%", "25%", (1, 0)), (4, 1, 0, (1, 0)), (3, 0, "10%", (0, 1))],
)
def test_roll_out_limits_are_rounded_so_that_it_can_move(replicas, surge, unavailable, limits):
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    deployment = {"spec": {"replicas": replicas, "strategy": {"rollingUpdate": rolling}}}

    assert limits_of(deployment) == limits


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_the_new_set_never_goes_beyond_the_surge(replicas, now, old):
    deployment = {
        "spec": {"replicas": replicas, "strategy": {"rollingUpdate": {"maxSurge": 2, "maxUnavailable": 0}}}
    }
    size = new_size(deployment, now, old)

    assert size <= replicas
    assert size + old <= max(replicas + 2, now + old)


def test_a_template_has_the_same_hash_with_and_without_its_own_label():
    plain = {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": []}}
    labelled = {"metadata": {"labels": {"app": "d", "pod-template-hash": "x"}}, "spec": {"containers": []}}

    assert template_hash(plain) == template_hash(labelled)
    assert plain_template(labelled) == plain
    assert labelled["metadata"]["labels"]["pod-template-hash"] == "x"


PER_INDEX = {"completions": 3, "parallelism": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 1}


def failed_pod(uid: str, index: int, before: int = 0, *, made: str = "2030-01-01T11:00:00Z") -> dict:
    pod = make_pod(uid, "Failed", index=index, code=1)
    pod["metadata"]["annotations"][FAILURES] = str(before)
    pod["metadata"]["creationTimestamp"] = made
    return pod


def test_an_index_is_tried_again_after_its_own_rest():
    job = make_job(**PER_INDEX)
    counts = tally(job, [failed_pod("a", 1)])

    assert free_indexes(job, counts, 9, NOON) == [0, 2]
    assert free_indexes(job, counts, 9, NOON + timedelta(seconds=11)) == [0, 1, 2]
    assert failure_of(job, counts, NOON) is None


def test_an_index_that_failed_too_often_is_not_tried_again():
    job = make_job(**PER_INDEX)
    counts = tally(job, [failed_pod("a", 1), failed_pod("b", 1, 1, made="2030-01-01T11:30:00Z")])

    assert counts.failed_indexes == {1}
    assert free_indexes(job, counts, 9, NOON + timedelta(days=1)) == [0, 2]
    assert wanted_active(job, counts) == 2


def test_a_failed_pod_stays_until_its_index_has_another():
    """Else its number of failures would be forgotten with it."""
    job = make_job(**PER_INDEX)

    alone = tally(job, [failed_pod("a", 1)])
    successor = make_pod("b", "Running", index=1)
    successor["metadata"]["creationTimestamp"] = "2030-01-01T12:00:10Z"
    replaced = tally(job, [failed_pod("a", 1), successor])
    alone.count_all(failing=True)

    assert [pod["metadata"]["uid"] for pod in alone.newly_failed] == ["a"]
    assert [pod["metadata"]["uid"] for pod in replaced.newly_failed] == ["a"]
    assert tally(job, [failed_pod("a", 1)]).newly_failed == []


def test_a_verdict_stays_when_its_pod_is_gone():
    said = {"type": "FailureTarget", "status": "True", "reason": "PodFailurePolicy", "message": "why"}
    job = make_job({"conditions": [said]})

    assert failure_of(job, tally(job, []), NOON) == ("PodFailurePolicy", "why")


@pytest.mark.parametrize(
    ("rule", "done", "met"),
    [
        ({"succeededIndexes": "0,2-3", "succeededCount": 1}, {2}, True),
        ({"succeededIndexes": "0,2-3"}, {0, 2}, False),
        ({"succeededIndexes": "0,2-3"}, {0, 2, 3}, True),
        ({"succeededCount": 2}, {1, 4}, True),
        ({"succeededCount": 2}, {1}, False),
    ],
)
def test_a_success_policy_asks_for_indexes_or_a_number_of_them(rule, done, met):
    job = make_job(
        {"completedIndexes": format_indexes(done)},
        completions=5,
        completionMode="Indexed",
        successPolicy={"rules": [rule]},
    )

    found = success_of(job, tally(job, []))

    assert (found == ("SuccessPolicy", "Matched rules at index 0")) is met


def test_a_stopping_pod_keeps_its_index_where_only_failed_ones_are_replaced():
    job = make_job(completions=2, completionMode="Indexed", podReplacementPolicy="Failed")
    pod = make_pod("a", "Running", index=0)
    pod["metadata"]["deletionTimestamp"] = "2030-01-01T12:00:00Z"

    assert free_indexes(job, tally(job, [pod]), 2, NOON) == [1]
    del job["spec"]["podReplacementPolicy"]
    assert free_indexes(job, tally(job, [pod]), 2, NOON) == [0, 1]
