"""The division and the reclaim rules agree with their dense specifications on random questions, not only on the recorded ones."""

import importlib.util
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.folder import recorded_folder
from tests.conformance.recorded_pairs import RESOURCES, division_differences, reclaim_answer

FOLDER = recorded_folder()

LAW = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

pytestmark = pytest.mark.skipif(FOLDER is None, reason="the specifications are not on this machine")

Column = dict[str, Any]


@cache
def specification(name: str) -> ModuleType:
    """One of the specifications; they are scripts, not a package."""
    assert FOLDER is not None
    spec = importlib.util.spec_from_file_location(name, FOLDER / "fair_share" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def thousandths(most: int) -> st.SearchStrategy[Fraction]:
    """Amounts as the specification counts them, exactly: floats would differ by their rounding."""
    return st.integers(0, most * 1000).map(lambda milli: Fraction(milli, 1000))


whole_amounts = st.integers(0, 12).map(Fraction)
gpus = whole_amounts | thousandths(12) | st.sampled_from([Fraction(1, 2), Fraction(1, 4)])
"""Mostly GPUs as they are asked for; some in odd thousandths."""
unlimited_or = st.one_of(gpus, gpus, st.just(-1))


def claims(amounts: st.SearchStrategy[Fraction], bounds: st.SearchStrategy[Any]) -> st.SearchStrategy[Column]:
    """One queue's column in a division. A negative weight is that of the default department of the recorded cases."""
    return st.fixed_dictionaries(
        {
            "deserved": bounds,
            "max_allowed": bounds,
            "request": amounts,
            "over_quota_weight": st.sampled_from([-1, 0, 0, 1, 1, 2, 3, 7]).map(Fraction),
            "usage": st.sampled_from([0, 0, 0, 1, 250, 500, 900, 1000]).map(
                lambda part: Fraction(part, 1000)
            ),
            "priority": st.sampled_from([50, 100, 100, 100, 200]),
            "created": st.integers(0, 3),
            "fair_share": st.just(Fraction(0)),
        }
    )


def divided(rows: list[Column], total: Fraction, k: Fraction, resource: str) -> Column:
    """A question with the answer of the specification, in the form of the recorded pairs."""
    flat = [{**row, "uid": f"q{number}"} for number, row in enumerate(rows)]
    queues_in = [_as_recorded(row, resource) for row in flat]
    remaining = specification("division").divide(total, k, flat)
    return {
        "resource": resource,
        "total": total,
        "k_value": k,
        "queues_in": queues_in,
        "queues_out": [_as_recorded(row, resource) for row in flat],
        "remaining": remaining,
    }


def _as_recorded(row: Column, resource: str) -> Column:
    outside = ("uid", "priority", "created")
    return {
        **{key: row[key] for key in outside},
        resource: {key: value for key, value in row.items() if key not in outside},
    }


k_values = st.sampled_from([0, 1, 1, Fraction(1, 2), 3])


@LAW
@given(rows=st.lists(claims(gpus, unlimited_or), max_size=7), total=gpus.map(lambda one: one * 3), k=k_values)
def test_gpus_are_divided_as_specified(rows: list[Column], total: Fraction, k: Fraction) -> None:
    assert division_differences(divided(rows, total, Fraction(k), "GPU"), over_quota_only=False) == []


units = st.integers(0, 40_000).map(Fraction)


@LAW
@given(
    rows=st.lists(claims(units, st.one_of(units, units, st.just(-1))), max_size=7),
    total=st.integers(0, 100_000).map(Fraction),
    k=k_values,
)
def test_millicores_are_divided_as_specified(rows: list[Column], total: Fraction, k: Fraction) -> None:
    assert division_differences(divided(rows, total, Fraction(k), "CPU"), over_quota_only=False) == []


amounts = st.integers(0, 6)
bounds = st.one_of(amounts, amounts, st.just(-1))
shares = st.one_of(amounts, amounts, amounts, st.just(-1))
standings = st.fixed_dictionaries(
    {
        "deserved": bounds,
        "max_allowed": bounds,
        "fair_share": shares,
        "allocated": amounts,
        "allocated_non_preemptible": st.integers(0, 3),
    }
)
columns = st.fixed_dictionaries(dict.fromkeys(RESOURCES, standings))
TREES = (
    {"a": "", "b": ""},
    {"top": "", "a": "top", "b": "top", "c": "top"},
    {"left": "", "right": "", "a": "left", "b": "left", "c": "right", "d": "right"},
    {"left": "", "inner": "left", "a": "inner", "b": "inner", "c": "left", "d": ""},
    {
        "top": "",
        "left": "top",
        "right": "top",
        "deep": "right",
        "a": "left",
        "b": "deep",
        "c": "deep",
        "d": "top",
    },
)
"""Queue -> parent: two queues, departments, levels of different depth, and queues with nothing in common."""
takes = st.fixed_dictionaries(
    {"GPU": st.integers(0, 3)}, optional={"CPU": st.integers(0, 3), "Memory": st.integers(0, 2)}
)


@st.composite
def reclaims(draw: st.DrawFn) -> Column:
    """A reclaimer and units of other leaf queues, in the form of the recorded pairs."""
    tree = draw(st.sampled_from(TREES))
    leaves = sorted(set(tree) - set(tree.values()))
    mine = draw(st.sampled_from(leaves))
    losers = draw(
        st.lists(st.sampled_from([leaf for leaf in leaves if leaf != mine]), min_size=1, unique=True)
    )
    return {
        "queues": [{"uid": name, "parent": parent, **draw(columns)} for name, parent in tree.items()],
        "reclaimer": {
            "queue": mine,
            "required": {resource: draw(st.integers(0, 3)) for resource in RESOURCES},
            "preemptible": draw(st.booleans()),
        },
        "victims": {leaf: draw(st.lists(takes, min_size=1, max_size=4)) for leaf in losers},
        "saturation_multiplier": draw(st.sampled_from([1.0, 1.0, 1.25, 2.0])),
    }


@LAW
@given(pair=reclaims())
def test_reclaims_are_judged_as_specified(pair: Column) -> None:
    rules = specification("reclaim_rules")
    queues = {queue["uid"]: queue for queue in pair["queues"]}
    answer = rules.reclaimable(queues, pair["reclaimer"], pair["victims"], pair["saturation_multiplier"])

    assert reclaim_answer(pair) is answer


@LAW
@given(pair=reclaims())
def test_who_may_reclaim_at_all_is_as_specified(pair: Column) -> None:
    del pair["victims"]
    queues = {queue["uid"]: queue for queue in pair["queues"]}

    assert reclaim_answer(pair) is specification("reclaim_rules").can_reclaim(queues, pair["reclaimer"])
