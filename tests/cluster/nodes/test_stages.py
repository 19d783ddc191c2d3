"""The life of a pod goes as its annotations tell, whoever looks and how often."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.simulator.annotations import AnnotationWrong
from cluster.simulator.kubelet.statuses import phase_of, state_from, status_of
from cluster.simulator.stages import (
    STAGES,
    Life,
    PodState,
    advance,
    begin,
    crash,
    due,
    is_over,
    stop,
    with_grace,
)
from cluster.simulator.told_lives import FAILURES, life_of

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def make_pod(policy: str = "Never", owner: str | None = "Job", **annotations: str) -> dict:
    meta = {
        "name": "p",
        "namespace": "n",
        "uid": "u",
        "annotations": {f"simulator/{k.replace('_', '-')}": v for k, v in annotations.items()},
    }
    if owner:
        meta["ownerReferences"] = [{"kind": owner, "name": "o", "uid": "x", "controller": True}]
    return {
        "metadata": meta,
        "spec": {"nodeName": "h1", "restartPolicy": policy, "containers": [{"name": "main", "image": "img"}]},
    }


def state_at(pod: dict, seconds: float) -> PodState:
    return advance(begin(NOON), life_of(pod), after(seconds))[0]


def test_a_job_runs_its_time_and_completes():
    pod = make_pod(run_seconds="100", pull_seconds="5", start_seconds="2")

    assert [phase_of(state_at(pod, second)) for second in (0, 6.9, 7, 106.9, 107)] == [
        "Pending",
        "Pending",
        "Running",
        "Running",
        "Succeeded",
    ]
    assert state_at(pod, 107).ended.finished_at == after(107)


def test_defaults_depend_on_the_kind():
    assert life_of(make_pod(owner="Job")).run == 600
    assert life_of(make_pod("Always", owner="ReplicaSet")).run is None
    assert life_of(make_pod(owner=None)).run is None


def test_an_exit_code_fails_the_pod():
    assert phase_of(state_at(make_pod(run_seconds="1", exit_code="3"), 60)) == "Failed"
    assert state_at(make_pod(run_seconds="1", exit_code="3"), 60).ended.exit_code == 3


def test_out_of_memory_is_killed_with_137():
    ended = state_at(make_pod(fail="oom", run_seconds="10"), 60).ended

    assert (ended.exit_code, ended.reason) == (137, "OOMKilled")


def test_an_image_that_cannot_be_pulled_backs_off_for_ever():
    pod = make_pod(fail="image-pull")

    assert STAGES[state_at(pod, 3).stage].reason == "ErrImagePull"
    assert STAGES[state_at(pod, 20).stage].reason == "ImagePullBackOff"
    assert phase_of(state_at(pod, 100_000)) == "Pending"


def test_a_crash_loop_waits_longer_each_time():
    life = life_of(make_pod("Always", fail="crash-loop", run_seconds="5"))
    starts = []
    state = begin(NOON)
    for _ in range(60):
        moment = due(state, life)
        state, entered = advance(state, life, moment)
        starts += [state.started_at for stage in entered if stage == "started"]
        if len(starts) >= 7:
            break
    waits = [(later - earlier).total_seconds() - 5 for earlier, later in itertools.pairwise(starts)]

    assert waits[:6] == [0, 10, 20, 40, 80, 160]
    assert state.restarts == 6


def test_readiness_comes_before_the_run_time_counts():
    pod = make_pod(ready_seconds="30", run_seconds="10", pull_seconds="0", start_seconds="0")

    assert not STAGES[state_at(pod, 29).stage].ready
    assert STAGES[state_at(pod, 31).stage].ready
    assert phase_of(state_at(pod, 39)) == "Running"
    assert phase_of(state_at(pod, 40)) == "Succeeded"


@pytest.mark.parametrize(
    ("stop_seconds", "grace", "ends_after", "code"),
    [("1", 30, 1, 143), ("60", 30, 30, 137), ("5", 0, 0, 137), ("0", 30, 0, 0)],
)
def test_a_deleted_pod_stops_within_its_grace(stop_seconds, grace, ends_after, code):
    pod = make_pod(run_seconds="1000", stop_seconds=stop_seconds)
    life = with_grace(life_of(pod), grace)

    state, _ = advance(stop(state_at(pod, 100), after(100)), life, after(100 + ends_after))

    assert is_over(state)
    assert state.ended.exit_code == code


def test_a_pod_that_has_not_begun_stops_at_once():
    assert is_over(stop(state_at(make_pod(), 1), after(1)))


def test_a_crash_from_outside_ends_what_runs_and_nothing_else():
    pod = make_pod(run_seconds="1000")
    running = crash(state_at(pod, 100), life_of(pod), after(100), exit_code=1)
    waiting = state_at(pod, 1)

    assert advance(running, life_of(pod), after(100))[0].ended.exit_code == 1
    assert crash(waiting, life_of(pod), after(1), exit_code=1) is waiting


lives = st.builds(
    Life,
    pull=st.floats(0, 20),
    start=st.floats(0, 5),
    ready=st.floats(0, 5),
    run=st.one_of(st.none(), st.floats(1, 100)),
    exit_code=st.sampled_from([0, 1, 137]),
    failure=st.sampled_from([None, "image-pull"]),
    restart_policy=st.sampled_from(["Always", "OnFailure", "Never"]),
)


@given(life=lives, looks=st.lists(st.floats(0, 2000), min_size=1, max_size=8))
def test_it_does_not_matter_how_often_one_looks(life, looks):
    often = begin(NOON)
    for moment in sorted(looks):
        often, _ = advance(often, life, after(moment))

    assert often == advance(begin(NOON), life, after(max(looks)))[0]


@given(life=lives, at=st.integers(0, 600), later=st.integers(0, 600))
def test_a_restarted_kubelet_goes_on_from_the_status_it_finds(life, at, later):
    """All durations in whole seconds, as a status holds no parts of them."""
    whole = replace(
        life,
        pull=int(life.pull),
        start=int(life.start),
        ready=int(life.ready),
        run=None if life.run is None else int(life.run),
        failure=None,  # a pull's back-off has no stamp in a status: it begins anew
    )
    pod = make_pod(whole.restart_policy)
    before, _ = advance(begin(NOON), whole, after(at))
    if before.stage == "starting":
        return  # pulled but not started looks like pulling
    pod["status"] = status_of(pod, before, host_ip="127.0.0.1", pod_ip="10.0.0.1")

    found, _ = advance(state_from(pod, whole, after(at)), whole, after(at + later))
    kept, _ = advance(before, whole, after(at + later))

    assert phase_of(found) == phase_of(kept)
    assert (found.restarts, found.started_at, found.ended) == (kept.restarts, kept.started_at, kept.ended)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("run_seconds", "-1"),
        ("run_seconds", "nan"),
        ("exit_code", "256"),
        ("exit_code", "1.5"),
        ("fail", "somehow"),
    ],
)
def test_annotations_that_cannot_be_followed_are_named(name, value):
    with pytest.raises(AnnotationWrong, match=f"simulator/{name.replace('_', '-')}"):
        life_of(make_pod(**{name: value}))


def test_every_stage_leads_to_one_that_exists():
    for name, stage in STAGES.items():
        for failure in (None, *FAILURES):
            state = PodState(name, NOON, NOON)
            assert stage.then(Life(failure=failure), state) in STAGES
