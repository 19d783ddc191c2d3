"""The engine and the plain reference decide alike on random worlds."""

import pytest

from scheduling.engine import run_cycle as fast
from tests.engine.laws.agreement import describe, plan_differences
from tests.engine.laws.worlds import PLAIN, SIZES, Features, random_world
from tests.engine.reference import run_cycle as reference

FEATURES = {
    "plain": PLAIN,
    "everything": Features(),
    "spread": Features(spread=0.9, node_rules=0.6, topology=0.5, pod_affinity=0.0),
}


@pytest.mark.parametrize("features", sorted(FEATURES))
@pytest.mark.parametrize(
    ("size", "first", "number"), [("tiny", 0, 200), ("small", 0, 200), ("medium", 0, 25)]
)
def test_engine_and_reference_give_equal_plans(size: str, first: int, number: int, features: str) -> None:
    for seed in range(first, first + number):
        world = random_world(seed, SIZES[size], FEATURES[features])
        found = plan_differences(world, fast, reference)
        assert not found, "\n".join([f"world {seed}", describe(world), *found])
