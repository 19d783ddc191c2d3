"""Quantities, times, conditions, paths and metrics pages are read as Kubernetes means them."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.documents import (
    condition_of,
    format_micro_time,
    format_time,
    parse_time,
    read_json,
    with_condition,
)
from cluster.errors import Gone, Invalid, error_from_response, error_from_status
from cluster.kinds import ALL_KINDS, JOBS, NODES, PODS, TRAINING_WORKLOADS, kind_named
from cluster.metrics_text import MetricsUnreadable, read_metrics
from cluster.quantities import milli, parse_quantity, whole

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", Decimal("0.5")),
        ("2Gi", Decimal(2**31)),
        ("1.5", Decimal("1.5")),
        ("1e3", Decimal(1000)),
        ("12E", Decimal(12) * 10**18),
        ("100n", Decimal("1e-7")),
        (".5Ki", Decimal(512)),
        (3, Decimal(3)),
        ("-1k", Decimal(-1000)),
    ],
)
def test_quantities_are_exact(text, number):
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "NaN", "inf", "1 Gi", "1gi", "1e9999", "0x10", "1m1", "٣"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(ValueError, match="not a Kubernetes quantity"):
        parse_quantity(text)


def test_parts_are_rounded_up():
    assert milli("0.1m") == 1
    assert whole("1.2") == 2
    assert milli("2") == 2000


@given(st.integers(0, 10**12))
def test_milli_and_whole_agree_on_whole_numbers(number):
    assert milli(str(number)) == 1000 * whole(str(number))


@given(
    st.integers(0, 4_000_000_000_000_000).map(
        lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    )
)
def test_times_come_back_as_written(moment):
    assert parse_time(format_micro_time(moment)) == moment
    assert parse_time(format_time(moment)) == moment.replace(microsecond=0)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        parse_time("2030-01-01T12:00:00")


def test_a_condition_keeps_its_transition_time_while_its_status_stays():
    first = with_condition(None, {"type": "Ready", "status": "True", "lastTransitionTime": "then"})
    same = with_condition(
        first, {"type": "Ready", "status": "True", "reason": "Again", "lastTransitionTime": "now"}
    )
    other = with_condition(same, {"type": "Ready", "status": "False", "lastTransitionTime": "now"})

    assert condition_of({"status": {"conditions": same}}, "Ready")["lastTransitionTime"] == "then"
    assert same[0]["reason"] == "Again"
    assert other[0]["lastTransitionTime"] == "now"


def test_paths_are_those_of_the_api():
    assert PODS.path() == "/api/v1/pods"
    assert PODS.path("n", "a", "log") == "/api/v1/namespaces/n/pods/a/log"
    assert NODES.path(None, "x") == "/api/v1/nodes/x"
    assert (
        TRAINING_WORKLOADS.path("n", "w", "status")
        == "/apis/run.ai/v2alpha1/namespaces/n/trainingworkloads/w/status"
    )
    assert JOBS.path("n", "a/../b") == "/apis/batch/v1/namespaces/n/jobs/a%2F..%2Fb"
    with pytest.raises(ValueError, match="empty"):
        PODS.path("n", "")


def test_every_kind_is_found_by_what_objects_say():
    assert all(kind_named(kind.api_version, kind.kind) == kind for kind in ALL_KINDS)
    assert kind_named("example.org/v1", "Nothing") is None


def test_metrics_pages_are_read_with_their_labels():
    page = '# TYPE a gauge\na{gpu="0",pod="x\\"y"} 1.5\nb_total 3 1700000000000\n'

    samples = list(read_metrics(page))

    assert [(one.name, one.labels, one.value) for one in samples] == [
        ("a", {"gpu": "0", "pod": 'x"y'}, 1.5),
        ("b_total", {}, 3.0),
    ]
    assert samples[1].timestamp == 1_700_000_000
    assert [one.name for one in read_metrics(page, frozenset({"a"}))] == ["a"]


@pytest.mark.parametrize("page", ["a{b=1} 2\n", "a b c d\n", "<html>\n"])
def test_what_is_no_metrics_page_is_refused(page):
    with pytest.raises(MetricsUnreadable):
        list(read_metrics(page))


def test_errors_say_what_the_server_said():
    gone = error_from_status({"code": 410, "reason": "Expired", "message": "too old"})
    page = error_from_response(422, b"not json")

    assert isinstance(gone, Gone)
    assert gone.message == "too old"
    assert isinstance(page, Invalid)
    assert "not json" in page.message


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
)
TREES = st.recursive(
    SCALARS | st.text(), lambda below: st.lists(below) | st.dictionaries(st.text(), below), max_leaves=20
)


@given(TREES)
def test_json_is_read_as_the_standard_library_reads_it(tree: object) -> None:
    """Half of a surrogate pair included, which Python's own writer lets through."""
    for text in (json.dumps(tree), json.dumps({"a": "\ud800", "b": tree})):
        assert read_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize("text", [b"", b"{", b"nonsense", b"\xff\xfe\xff"])
def test_what_is_no_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(text)
