"""A cluster captured to a file decides the same when it is replayed, and the file holds no secrets."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.engine import run_cycle
from scheduling.management.commands import capture_snapshot
from scheduling.snapshots import CapturedCluster, UnreadableSnapshot, from_json, to_json
from tests.conftest import Acme
from tests.engine.laws.worlds import NOW, SIZES, random_world
from tests.engine.world import NOON, read_scenario
from tests.scheduling.documents import make_node, make_pod
from tests.scheduling.fake_cluster import FakeCluster

LENT = """
    node a: 4 gpus
    queue vision: quota 2
    queue speech: quota 2
    running train-1 in vision: 2 gpus on a, since 09:00
    running train-2 in vision: 2 gpus on a, since 10:00
    pending talk-1 in speech: 2 x 1 gpu
    pending wide in speech: 64 gpus
"""


@pytest.fixture
def lent(tmp_path: Path) -> Path:
    file = tmp_path / "lent.json"
    file.write_text(
        to_json(CapturedCluster.of(read_scenario(LENT).snapshot(), CapturedCluster(0).config, NOON))
    )
    return file


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(["tiny", "small"]))
def test_a_captured_world_is_read_back_as_it_was(seed: int, size: str) -> None:
    world = random_world(seed, SIZES[size])
    captured = CapturedCluster.of(world.snapshot(), world.config, NOW)

    again = from_json(to_json(captured))

    assert again == captured
    assert run_cycle(again.snapshot(), again.config, again.now) == run_cycle(
        world.snapshot(), world.config, NOW
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 1"),
        ({"nodes": [{"name": "a", "gups": 4}]}, r"nodes\[0\]\.gups: no such field"),
        ({"nodes": [{"gpus": 4}]}, r"nodes\[0\]: .*name"),
        ({"nodes": [{"name": "a", "gpus": "four"}]}, r"nodes\[0\]\.gpus: 'four' is no int"),
        ({"nodes": "a"}, "nodes: a list is expected"),
        (
            {"gangs": [{"uid": "g", "queue": "q", "tasks": [{"uid": "t", "state": "LOST"}]}]},
            r"state: 'LOST' is no TaskState",
        ),
        ({"now": float("nan")}, "NaN is not a number"),
        ({"nodes": [{"name": "a", "gpus": -4}]}, r"nodes\[0\]\.gpus: -4 is not from 0"),
        ({"nodes": [{"name": "a", "memory_bytes": 10**30}]}, r"nodes\[0\]\.memory_bytes: 10+ is not from 0"),
        ({"nodes": [{"name": "a", "extended": {"nic": -1}}]}, r"nodes\[0\]\.extended: -1 is not from 0"),
        (
            {"queues": [{"name": "q", "deserved": {"gpu_milli": -1}}]},
            r"queues\[0\]\.deserved\.gpu_milli: -1 is not from 0",
        ),
    ],
)
def test_a_file_that_says_something_else_is_refused_by_field(change: dict[str, Any], message: str) -> None:
    document = {"format": 1, "now": 0.0} | change

    with pytest.raises(UnreadableSnapshot, match=message):
        from_json(json.dumps(document))


def test_a_replay_tells_who_is_stopped_for_whom_and_why_others_wait(lent: Path) -> None:
    out = StringIO()
    call_command("replay_snapshot", str(lent), stdout=out)
    text = out.getvalue()

    assert "train-2-0 on a: reclaim for talk-1" in text
    assert "talk-1-0 on a, once it is free" in text
    assert "wide: " in text[text.index("Waits") :]
    assert "vision: 2 of the GPUs, holds 4" in text


def test_a_replay_as_json_holds_the_same_decisions(lent: Path) -> None:
    out = StringIO()
    call_command("replay_snapshot", str(lent), "--json", stdout=out)
    told = json.loads(out.getvalue())

    assert [one["task"] for one in told["evictions"]] == ["train-2-0"]
    assert told["evictions"][0]["beneficiary"] == "talk-1"
    assert {one["task"] for one in told["nominations"]} == {"talk-1-0", "talk-1-1"}
    assert told["refusals"]["wide"]["reason"]


def test_a_missing_file_is_an_error_and_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("replay_snapshot", str(tmp_path / "none.json"))


def test_a_capture_replays_and_holds_no_environment(
    acme: Acme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = make_pod("train-0", gpus=2, labels={"runai/queue": "vision"})
    pod["spec"]["containers"][0]["env"] = [{"name": "TOKEN", "value": "hunter2"}]
    pod["spec"]["containers"][0]["args"] = ["--password=hunter2"]
    pod["metadata"]["annotations"]["note"] = "hunter2"
    cluster = FakeCluster(nodes=[make_node("n1", gpus=8)], pods=[pod])
    monkeypatch.setattr(capture_snapshot, "client_of", lambda _: cluster)
    file, out = tmp_path / "captured.json", StringIO()

    call_command("capture_snapshot", str(file), stdout=out)

    assert "1 nodes and 1 gangs" in out.getvalue()
    assert "hunter2" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    call_command("replay_snapshot", str(file), "--json", stdout=(told := StringIO()))
    assert [one["node"] for one in json.loads(told.getvalue())["binds"]] == ["n1"]


def test_a_capture_names_the_pools_there_are(
    acme: Acme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_snapshot, "client_of", lambda _: FakeCluster())

    with pytest.raises(CommandError, match=r"no node pool 'gold'; there are: .*h100"):
        call_command("capture_snapshot", str(tmp_path / "x.json"), "--pool", "gold")
