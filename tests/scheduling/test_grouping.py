"""Whose turn it is: what a pod says about when its work was submitted."""

import pytest

from cluster.labels import CREATED, GANG
from scheduling.grouping import membership_of
from scheduling.requests import UnreadablePod
from tests.scheduling.documents import make_pod

NOON, EARLIER = "2030-01-01T12:00:00Z", "2030-01-01T09:30:00Z"


def test_a_pod_that_is_made_anew_keeps_the_place_of_its_workload():
    first = membership_of(make_pod("train-a", created=EARLIER, annotations={CREATED: EARLIER}))
    anew = membership_of(make_pod("train-b", created=NOON, annotations={CREATED: EARLIER}))
    assert anew.created_at == first.created_at


def test_a_pod_that_says_nothing_stands_where_it_was_made():
    assert (
        membership_of(make_pod("a", created=EARLIER)).created_at
        < membership_of(make_pod("b", created=NOON)).created_at
    )


def test_the_gangs_own_moment_counts_before_the_workloads():
    told = {CREATED: NOON, GANG: f'{{"name": "g", "minimum": 2, "created": "{EARLIER}"}}'}
    assert (
        membership_of(make_pod("a", annotations=told)).created_at
        == membership_of(make_pod("b", created=EARLIER)).created_at
    )


@pytest.mark.parametrize("text", ["yesterday", "2030-01-01T12:00:00", "NaN"])
def test_a_moment_that_is_none_is_refused_by_name(text: str):
    with pytest.raises(UnreadablePod, match="created"):
        membership_of(make_pod("a", annotations={CREATED: text}))
