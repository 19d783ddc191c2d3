"""Cron schedules name the moments one expects."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.simulator.cron import WrongSchedule, parse_schedule

moments = st.integers(0, 4 * 366 * 86400).map(
    lambda s: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)


def part(low: int, high: int) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    """A field and the values it stands for."""
    number = st.integers(low, high)
    spans = st.tuples(number, number, st.integers(1, 7)).map(lambda t: (min(t[:2]), max(t[:2]), t[2]))
    return st.one_of(
        st.just(("*", frozenset(range(low, high + 1)))),
        number.map(lambda n: (str(n), frozenset([n]))),
        st.integers(1, high).map(lambda n: (f"*/{n}", frozenset(range(low, high + 1, n)))),
        spans.map(lambda t: (f"{t[0]}-{t[1]}/{t[2]}", frozenset(range(t[0], t[1] + 1, t[2])))),
        st.lists(number, min_size=1, max_size=3).map(lambda ns: (",".join(map(str, ns)), frozenset(ns))),
    )


@given(part(0, 59), part(0, 23), moments)
def test_the_next_moment_is_the_first_that_fits(minute, hour, moment):
    schedule = parse_schedule(f"{minute[0]} {hour[0]} * * *")

    found = schedule.next_after(moment)

    looked_at = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while looked_at.minute not in minute[1] or looked_at.hour not in hour[1]:
        looked_at += timedelta(minutes=1)
    assert found == looked_at


@given(part(1, 31), part(1, 12), part(0, 6), moments)
def test_days_fit_either_way_unless_one_of_them_is_a_star(day, month, weekday, moment):
    schedule = parse_schedule(f"0 12 {day[0]} {month[0]} {weekday[0]}")

    found = schedule.next_after(moment)

    if found is None:
        return
    fits = (found.day in day[1], (found.weekday() + 1) % 7 in weekday[1])
    starred = day[0].startswith("*") or weekday[0].startswith("*")
    assert all(fits) if starred else any(fits)
    assert found.month in month[1]
    assert (found.hour, found.minute, found.second) == (12, 0, 0)
    assert found > moment


def test_between_gives_every_moment_once():
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    found = list(parse_schedule("*/15 * * * *").between(begin, begin + timedelta(hours=1)))
    assert [moment.minute for moment in found] == [15, 30, 45, 0]


def test_names_and_short_forms_are_read():
    saturday = datetime(2026, 1, 3, tzinfo=UTC)
    assert parse_schedule("0 0 * feb MON").next_after(saturday) == datetime(2026, 2, 2, tzinfo=UTC)
    assert parse_schedule("@hourly").next_after(saturday) == saturday + timedelta(hours=1)
    assert parse_schedule("0 0 30 2 *").next_after(saturday) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h30m", 5400), ("1.5s", 1), (".5h", 1800), ("100ms", 1), ("0", 1), ("-2m", 1)]
)
def test_an_interval_begins_with_the_moment_before(text, seconds):
    moment = datetime(2026, 1, 3, 12, 0, 7, 400_000, tzinfo=UTC)
    expected = moment.replace(microsecond=0) + timedelta(seconds=seconds)
    assert parse_schedule(f"@every {text}").next_after(moment) == expected


def test_a_time_zone_moves_the_moments_and_summer_time_skips_one():
    oslo = parse_schedule("30 2 * * *", "Europe/Oslo")
    assert oslo.next_after(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2026, 1, 1, 1, 30, tzinfo=UTC)
    before_change = datetime(2026, 3, 28, 12, tzinfo=UTC)  # on the 29th there is no 02:30 in Oslo
    assert oslo.next_after(before_change) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("* * * *", "expected exactly 5 fields, found 4"),
        ("60 * * * *", r"end of range \(60\) above maximum \(59\): 60"),
        ("* * 0 * *", r"beginning of range \(0\) below minimum \(1\): 0"),
        ("*/0 * * * *", "step of range should be a positive number"),
        ("CRON_TZ=UTC * * * * *", "use timeZone field instead"),
        ("x * * * *", "minute: failed to parse number: x"),
        ("@Hourly", "unrecognized descriptor: @Hourly"),
        ("@every ", 'failed to parse duration @every : time: invalid duration ""'),
        ("@every 1h5", 'failed to parse duration @every 1h5: time: missing unit in duration "1h5"'),
        ("@every 1d", 'time: unknown unit "d" in duration "1d"'),
        ("@every h", 'time: invalid duration "h"'),
        ("5-1 * * * *", r"beginning of range \(5\) beyond end of range \(1\): 5-1"),
    ],
)
def test_what_cannot_be_read_says_what_is_wrong(text, told):
    with pytest.raises(WrongSchedule, match=told):
        parse_schedule(text)


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(WrongSchedule, match="Nowhere"):
        parse_schedule("* * * * *", "Nowhere/Town")
