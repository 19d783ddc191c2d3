"""The retry policy by itself: what may be sent again, how long is waited, and how much of it there is."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.retries import RetryBudget, RetryPolicy, effect_is_unknown, may_repeat, seconds_of

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("2", 2.0),
        ("0.5", 0.5),
        ("3600", 3600.0),
        ("inf", math.inf),
        ("-1", None),
        ("nan", None),
        ("soon", None),
        ("Tue, 01 Jan 2030 12:00:30 GMT", 30.0),
        ("Tue, 01 Jan 2030 11:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header, seconds):
    assert seconds_of(header, lambda: NOON) == seconds


@given(st.text(max_size=40))
def test_no_header_makes_it_raise(header):
    found = seconds_of(header, lambda: NOON)
    assert found is None or found >= 0


@given(st.integers(1, 10_000))
def test_waits_grow_to_their_limit_and_never_vanish(failures):
    policy = RetryPolicy(first_wait=0.1, longest_wait=5.0)
    assert 0.05 <= policy.wait(failures) <= 5.0
    assert policy.wait(1) <= 0.1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 410, 413, 422])
def test_a_refusal_is_not_sent_again(code):
    assert not may_repeat(code, None, idempotent=True)
    assert not effect_is_unknown(code, None)


def test_what_must_not_be_done_twice_is_sent_again_only_when_nothing_was_done():
    assert [code for code in (409, 429, 500, 502, 503, 504) if may_repeat(code, 1.0, idempotent=False)] == [
        429,
        503,
    ]
    assert [code for code in (429, 500, 502, 503, 504) if effect_is_unknown(code, 1.0)] == [500, 502, 504]
    assert may_repeat(409, None, idempotent=True, conflicts=True)


def test_a_budget_is_spent_at_once_and_comes_back_slowly():
    clock = [0.0]
    budget = RetryBudget(most=3, per_second=2.0, monotonic=lambda: clock[0])

    assert [budget.take() for _ in range(5)] == [True, True, True, False, False]
    clock[0] = 0.5
    assert [budget.take() for _ in range(2)] == [True, False]
    clock[0] = 1000.0
    assert [budget.take() for _ in range(5)] == [True, True, True, False, False]
