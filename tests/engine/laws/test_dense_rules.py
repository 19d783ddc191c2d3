"""The division and the reclaim rules agree with their dense specifications on random questions, not only on the recorded ones."""

import importlib.util
import random
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

import pytest

from tests.conformance.folder import recorded_folder
from tests.conformance.recorded_pairs import RESOURCES, division_differences, reclaim_answer

FOLDER = recorded_folder()
QUESTIONS = 2500
"""Per test, one per seed."""

pytestmark = pytest.mark.skipif(FOLDER is None, reason="the specifications are not on this machine")

Row = dict[str, Any]


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


# -- division: amounts are fractions, since floats would differ by their rounding ------------------------------------------


def amount_of(rng: random.Random, resource: str) -> Fraction:
    """Mostly GPUs as they are asked for, some in odd thousandths; millicores."""
    if resource == "CPU":
        return Fraction(rng.randint(0, 40_000))
    return rng.choice(
        [Fraction(rng.randint(0, 12)), Fraction(rng.randint(0, 12_000), 1000), Fraction(rng.randint(0, 4), 2)]
    )


def claim_of(rng: random.Random, resource: str, number: int) -> Row:
    """A queue's part in a division. A negative weight is that of the default department of the recorded cases."""

    def bound() -> Fraction | int:
        return -1 if rng.random() < 0.3 else amount_of(rng, resource)

    used = rng.choice([0, 0, 0, 1, 250, 500, 900, 1000])
    return {
        "uid": f"q{number}",
        "deserved": bound(),
        "max_allowed": bound(),
        "request": amount_of(rng, resource),
        "over_quota_weight": Fraction(rng.choice([-1, 0, 0, 1, 1, 2, 3, 7])),
        "usage": Fraction(used, 1000),
        "priority": rng.choice([50, 100, 100, 100, 200]),
        "created": rng.randint(0, 3),
        "fair_share": Fraction(0),
    }


def as_recorded(row: Row, resource: str) -> Row:
    outside = ("uid", "priority", "created")
    column = {key: value for key, value in row.items() if key not in outside}
    return {**{key: row[key] for key in outside}, resource: column}


def divided(seed: int, resource: str) -> Row:
    """A question with the specification's answer, in the form of the recorded pairs."""
    rng = random.Random(seed)
    rows = [claim_of(rng, resource, number) for number in range(rng.randint(0, 7))]
    total, k = 3 * amount_of(rng, resource), Fraction(rng.choice([0, 1, 1, 3, Fraction(1, 2)]))
    before = [as_recorded(row, resource) for row in rows]
    remaining = specification("division").divide(total, k, rows)
    after = [as_recorded(row, resource) for row in rows]
    return {
        "resource": resource,
        "total": total,
        "k_value": k,
        "queues_in": before,
        "queues_out": after,
        "remaining": remaining,
    }


@pytest.mark.parametrize("resource", ["GPU", "CPU"])
def test_every_resource_is_divided_as_specified(resource: str) -> None:
    for seed in range(QUESTIONS):
        assert division_differences(divided(seed, resource), over_quota_only=False) == [], seed


# -- reclaim ---------------------------------------------------------------------------------------------------------------

TREES = (
    {"a": "", "b": ""},
    {"top": "", "a": "top", "b": "top", "c": "top"},
    {"left": "", "right": "", "a": "left", "b": "left", "c": "right", "d": "right"},
    {"left": "", "inner": "left", "a": "inner", "b": "inner", "c": "left", "d": ""},
    {"top": "", "left": "top", "deep": "top", "deeper": "deep", "a": "left", "b": "deeper", "c": "deep"},
)
"""Queue -> parent: two queues, departments, levels of different depth, and queues with nothing in common."""


def column_of(rng: random.Random) -> Row:
    def bound() -> int:
        return rng.choice([rng.randint(0, 6), rng.randint(0, 6), -1])

    return {
        "deserved": bound(),
        "max_allowed": bound(),
        "fair_share": rng.choice([bound(), rng.randint(0, 6)]),
        "allocated": rng.randint(0, 4),
        "allocated_non_preemptible": rng.randint(0, 3),
    }


def reclaim(seed: int) -> Row:
    """A reclaimer and units of other leaf queues, in the form of the recorded pairs."""
    rng = random.Random(seed)
    tree = rng.choice(TREES)
    leaves = sorted(set(tree) - set(tree.values()))
    mine = rng.choice(leaves)
    losers = rng.sample([leaf for leaf in leaves if leaf != mine], rng.randint(1, len(leaves) - 1))
    queues = {
        name: {"uid": name, "parent": parent, **{resource: column_of(rng) for resource in RESOURCES}}
        for name, parent in tree.items()
    }
    victims = {
        leaf: [
            {resource: rng.randint(0, 3) for resource in RESOURCES if resource == "GPU" or rng.random() < 0.4}
            for _ in range(rng.randint(1, 4))
        ]
        for leaf in losers
    }
    for leaf, units in victims.items():
        hold(queues, leaf, units)
    return {
        "queues": list(queues.values()),
        "reclaimer": {
            "queue": mine,
            "required": {resource: rng.randint(0, 3) for resource in RESOURCES},
            "preemptible": rng.random() < 0.5,
        },
        "victims": victims,
        "saturation_multiplier": rng.choice([1.0, 1.0, 1.25, 2.0]),
    }


def hold(queues: dict[str, Row], leaf: str, units: list[dict[str, int]]) -> None:
    """What can be taken from a queue is part of what it and all above it hold."""
    queue = leaf
    while queue:
        for resource in RESOURCES:
            queues[queue][resource]["allocated"] += sum(unit.get(resource, 0) for unit in units)
        queue = queues[queue]["parent"]


def test_reclaims_are_judged_as_specified() -> None:
    rules, answers = specification("reclaim_rules"), set()
    for seed in range(QUESTIONS):
        pair = reclaim(seed)
        queues = {queue["uid"]: queue for queue in pair["queues"]}
        answer = rules.reclaimable(queues, pair["reclaimer"], pair["victims"], pair["saturation_multiplier"])
        assert reclaim_answer(pair) is answer, seed
        answers.add(answer)
    assert answers == {True, False}


def test_who_may_reclaim_at_all_is_as_specified() -> None:
    rules, answers = specification("reclaim_rules"), set()
    for seed in range(QUESTIONS):
        pair = reclaim(seed)
        del pair["victims"]
        queues = {queue["uid"]: queue for queue in pair["queues"]}
        answer = rules.can_reclaim(queues, pair["reclaimer"])
        assert reclaim_answer(pair) is answer, seed
        answers.add(answer)
    assert answers == {True, False}
