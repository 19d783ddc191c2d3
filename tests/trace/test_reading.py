"""Which tasks of a trace are replayed, when, and on which nodes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_portal.trace.figures import Figures, Resolution, agree, percentile, table
from runai_portal.trace.reading import (
    DAY,
    TraceNode,
    TraceTask,
    TraceUnusable,
    arrivals,
    choose_nodes,
    read_nodes,
    read_tasks,
    select_tasks,
)

TRACE = Path(__file__).resolve().parents[3] / "shared" / "bench" / "production_trace"
BIG = TraceNode("big", "G2", 8, 96_000, 393_216)


def task(name: str = "t", **changes) -> TraceTask:
    values = {
        "cpu_milli": 1000,
        "memory_mib": 1024,
        "gpus": 1,
        "gpu_milli": 1000,
        "qos": "LS",
        "created_at": 0,
        "scheduled_at": 10,
        "deleted_at": 70,
    }
    return TraceTask(name, **{**values, **changes})


def test_the_published_trace_can_be_read():
    assert len(read_nodes(TRACE)) == 1213
    tasks = read_tasks(TRACE)
    assert len(tasks) == 8152
    assert sum(one.scheduled_at is None for one in tasks) == 897


def test_every_task_of_the_window_is_replayed_or_counted_as_left_out():
    nodes = choose_nodes(read_nodes(TRACE), 8)
    tasks = read_tasks(TRACE)
    chosen = select_tasks(tasks, first_day=120, days=10, nodes=nodes)
    in_window = [one for one in tasks if 120 * DAY <= one.created_at < 130 * DAY]
    assert len(chosen.tasks) + sum(chosen.left_out.values()) == len(in_window)
    assert all(one.asks_for_whole_gpus for one in chosen.tasks)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        pytest.param(task(), "", id="a whole GPU"),
        pytest.param(task(gpus=0, gpu_milli=0), "", id="no GPU"),
        pytest.param(task(gpu_milli=460), "asks for a part of a GPU", id="a share"),
        pytest.param(task(scheduled_at=None), "never scheduled in the original", id="never ran"),
        pytest.param(task(cpu_milli=200_000), "fits on none of the chosen nodes", id="too large"),
    ],
)
def test_why_a_task_is_left_out(one: TraceTask, reason: str):
    chosen = select_tasks([one], first_day=0, days=1, nodes=[BIG])
    assert chosen.left_out == ({reason: 1} if reason else {})


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=50), st.floats(0.1, 1000))
def test_gaps_are_divided_and_order_is_kept(moments: list[int], compress: float):
    tasks = [task(created_at=moment) for moment in sorted(moments)]
    due = arrivals(tasks, compress)
    assert due == sorted(due)
    assert due[-1] * compress == pytest.approx(max(moments) - min(moments), rel=1e-9, abs=1e-6)


def test_the_chosen_nodes_keep_the_mix_and_the_largest():
    nodes = read_nodes(TRACE)
    chosen = choose_nodes(nodes, 8)
    assert len({node.name for node in chosen}) == 8
    assert max(node.gpus for node in chosen) == 8
    assert choose_nodes(nodes, 8) == chosen


@pytest.mark.parametrize("count", [0, 2000])
def test_an_impossible_number_of_nodes_names_the_limit(count: int):
    with pytest.raises(TraceUnusable, match="1213"):
        choose_nodes(read_nodes(TRACE), count)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(TraceUnusable, match=r"nodes\.csv"):
        read_nodes(tmp_path)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_half_of_the_values_are_at_most_the_median(values: list[float]):
    middle = percentile(values, 0.5)
    assert sum(value <= middle for value in values) * 2 >= len(values)
    assert middle in values


def test_sources_that_disagree_are_told_apart():
    one = Figures("database", 10, 10, 9, (5.0, 7.0), 3.0)
    other = Figures("cluster", 10, 10, 10, (5.0, 7.5), 3.01)
    assert agree(one, one, gpu_hours_within=0, wait_seconds_within=0) == []
    assert agree(one, other, gpu_hours_within=0.02, wait_seconds_within=1) == [
        "completed: database says 9, cluster says 10"
    ]


def test_what_a_source_cannot_know_is_unknown_not_zero():
    text = table([Figures("metrics", None, None, None, None, 3.0)])
    assert text.count("unknown") == 5
    assert " 0" not in text


def test_sources_may_differ_by_what_the_speed_explains_and_no_more():
    slow, fast = Resolution(1), Resolution(600)
    assert (slow.wait_seconds, fast.wait_seconds) == (60, 1200)
    assert slow.metrics_share(7200) == 0.05
    assert fast.metrics_share(6000) == pytest.approx(0.1)
