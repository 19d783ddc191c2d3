"""Quantities are shown as Kubernetes shows them, alone and in sums."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.quantities import parse_quantity
from cluster.simulator.limits.amounts import canonical, largest, read_amount, read_amounts, texts_of, total


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1000", "1k"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("2000M", "2G"),
        ("1e3", "1e3"),
        ("12e4", "120e3"),
        ("0.1001", "101m"),
        ("1u", "1m"),
        ("0Gi", "0"),
        ("-1.5", "-1500m"),
        ("5E", "5E"),
        ("1.0001Ki", "1024103m"),
    ],
)
def test_amounts_have_one_notation(written: str, shown: str) -> None:
    assert canonical(written) == shown


@pytest.mark.parametrize("wrong", ["", "much", "1 Gi", "1KiB", "NaN"])
def test_what_is_no_quantity_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a Kubernetes quantity"):
        canonical(wrong)


UNITS = ["", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-2"]


@given(st.integers(0, 10**6), st.sampled_from(UNITS))
def test_the_canonical_text_is_worth_the_same_and_stays(number: int, unit: str) -> None:
    text = f"{number}{unit}"
    shown = canonical(text)
    assert parse_quantity(text) <= parse_quantity(shown) < parse_quantity(text) + Decimal("0.001")
    assert canonical(shown) == shown


def test_a_sum_keeps_the_first_notation_that_means_something() -> None:
    assert str(read_amount("0") + read_amount("1Gi")) == "1Gi"
    assert str(read_amount("1Gi") + read_amount("1024")) == "1048577Ki"
    assert str(read_amount("1024") + read_amount("1Gi")) == "1073742848"
    assert str(read_amount("500m") + read_amount("1.5")) == "2"


def test_lists_are_added_and_compared_by_resource() -> None:
    few, many = read_amounts({"cpu": "1", "memory": "1Gi"}), read_amounts({"cpu": "500m", "pods": 3})
    assert texts_of(total(few, many)) == {"cpu": "1500m", "memory": "1Gi", "pods": "3"}
    assert texts_of(largest(few, many)) == {"cpu": "1", "memory": "1Gi", "pods": "3"}
    assert total() == largest() == read_amounts(None) == {}
