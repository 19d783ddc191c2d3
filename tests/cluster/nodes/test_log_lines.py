"""A log is the same whenever and however it is read."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.simulator.kubelet.commands import Said
from cluster.simulator.kubelet.log_lines import SCRIPTS, Run, last_lines, lines_between
from cluster.simulator.kubelet.logs import LogRequest, cut, log_text, read_request

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
runs = st.builds(
    Run,
    script=st.sampled_from(sorted(SCRIPTS)),
    seed=st.sampled_from(["a/0", "b/1"]),
    gpus=st.just(2),
    started=st.just(NOON),
    ended=st.one_of(st.none(), st.integers(0, 900).map(lambda seconds: NOON + timedelta(seconds=seconds))),
    last_words=st.sampled_from(["", "Completed", "Error"]),
    said=st.one_of(
        st.none(),
        st.lists(
            st.builds(Said, st.floats(0, 900), st.sampled_from(["a\n", "b", "", "c\nd\n", "e\n\nf"])),
            max_size=6,
        ).map(lambda said: tuple(sorted(said, key=lambda one: one.after))),
    ),
)
seconds = st.floats(0, 1000)


@given(run=runs, first=seconds, second=seconds)
def test_reading_in_two_parts_gives_what_reading_at_once_gives(run, first, second):
    earlier, later = sorted(NOON + timedelta(seconds=one) for one in (first, second))

    parts = [*lines_between(run, None, earlier), *lines_between(run, earlier, later)]

    assert parts == list(lines_between(run, None, later))


@given(run=runs, now=seconds, count=st.integers(0, 40))
def test_the_tail_is_the_end_of_the_whole(run, now, count):
    moment = NOON + timedelta(seconds=now)
    whole = list(lines_between(run, None, moment))

    assert (
        last_lines(run, count, moment)
        == whole[len(whole) - count if count < len(whole) else 0 :][: count or 0]
    )


@given(run=runs, now=seconds)
def test_no_line_comes_from_the_future_or_after_the_end(run, now):
    moment = NOON + timedelta(seconds=now)

    for stamp, _ in lines_between(run, None, moment):
        assert run.started <= stamp
        if stamp > run.started + timedelta(seconds=1):
            assert stamp <= moment
            assert run.ended is None or stamp <= run.ended


def test_a_training_tells_its_loss_and_a_failure_its_trace():
    run = Run("training", "u/0", 4, NOON, NOON + timedelta(seconds=30), "Error", (("code", "3"),))

    lines = [text for _, text in lines_between(run, None, NOON + timedelta(hours=1))]

    assert lines[1] == "devices: found 4 GPU(s), driver 580.95.05, CUDA 13.0\n"
    assert "loss" in lines[3]
    assert lines[-1] == "RuntimeError: simulated failure, exiting with code 3\n"


def test_a_programs_line_comes_when_it_is_ended_and_the_last_one_may_stay_open():
    said = (Said(1, "one"), Said(5, " line\nno end"))
    run = Run("quiet", "u/0", 0, NOON, NOON + timedelta(seconds=9), said=said)

    assert log_text(run, LogRequest(), NOON + timedelta(seconds=4)) == ""
    assert log_text(run, LogRequest(), NOON + timedelta(seconds=5)) == "one line\n"
    assert log_text(run, LogRequest(timestamps=True), NOON + timedelta(seconds=9)) == (
        "2030-01-01T12:00:05.000000000Z one line\n2030-01-01T12:00:09.000000000Z no end"
    )
    killed = Run("quiet", "u/0", 0, NOON, NOON + timedelta(seconds=2), said=said)
    assert log_text(killed, LogRequest(), NOON + timedelta(hours=1)) == "one"


def test_options_are_read_and_wrong_ones_named():
    now = NOON + timedelta(minutes=5)

    assert read_request({"follow": "true", "tailLines": "5", "sinceSeconds": "60"}, now) == LogRequest(
        follow=True, tail_lines=5, since=now - timedelta(seconds=60)
    )
    assert read_request({"sinceTime": "2030-01-01T12:00:00Z", "previous": "false"}, now) == LogRequest(
        since=NOON
    )
    for wrong in ({"tailLines": "-1"}, {"limitBytes": "x"}, {"sinceTime": "noon"}):
        with pytest.raises(ValueError):
            read_request(wrong, now)


def test_since_and_limit_shorten_the_log():
    run = Run("batch", "u/0", 0, NOON)
    now = NOON + timedelta(seconds=61)
    whole = log_text(run, LogRequest(), now)

    assert whole.endswith(log_text(run, LogRequest(since=NOON + timedelta(seconds=30)), now))
    assert log_text(run, LogRequest(limit_bytes=7), now) == whole[:7]
    assert cut("zwölf", 3) == "zw"
