"""How the resources of a pool are shared out among queues."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.engine.plugins.fair_share.division import Claim, ShareNode, divide, divide_tree
from tests.conformance.folder import recorded_folder
from tests.conformance.recorded_pairs import division_differences, read_pairs

GPU = 1000
FOLDER = recorded_folder()


def queue(name: str, deserved: float, weight: float, request: float, **more: Any) -> Claim:
    """Amounts in GPUs, as people write them."""
    limit = more.pop("limit", None)
    return Claim(
        name=name,
        deserved=round(deserved * GPU),
        limit=None if limit is None else round(limit * GPU),
        weight=round(weight * 1000),
        request=round(request * GPU),
        **more,
    )


EXAMPLES = [
    pytest.param(8, [queue("a", 3, 3, 8), queue("b", 1, 1, 8)], [6, 2], id="by weight"),
    pytest.param(8, [queue("a", 3, 1, 8), queue("b", 1, 3, 8)], [4, 4], id="low and high weight"),
    pytest.param(20, [queue("a", 5, 1, 15), queue("b", 5, 1, 5)], [15, 5], id="one wants no more"),
    pytest.param(
        7,
        [queue("a", 0, 1, 7, created=1), queue("b", 0, 1, 7, created=2), queue("c", 0, 1, 7, created=3)],
        [3, 2, 2],
        id="the odd piece goes to the oldest",
    ),
    pytest.param(4, [queue("low", 0, 0, 4), queue("med", 0, 2, 1)], [0, 1], id="weight 0 has no share"),
    pytest.param(10, [queue("a", 2, 1, 10, limit=3), queue("b", 2, 1, 10)], [3, 7], id="a limit"),
    pytest.param(10, [queue("a", 2, 1, 6, rank=200), queue("b", 2, 1, 10)], [6, 4], id="rank first"),
    pytest.param(8, [queue("a", 6, 1, 6), queue("b", 6, 1, 6)], [6, 6], id="quotas above the total"),
    pytest.param(8, [queue("a", 6, 6, 1), queue("b", 2, 2, 8)], [1, 7], id="unused quota is lent"),
    pytest.param(
        10, [queue("a", 0, 1, 10, usage=0.4), queue("b", 0, 1, 10, usage=0.1)], [4, 6], id="usage counts"
    ),
    pytest.param(10, [queue("a", 0, 1, 10, usage=0.6), queue("b", 0, 1, 10)], [3, 7], id="usage tie"),
    pytest.param(1, [queue("a", 0, 1, 0.5), queue("b", 0, 1, 0.7)], [0.5, 0.5], id="half a GPU"),
    pytest.param(
        20,
        [queue("a", 0, 2, 40), queue("b", 0, 3, 40), queue("c", 0, 1, 40)],
        [7, 10, 3],
        id="the documented three projects",
    ),
]


@pytest.mark.parametrize(("total", "claims", "shares"), EXAMPLES)
def test_shares_are_as_documented(total: int, claims: list[Claim], shares: list[float]) -> None:
    divide(total * GPU, claims, unit=GPU)

    assert [claim.share / GPU for claim in claims] == shares


def test_each_share_is_the_total_of_the_children() -> None:
    def node(name: str, gpus: int, *children: ShareNode) -> ShareNode:
        return ShareNode((queue(name, 0, 1, gpus), Claim(name, 0, None, 1, gpus * 500)), list(children))

    vision, speech = node("vision", 8), node("speech", 8)
    research, sales = node("research", 16, vision, speech), node("sales", 4)

    divide_tree((12 * GPU, 4000), [research, sales], units=(GPU, 1))

    assert [one.claims[0].share for one in (research, sales)] == [8 * GPU, 4 * GPU]
    assert [one.claims[0].share for one in (vision, speech)] == [4 * GPU, 4 * GPU]
    assert research.claims[1].share == vision.claims[1].share + speech.claims[1].share == 2000


@pytest.mark.skipif(FOLDER is None, reason="the recorded pairs are not on this machine")
@pytest.mark.parametrize("name", ["set_resource_share", "divide_over_quota"])
def test_every_recorded_division_is_reproduced(name: str) -> None:
    assert FOLDER is not None
    failures = {
        (number, pair["test"]): differences
        for number, pair in enumerate(read_pairs(FOLDER, name))
        if (differences := division_differences(pair, over_quota_only=name == "divide_over_quota"))
    }

    assert failures == {}


amounts = st.integers(0, 20_000)
claims_of_one_pool = st.lists(
    st.builds(
        Claim,
        name=st.uuids().map(str),
        deserved=st.none() | amounts,
        limit=st.none() | amounts,
        weight=st.integers(0, 5),
        request=amounts,
        rank=st.sampled_from([50, 100, 200]),
        created=st.integers(0, 3).map(float),
        usage=st.sampled_from([0.0, 0.0, 0.25, 0.9]),
    ),
    max_size=8,
    unique_by=lambda claim: claim.name,
)


@given(total=st.integers(0, 40_000), claims=claims_of_one_pool, seed=st.integers(0, 100))
def test_order_of_the_queues_changes_nothing(total: int, claims: list[Claim], seed: int) -> None:
    shuffled = [Claim(*(getattr(claim, name) for name in Claim.__slots__)) for claim in claims]
    random.Random(seed).shuffle(shuffled)

    left = divide(total, claims, unit=GPU)

    assert divide(total, shuffled, unit=GPU) == left
    assert {one.name: one.share for one in shuffled} == {one.name: one.share for one in claims}


@given(total=st.integers(0, 40_000), claims=claims_of_one_pool)
def test_nothing_is_given_twice_and_no_limit_is_passed(total: int, claims: list[Claim]) -> None:
    left = divide(total, claims, unit=GPU)

    quota_pass = sum(
        min(
            total if c.deserved is None else c.deserved,
            c.request if c.limit is None else min(c.limit, c.request),
        )
        for c in claims
    )
    assert left >= 0
    assert sum(claim.share for claim in claims) == max(total, quota_pass) - left
    for claim in claims:
        top = claim.request if claim.limit is None else min(claim.limit, claim.request)
        assert claim.share < top + GPU  # an odd piece may exceed the wish by less than one whole piece
