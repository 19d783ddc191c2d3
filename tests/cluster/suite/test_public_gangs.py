"""Objects of other projects' operators start whole: their pods are one gang, or one for each part that is started by itself.

Each is tried with two GPUs free, where some of its pods would fit, and then with enough.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from cluster.client import ClusterClient
from cluster.errors import AlreadyExists
from cluster.kinds import PODS
from cluster.labels import GPU_RESOURCE
from cluster.pods import phase_of
from scheduling.watching import ClusterWatch
from tests.cluster.suite.public import all_ready, apply, gangs_of, members, placed, reasons, until
from tests.cluster.waiting import eventually

pytestmark = pytest.mark.django_db
TAKEN = {"h100-1": 8, "h100-2": 8, "a100-1": 6}
"""Node -> GPUs of its eight that are taken: two are free."""


@pytest.fixture
def nearly_full(client: ClusterClient, namespace: str) -> Callable[[], None]:
    """Somebody else's pods run on all GPUs but two; called, they go."""
    assert eventually(lambda: {take_gpus(client, namespace, *one) for one in TAKEN.items()} == {True})

    def make_room() -> None:
        for node in TAKEN:
            client.delete(PODS, f"full-{node}", namespace, grace_seconds=0)

    return make_room


def take_gpus(client: ClusterClient, namespace: str, node: str, gpus: int) -> bool:
    """A node refuses the pod while an earlier test's still hold its GPUs: then it is made again."""
    limits = {GPU_RESOURCE: str(gpus)}
    container = {"name": "main", "image": "busybox:1.36", "resources": {"limits": limits}}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"full-{node}"}}
    with suppress(AlreadyExists):
        client.create(
            PODS, {**body, "spec": {"nodeName": node, "containers": [container]}}, namespace=namespace
        )
    phase = phase_of(client.get(PODS, f"full-{node}", namespace))
    if phase == "Failed":
        client.delete(PODS, f"full-{node}", namespace, grace_seconds=0)
    return phase == "Running"


@dataclass(frozen=True)
class Case:
    """`pods` are made at once, and none of those that want GPUs fits; `gangs` by name."""

    manifest: str
    pods: int
    gangs: frozenset[str]
    before: int = 0
    """Pods that start at once, because the others are made after them."""


CASES = [
    Case("pytorch_job.yaml", 3, frozenset({"mnist"})),
    Case("mpi_job.yaml", 4, frozenset({"allreduce"})),
    Case("job_set.yaml", 5, frozenset({"trainer"})),
    Case("job_set_in_order.yaml", 4, frozenset({"staged-leader", "staged-workers"}), before=1),
    Case("leader_worker_set.yaml", 6, frozenset({"llm-0", "llm-1"})),
    Case(
        "leader_worker_set_leader_first.yaml",
        4,
        frozenset({"careful-0-leader", "careful-0-workers"}),
        before=1,
    ),
    Case("ray_cluster.yaml", 6, frozenset({"research"})),
    Case("pod_group.yaml", 3, frozenset({"together"})),
    Case("pod_group_volcano.yaml", 4, frozenset({"replicas"})),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.manifest.removesuffix(".yaml"))
@pytest.mark.usefixtures("operators")
def test_it_starts_whole_or_not_at_all(
    client: ClusterClient,
    namespace: str,
    scheduler: ClusterWatch,
    nearly_full: Callable[[], None],
    case: Case,
) -> None:
    owner = apply(client, namespace, case.manifest)[0]

    assert until(
        scheduler,
        lambda: len(members(client, namespace)) == case.pods and reasons(client, namespace),
    )
    for _ in range(20):
        scheduler.run_if_due()
    assert len(placed(client, namespace)) == case.before, "two GPUs are free, which is not enough"

    nearly_full()

    assert until(scheduler, lambda: all_ready(client, namespace, case.pods))
    gangs = gangs_of(owner)
    assert {one.name for one in gangs} == case.gangs
    assert {one.queue for one in gangs} == {"vision"}
