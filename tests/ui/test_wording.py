"""Numbers and times in words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui import wording
from ui.statuses import FAMILIES, LOOKS, look_of


@pytest.mark.parametrize(
    ("value", "words"),
    [(24, "24"), (3.5, "3.5"), (0.25, "0.25"), (102.50, "102.5"), (12000, "12\u2009000"), (0, "0"), (None, "–"), (-0.001, "0")],
)  # fmt: skip
def test_decimals_stand_only_where_they_are_not_zero(value: float | None, words: str):
    assert wording.number(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "3 s"), (60, "1 min"), (18 * 60, "18 min"), (5 * 3600, "5 h"), (5 * 3600 + 600, "5 h 10 min"),
     (11 * 3600 + 600, "11 h"), (52 * 3600, "2 d 4 h"), (12 * 86400 + 7200, "12 d"), (None, "–")],
)  # fmt: skip
def test_durations_have_at_most_two_units(seconds: float | None, words: str):
    assert wording.duration(seconds).replace("\u00a0", " ") == words


@given(st.integers(0, 10**9))
def test_no_duration_is_longer_than_two_numbers(seconds: int):
    assert sum(part.isdigit() for part in wording.duration(seconds).replace("\u00a0", " ").split()) <= 2


def test_clock_times_name_the_day_when_it_is_not_today():
    now = datetime(2026, 11, 22, 14, 32, tzinfo=UTC)
    assert wording.clock_time(now - timedelta(minutes=18), now) == "14:14"
    assert wording.clock_time(now - timedelta(days=1), now) == "21 Nov 14:32"
    assert wording.clock_time(now - timedelta(days=400), now) == "18 Oct 2025"


@pytest.mark.parametrize(("size", "words"), [(2**29, "512 MiB"), (80 * 2**30, "80 GiB"), (None, "–")])
def test_memory_is_in_gibibytes(size: int | None, words: str):
    assert wording.gibibytes(size).replace("\u00a0", " ") == words


@pytest.mark.parametrize(("name", "letters"), [("Ada Lindqvist", "AL"), ("ada@example.org", "AD"), ("", "?")])
def test_initials(name: str, letters: str):
    assert wording.initials(name) == letters


def test_every_state_has_a_family_and_an_icon():
    assert all(look.family in FAMILIES and look.icon for look in LOOKS.values())
    assert look_of("NotReady") == look_of("not ready") == look_of("Not ready")
    assert look_of("Never heard of") == look_of("Unknown")


def test_green_means_that_gpus_are_held():
    assert look_of("Completed").family == "off"
    assert look_of("Running").family == "run"
