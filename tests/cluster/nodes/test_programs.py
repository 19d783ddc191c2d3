"""A command that is understood sets exit code, length and log of its container; another sets nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from cluster.simulator.gpus import Devices
from cluster.simulator.kubelet.admission import read_pod
from cluster.simulator.kubelet.lives import NodeAgent, PodLife
from cluster.simulator.kubelet.logs import LogRequest, log_text, run_of
from cluster.simulator.kubelet.prospects import foresee
from cluster.simulator.kubelet.references import Contents
from cluster.simulator.shapes import SHAPES
from cluster.simulator.stages import PodState, advance, is_over, resupplied

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SHAPE = SHAPES["h100"]
AGENT = NodeAgent({"metadata": {"name": "h1"}}, SHAPE, Devices("h1", SHAPE), "127.64.0.1")


def foreseen(
    container: dict, *, policy: str = "Never", findings=None, job: bool = False, **told: str
) -> PodLife:
    notes = {f"simulator/{name.replace('_', '-')}": value for name, value in told.items()}
    owner = [{"kind": "Job", "name": "j", "uid": "x", "controller": True}] if job else []
    pod = {
        "metadata": {
            "name": "p",
            "namespace": "n",
            "uid": "u",
            "annotations": notes,
            "ownerReferences": owner,
        },
        "spec": {
            "nodeName": "h1",
            "restartPolicy": policy,
            "containers": [{"name": "main", "image": "busybox", **container}],
        },
    }
    record = read_pod(AGENT, pod)
    record.findings = findings or {}
    foresee(AGENT, record, NOON)
    return record


def state_after(record: PodLife, seconds: float) -> PodState:
    begun = PodState("starting", since=NOON - timedelta(seconds=record.life.start), began_at=NOON)
    return advance(begun, record.life, NOON + timedelta(seconds=seconds))[0]


@pytest.mark.parametrize(
    ("command", "seconds", "code", "log"),
    [
        (["true"], 0, 0, ""),
        (["false"], 0, 1, ""),
        (["/bin/false"], 0, 1, ""),
        (["sh", "-c", "exit 3"], 0, 3, ""),
        (["sleep", "5"], 5, 0, ""),
        (["sh", "-c", "echo hello; sleep 2"], 2, 0, "hello\n"),
        (["bash", "-c", "echo 'a; b' && sleep 1m && false || exit 42"], 60, 42, "a; b\n"),
        (["/bin/sh", "-c", "date; printf '%s-%d\\n' x 7"], 0, 0, "Tue Jan  1 12:00:00 UTC 2030\nx-7\n"),
        (["sh", "-c", "sh -c 'sleep 3; exit 5'; echo after"], 3, 0, "after\n"),
        (["echo", "$(WHO)", "$$(WHO)"], 0, 0, "me $(WHO)\n"),
        (["sh", "-c", 'echo "$WHO"; echo wrong >&2; exit 1'], 0, 1, "me\nwrong\n"),
    ],
)
def test_a_program_ends_as_it_says(command, seconds, code, log):
    record = foreseen({"command": command, "env": [{"name": "WHO", "value": "me"}]})

    if seconds:
        assert not is_over(state_after(record, seconds - 0.1))
    record.state = state_after(record, seconds)
    assert (is_over(record.state), record.state.ended.exit_code) == (True, code)
    assert record.state.ended.reason == ("Completed" if code == 0 else "Error")
    told = log_text(run_of(record, "main", previous=False), LogRequest(), NOON + timedelta(hours=1))
    assert told == log


@pytest.mark.parametrize("image", ["busybox", "alpine:3.20", "docker.io/library/python:3.14-slim"])
def test_arguments_alone_are_the_command_of_an_image_that_has_none(image):
    assert foreseen({"image": image, "args": ["sh", "-c", "exit 3"]}).life.exit_code == 3


def test_a_sleep_without_end_runs_on_in_a_job_too():
    record = foreseen({"command": ["sleep", "infinity"]}, job=True)

    assert state_after(record, 1e8).stage == "running"


@pytest.mark.parametrize(
    "container",
    [
        {},
        {"image": "example/busybox", "args": ["false"]},  # the image's own command takes them
        {"image": "busybox"},
        {"command": ["python", "train.py"]},
        {"command": ["sh", "-c", "python train.py; exit 3"]},
        {"command": ["sh", "-c", "while true; do date; sleep 1; done"]},
        {"command": ["sh", "-c", "echo $(hostname)"]},
        {"command": ["cat"]},
        {"command": ["nvidia-smi"]},
        {"command": ["sh", "script.sh"]},
        {"command": ["sh", "-c", "true;" * 5_000]},
    ],
)
def test_what_is_not_understood_lives_as_its_kind_tells(container):
    record = foreseen(container, job=True)

    assert record.program is None
    assert (record.life.run, record.life.exit_code) == (600, 0)


@pytest.mark.parametrize("told", [{"run_seconds": "7"}, {"exit_code": "2"}, {"fail": "oom"}])
def test_annotations_of_length_or_result_stand_above_the_program(told):
    plain, with_program = foreseen({}, **told), foreseen({"command": ["sh", "-c", "sleep 1; exit 9"]}, **told)

    assert with_program.life == plain.life
    assert with_program.program is None


def test_other_annotations_leave_the_program_alone():
    record = foreseen({"command": ["false"]}, pull_seconds="9", log_script="training")

    assert (record.life.pull, record.life.exit_code) == (9, 1)
    record.state = state_after(record, 5)
    told = log_text(run_of(record, "main", previous=False), LogRequest(), NOON + timedelta(hours=1))
    assert told.startswith("starting the training process")


def test_a_failing_program_backs_off_and_its_former_log_is_kept():
    record = foreseen({"command": ["sh", "-c", "echo once; exit 4"]}, policy="OnFailure")

    record.state = state_after(record, 5)

    assert (record.state.stage, record.state.previous.exit_code) == ("backing-off", 4)
    told = log_text(run_of(record, "main", previous=True), LogRequest(), NOON + timedelta(hours=1))
    assert told == "once\n"


def test_a_program_finds_what_config_maps_bring():
    from_map = {"envFrom": [{"configMapRef": {"name": "c"}}], "command": ["sh", "-c", "exit $CODE"]}

    assert foreseen(from_map, findings={("configmap", "c"): Contents({"CODE": "8"})}).life.exit_code == 8


def test_several_containers_are_not_interpreted():
    """They live together here, and each program would end at its own time."""
    record = foreseen({"command": ["false"]})
    record.pod["spec"]["containers"].append({"name": "other", "image": "busybox"})
    foresee(AGENT, record, NOON)

    assert record.program is None


def test_a_container_waits_for_what_it_lacks_and_starts_from_the_moment_it_is_there():
    lacking = foreseen({"envFrom": [{"configMapRef": {"name": "c"}}], "command": ["sleep", "5"]})
    lacking.state = state_after(lacking, 100)
    assert (lacking.state.stage, lacking.state.lacking) == (
        "unconfigured",
        (("main", 'configmap "c" not found'),),
    )

    lacking.findings = {("configmap", "c"): Contents()}
    foresee(AGENT, lacking, NOON)
    later = NOON + timedelta(seconds=200)
    state, _ = advance(resupplied(lacking.state, lacking.life, later), lacking.life, later)

    assert (state.stage, state.started_at, state.lacking) == ("running", later, ())
