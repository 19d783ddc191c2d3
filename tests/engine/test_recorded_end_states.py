"""After one cycle every pod stands where the reference scheduler put it, on the inputs where that scheduler always decides alike."""

import pytest

from scheduling.engine import SchedulerConfig, run_cycle
from tests.benchmarks.engine.end_states import differing_pods, recorded_names
from tests.benchmarks.engine.inputs import NOW, generated, snapshot_of

SMALL = [name for name in recorded_names() if name.endswith("_100")]


@pytest.mark.skipif(not SMALL, reason="the recorded end states are not on this machine")
@pytest.mark.parametrize("name", SMALL)
def test_every_pod_ends_where_the_reference_scheduler_put_it(name: str) -> None:
    snapshot = snapshot_of(generated(name))
    plan = run_cycle(snapshot, SchedulerConfig(), NOW)
    assert differing_pods(name, snapshot, plan) == 0
