"""Ranges, gaps, means and roll-ups: numbers that must stay right whatever the clock does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.charts import PERCENT, figure, rows
from monitoring.free_now import SIZES, NodeRoom, Wish, asked_row, fits_rows, summary
from monitoring.lines import Line, largest_first, with_gaps
from monitoring.measurements import thinned
from monitoring.models import FiveMinuteSample, HourSample, MinuteSample, Series
from monitoring.pages import Counter, cores_between, read_devices, read_resources
from monitoring.rollups import FIVE_MINUTES, HOURS, MINUTES, forget_old, level_for, roll_up
from tests.conftest import Acme
from tests.monitoring.cluster_pages import gpu_page

HOUR = 3600
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


# --- pages ------------------------------------------------------------------------------------------------------------------


def test_values_a_device_cannot_have_are_unknown_not_clamped() -> None:
    page = gpu_page("n", [{"util": 1e18, "used": -1, "free": "NaN", "temp": 900, "power": 1e9}])

    assert all(
        getattr(device, name) is None
        for device in read_devices(page)
        for name in ("utilisation", "memory_used_bytes", "memory_total_bytes", "temperature", "power_watts")
    )


def test_pods_are_summed_over_containers_where_the_kubelet_gives_no_sum() -> None:
    page = "\n".join(
        f'container_memory_working_set_bytes{{namespace="a",pod="p",container="{name}"}} 100' for name in "xy"
    )
    assert read_resources(page + "\n").pod_memory_bytes == {("a", "p"): 200}


@pytest.mark.parametrize(
    ("before", "after", "cores"),
    [
        (None, Counter(10, None), None),
        (Counter(20, None), Counter(10, None), None),
        (Counter(10, None), Counter(130, None), 2),
        (Counter(10, 100.0), Counter(40, 110.0), 3),
        (Counter(10, 100.0), Counter(40, 100.0), None),
    ],
)
def test_cpu_use_is_unknown_after_a_restart_of_the_counter(
    before: Counter | None, after: Counter, cores: float | None
) -> None:
    assert cores_between(before, after, elapsed=60) == cores


# --- lines ------------------------------------------------------------------------------------------------------------------


@given(st.sets(st.integers(0, 200), min_size=3), st.sampled_from([60, 300]))
def test_gaps_are_only_added_never_values(minutes: set[int], step: int) -> None:
    points = [(minute * 60, float(minute)) for minute in sorted(minutes)]

    filled = with_gaps(points, step)

    assert [point for point in filled if point[1] is not None] == points
    assert [time for time, _ in filled] == sorted({time for time, _ in filled})


def test_readings_that_lie_apart_evenly_have_no_gaps() -> None:
    """At ×600 a product minute passes in a tenth of a second, and readings come every ten product minutes."""
    points = [(time * 600, 1.0) for time in range(20)]
    assert with_gaps(points, 60) == points


def test_the_rest_is_added_up_into_other() -> None:
    lines = [
        Line(str(size), f"cat-{size}", [(0, float(size)), (60, float(size))], "step") for size in range(1, 9)
    ]

    kept = largest_first(lines, 6)

    assert [line.name for line in kept] == ["8", "7", "6", "5", "4", "3", "other"]
    assert kept[-1].points == [(0, 3.0), (60, 3.0)]


@given(
    st.lists(st.tuples(st.integers(0, 5999), st.one_of(st.none(), st.floats(0, 100))), max_size=60),
    st.integers(0, 50),
)
def test_samples_of_the_api_lie_in_the_range_and_between_the_extremes(
    points: list[tuple[int, float | None]], count: int
) -> None:
    found = thinned(points, begin=0, end=6000, count=count)

    known = [value for _, value in points if value is not None]
    assert len(found) <= count
    assert all(0 <= time < 6000 for time, _ in found)
    assert all(min(known) - 1e-9 <= value <= max(known) + 1e-9 for _, value in found)


# --- charts -----------------------------------------------------------------------------------------------------------------


def test_a_figure_has_its_gaps_its_range_and_its_roles() -> None:
    line = Line("GPU 0", "cat-1", [(0, 10.0), (60, None), (120, 30.0)])

    drawn = figure([line], PERCENT, what="GPU utilisation", begin=0, end=3600)

    (trace,) = drawn["data"]
    assert list(trace["y"]) == [10.0, None, 30.0]
    assert trace["connectgaps"] is False
    assert trace["meta"] == {"role": "cat-1", "legend": "average 20"}
    assert drawn["layout"]["yaxis"]["range"] == [0, 100]
    assert drawn["layout"]["xaxis"]["range"] == ["1970-01-01T00:00:00", "1970-01-01T01:00:00"]
    assert "template" not in drawn["layout"]


def test_without_values_there_is_no_line_but_a_sentence() -> None:
    drawn = figure(
        [Line("x", "util", [(0, None)])], PERCENT, what="Use", begin=0, end=60, empty="No exporter."
    )
    assert (drawn["data"], drawn["empty"], drawn["label"]) == (
        [],
        "No exporter.",
        "Use: no samples in this time range.",
    )


def test_the_table_of_a_chart_leaves_unknown_empty() -> None:
    headings, body = rows([Line("a", "", [(0, 1.0)]), Line("b", "", [(60, None)])])
    assert headings == ["time", "a", "b"]
    assert body == [["1970-01-01T00:00:00Z", 1.0, None], ["1970-01-01T00:01:00Z", None, None]]


# --- free now ---------------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.builds(NodeRoom, st.sampled_from("ab"), st.integers(0, 8), st.integers(0, 8)), max_size=20)
)
def test_what_fits_is_never_more_than_what_is_free(rooms: list[NodeRoom]) -> None:
    for row in fits_rows(rooms, ["a", "b", "c"]):
        assert all(count * size <= row["free"] for count, size in zip(row["fits"], SIZES, strict=True))
        assert row["fits"][0] == row["free"]


def test_a_size_that_fits_nowhere_is_short_and_the_sentence_says_why() -> None:
    fits = fits_rows([NodeRoom("a", 8, 5), NodeRoom("a", 8, 6)], ["a"])

    asked = asked_row([Wish(8, 1), Wish(1, 2), Wish(0, 5)], fits, waiting=2)

    assert asked is not None
    assert asked["gpus"] == 10
    assert [(one["count"], one["short"]) for one in asked["counts"]] == [
        (2, False),
        (0, False),
        (0, False),
        (1, True),
    ]
    assert summary(fits) == "5 GPUs are free, but no node has 4 of them together."


# --- roll-ups ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def series(acme: Acme) -> Series:
    return Series.objects.create(key="k", cluster=acme.cluster, metric="ALLOCATED_GPU")


def write(series: Series, values: dict[int, float]) -> None:
    MinuteSample.objects.bulk_create(
        MinuteSample(series=series, time=time, value=value, low=value, high=value)
        for time, value in values.items()
    )


@pytest.mark.django_db
def test_roll_ups_keep_mean_extremes_and_count_and_doing_it_again_changes_nothing(series: Series) -> None:
    write(series, {minute * 60: float(minute) for minute in range(120) if minute != 7})

    for _ in range(2):
        roll_up(since=0, until=2 * HOUR)

    second = FiveMinuteSample.objects.get(time=300)
    assert (second.value, second.low, second.high, second.weight) == (7.0, 5.0, 9.0, 4), "of 5, 6, 8 and 9"
    assert FiveMinuteSample.objects.count() == 24
    first, last = HourSample.objects.order_by("time")
    known = [minute for minute in range(60) if minute != 7]
    assert first.value == pytest.approx(sum(known) / len(known))
    assert (last.value, last.low, last.high, last.weight) == (89.5, 60.0, 119.0, 60)


@pytest.mark.django_db
def test_a_step_that_has_not_ended_is_right_so_far_and_put_right_later(series: Series) -> None:
    write(series, {0: 2.0})
    roll_up(since=0, until=60)
    assert HourSample.objects.get().value == 2
    write(series, {60: 4.0})
    roll_up(since=60, until=120)
    assert HourSample.objects.get().value == 3


@pytest.mark.django_db
def test_each_level_is_kept_its_time(series: Series) -> None:
    moment = int(NOW.timestamp())
    for age in (HOUR, 47 * HOUR, 49 * HOUR):
        write(series, {(moment - age) // 60 * 60: 1.0})
    roll_up(since=moment - 50 * HOUR, until=moment)

    forget_old(NOW)

    assert MinuteSample.objects.count() == 2
    assert FiveMinuteSample.objects.count() == 3
    forget_old(NOW + timedelta(days=15))
    assert (FiveMinuteSample.objects.count(), HourSample.objects.count()) == (0, 3)


@pytest.mark.parametrize(
    ("hours", "age", "level"), [(1, 1, MINUTES), (24, 24, FIVE_MINUTES), (1, 72, FIVE_MINUTES), (168, 168, HOURS), (1, 24 * 20, HOURS)]
)  # fmt: skip
def test_the_finest_level_that_still_has_the_range_is_read(hours: int, age: int, level: Any) -> None:
    assert level_for(hours * HOUR, age * HOUR) is level
