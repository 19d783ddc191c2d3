"""Rights that a run of the end-to-end tests need not use, each with its reason. Reviewed: add nothing that can be used instead."""

from cluster.kinds import GROUP_OWNERS
from tests.cluster.rights.rules import Right

NOT_USED_IN_EVERY_RUN: dict[tuple[str, Right], str] = {
    ("scheduler", Right("", "pods", "get")): (
        "Only after a binding whose answer was lost: has it worked? (tests/scheduling/test_crashes_and_rivals.py)"
    ),
    ("scheduler", Right("events.k8s.io", "events", "patch")): (
        "Only when the same event is told again with the same words. (tests/cluster/suite/test_leases_and_events.py)"
    ),
    ("scheduler", Right("kai.scheduler", "topologies", "watch")): (
        "Only in a cluster that knows the kind; elsewhere the list before it is answered with 404. (tests/scheduling/test_on_a_served_cluster.py)"
    ),
    **{
        ("scheduler", Right(kind.group, kind.plural, "watch")): (
            "As for topologies: only where the operator is installed. (tests/cluster/suite/test_public_gangs.py)"
        )
        for kind in GROUP_OWNERS
    },
    ("controller", Right("run.ai", "trainingworkloads/finalizers", "update")): (
        "Never a request: the API server asks for it when an object names an owner that blocks deletion. "
        "(tests/cluster/rights/test_on_both_servers.py)"
    ),
}
