"""The product's clock runs as told, in every process alike, and never jumps when its speed changes."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster import clock
from cluster.clock import ClockSettings, ClockSettingsWrong

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh_clock(monkeypatch: pytest.MonkeyPatch):
    for name in ("EPOCH", "START", "SPEED", "FILE"):
        monkeypatch.delenv(f"RUNAI_CLOCK_{name}", raising=False)
    forget()
    yield
    forget()


def forget() -> None:
    clock._cache.settings, clock._cache.source, clock._cache.looked_at = None, (), float("-inf")


def test_without_settings_it_is_the_real_time():
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5
    assert clock.speed() == 1.0
    assert clock.real_seconds(60) == 60


def test_it_runs_as_many_times_faster_as_told(monkeypatch):
    epoch = datetime.now(UTC) - timedelta(seconds=10)
    monkeypatch.setenv("RUNAI_CLOCK_EPOCH", epoch.isoformat())
    monkeypatch.setenv("RUNAI_CLOCK_START", NOON.isoformat())
    monkeypatch.setenv("RUNAI_CLOCK_SPEED", "60")

    passed = (clock.now() - NOON).total_seconds()

    assert 600 <= passed < 900
    assert clock.real_seconds(60) == 1


@given(
    speed=st.floats(0.001, 600, allow_nan=False),
    first=st.floats(0, 1e6),
    second=st.floats(0, 1e6),
)
def test_it_never_runs_backwards(speed, first, second):
    settings = ClockSettings(NOON, NOON, speed)
    earlier, later = sorted((NOON.timestamp() + first, NOON.timestamp() + second))

    assert settings.at(earlier) <= settings.at(later)


def test_a_change_of_speed_goes_on_from_the_present_moment(monkeypatch, tmp_path: Path):
    file = tmp_path / "clock.json"
    monkeypatch.setenv("RUNAI_CLOCK_FILE", str(file))
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    file.write_text(json.dumps({"epoch": past, "start": NOON.isoformat(), "speed": 60}))
    before = clock.now()

    clock.set_speed(1)
    after = clock.now()

    assert clock.speed() == 1
    assert timedelta(0) <= after - before < timedelta(seconds=60 * 60)
    assert before >= NOON + timedelta(hours=60)


def test_a_change_of_the_file_by_another_process_is_noticed(monkeypatch, tmp_path: Path):
    file = tmp_path / "clock.json"
    monkeypatch.setenv("RUNAI_CLOCK_FILE", str(file))
    stamp = datetime.now(UTC).isoformat()
    file.write_text(json.dumps({"epoch": stamp, "start": stamp, "speed": 1}))
    assert clock.speed() == 1

    other = tmp_path / "other"
    other.write_text(json.dumps({"epoch": stamp, "start": stamp, "speed": 30}))
    other.replace(file)
    time.sleep(0.15)

    assert clock.speed() == 30


def test_a_file_that_is_not_there_yet_leaves_the_environment_in_charge(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("RUNAI_CLOCK_FILE", str(tmp_path / "later"))
    monkeypatch.setenv("RUNAI_CLOCK_EPOCH", NOON.isoformat())
    monkeypatch.setenv("RUNAI_CLOCK_SPEED", "2")

    assert clock.speed() == 2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SPEED", "fast", "RUNAI_CLOCK_SPEED: 'fast' is not a number"),
        ("SPEED", "0", "not above 0"),
        ("SPEED", "601", "at most 600"),
        ("SPEED", "nan", "not above 0"),
        ("SPEED", "2", "RUNAI_CLOCK_EPOCH"),
        ("EPOCH", "yesterday", "RUNAI_CLOCK_EPOCH: 'yesterday'"),
        ("START", "2030-01-01T12:00:00", "no time zone"),
    ],
)
def test_wrong_settings_are_named(monkeypatch, name, value, message):
    monkeypatch.setenv(f"RUNAI_CLOCK_{name}", value)

    with pytest.raises(ClockSettingsWrong, match=message):
        clock.now()


def test_a_broken_file_is_named(monkeypatch, tmp_path: Path):
    file = tmp_path / "clock.json"
    file.write_text('{"speed": 1}')
    monkeypatch.setenv("RUNAI_CLOCK_FILE", str(file))

    with pytest.raises(ClockSettingsWrong, match=r"clock\.json"):
        clock.now()


def test_the_speed_cannot_be_changed_without_a_shared_file():
    assert "RUNAI_CLOCK_FILE" not in os.environ

    with pytest.raises(ClockSettingsWrong, match="RUNAI_CLOCK_FILE"):
        clock.set_speed(5)
