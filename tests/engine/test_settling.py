"""Cycle after cycle, with the evicted waiting again and the nominations forgotten, a world of mixed gangs comes to rest.

These gangs ask for 2.4 times what there is and stand at the fair-share boundary, where the reference scheduler swaps the same jobs for ever.
"""

import pytest

from scheduling.engine import Plan, run_cycle
from tests.benchmarks.engine.inputs import NOW, mixed, parts_of
from tests.engine.laws.life import lived
from tests.engine.laws.worlds import World


def decide(world: World) -> Plan:
    return run_cycle(world.snapshot(), world.config, NOW)


def size(plan: Plan) -> tuple[int, int, int]:
    return len(plan.binds), len(plan.evictions), len(plan.nominations)


@pytest.mark.parametrize(("nodes", "cycles"), [(25, 5), (29, 5), (100, 3)])
def test_mixed_gangs_come_to_rest(nodes: int, cycles: int) -> None:
    plans = lived(World(**parts_of(mixed(nodes))), cycles, decide)
    assert size(plans[0])[0] > 0
    assert size(plans[-1]) == (0, 0, 0)


def test_every_eviction_among_mixed_gangs_has_its_reason() -> None:
    plans = lived(World(**parts_of(mixed(25))), 3, decide)
    evictions = [eviction for plan in plans for eviction in plan.evictions]
    assert evictions
    assert all(one.beneficiary and one.rule and one.numbers and one.message for one in evictions)
