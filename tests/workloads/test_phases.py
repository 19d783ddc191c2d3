"""Which phase the state of pods means, and the way from one phase to the next."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from workloads.phases import RANK, Phase, Status, marks_of, path_to, status_of_pods
from workloads.pod_states import PodState

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
moments = st.integers(-1000, 1000).map(lambda s: NOON + timedelta(seconds=s))


@st.composite
def pods(draw: st.DrawFn) -> PodState:
    phase = draw(st.sampled_from(["Pending", "Running", "Succeeded", "Failed"]))
    node = "n1" if phase in ("Running", "Succeeded", "Failed") else draw(st.sampled_from(["", "n1"]))
    return PodState(
        uid=draw(st.uuids()).hex,
        name="p",
        phase=phase,
        created=draw(moments),
        node=node,
        ready=phase == "Running" and draw(st.booleans()),
        deleting=draw(st.booleans()),
        gpu_milli=1000,
        scheduled=draw(moments) if node else None,
        became_ready=draw(st.none() | moments),
        reason=draw(st.sampled_from(["", "Fragmented", "ImagePullBackOff"])),
        message=draw(st.sampled_from(["", "It needs 8 GPUs."])),
    )


@given(st.lists(pods(), max_size=6), st.integers(1, 6))
def test_running_means_that_every_active_pod_is_ready(states: list[PodState], wanted: int) -> None:
    status = status_of_pods(states, wanted)
    active = [pod for pod in states if not pod.is_finished and not pod.deleting]

    if status.phase is Phase.RUNNING:
        assert len(active) >= wanted
        assert all(pod.ready and pod.node for pod in active)
    if status.phase is Phase.INITIALIZING:
        assert all(pod.node for pod in active)
    if active and all(not pod.node for pod in active):
        assert status.phase is Phase.PENDING
        assert status.message


@given(
    st.sampled_from(list(Phase)),
    moments,
    st.sampled_from(list(Phase)),
    st.none() | moments,
    moments,
    st.lists(pods(), max_size=3),
)
def test_the_way_to_a_phase_never_goes_backwards(
    previous: Phase, since: datetime, phase: Phase, at: datetime | None, now: datetime, states: list[PodState]
) -> None:
    steps = path_to(previous, since, Status(phase, since=at, marks=marks_of(states)), now)
    times = [since, *(moment for _, _, moment in steps)]

    assert times == sorted(times)
    assert times[-1] <= max(now, since)
    if previous == phase:
        assert steps == []
    else:
        assert steps[-1][0] == phase
        ranks = [RANK[step] for step, _, _ in steps[:-1]]
        assert ranks == sorted(set(ranks))


def test_several_pods_of_which_some_wait_are_degraded_and_say_how_many_run() -> None:
    running = PodState(uid="a", name="a", phase="Running", node="n", ready=True)
    waiting = PodState(uid="b", name="b", phase="Pending", message="It needs 1 GPU.")
    status = status_of_pods([running, waiting], 2)

    assert (status.phase, status.message) == (Phase.DEGRADED, "1 of 2 pods run. It needs 1 GPU.")


def test_an_image_that_cannot_be_pulled_is_named() -> None:
    pod = PodState(
        uid="a",
        name="a",
        phase="Pending",
        node="n",
        reason="ImagePullBackOff",
        message="not found",
        image="x/y:1",
    )
    status = status_of_pods([pod], 1)

    assert (status.phase, status.reason) == (Phase.INITIALIZING, "ImagePullBackOff")
    assert status.message == "The image x/y:1 cannot be pulled. not found"
