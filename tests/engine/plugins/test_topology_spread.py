"""Spreading that must be kept: what is counted where, who may go first, and what is told to who waits."""

from dataclasses import replace

import pytest

from scheduling.engine import SchedulerConfig, run_cycle
from scheduling.engine.model.constraints import Constraints, LabelRequirement, SpreadConstraint, Taint
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from scheduling.engine.plan import Plan, Reason

NOW = 1_900_000_000.0
WEB = (LabelRequirement("app", "In", ("web",)),)
OVER_ZONES = SpreadConstraint(1, "zone", WEB)


def zone(name: str, of: str | None, **more: object) -> Node:
    labels = {"kubernetes.io/hostname": name} | ({"zone": of} if of else {})
    return Node(name=name, cpu_milli=64_000, memory_bytes=2**40, max_pods=110, labels=labels, **more)  # type: ignore[arg-type]  # the caller's


def pod(uid: str, *wanted: SpreadConstraint, node: str = "", app: str = "web", **constraints: object) -> Gang:
    task = Task(
        uid,
        TaskRequest(cpu_milli=100),
        node=node,
        state=TaskState.RUNNING if node else TaskState.PENDING,
        labels={"app": app},
        constraints=Constraints(spread=wanted, **constraints),  # type: ignore[arg-type]  # the caller's
        created_at=NOW - 60,
    )
    return Gang(uid, "team", [task], created_at=NOW - 60)


def cycle(nodes: list[Node], gangs: list[Gang]) -> Plan:
    snapshot = ClusterSnapshot.build(nodes=nodes, queues=[Queue("team")], gangs=gangs)
    return run_cycle(snapshot, SchedulerConfig(explain=True), NOW)


def zones_of(plan: Plan, nodes: list[Node]) -> list[str]:
    where = {node.name: node.labels.get("zone", "") for node in nodes}
    return sorted(where[bind.node] for bind in plan.binds)


THREE = [zone("a1", "a"), zone("a2", "a"), zone("b1", "b"), zone("c1", "c")]


def test_pods_alternate_between_domains() -> None:
    plan = cycle(THREE, [pod(f"p{number}", OVER_ZONES) for number in range(6)])

    assert zones_of(plan, THREE) == ["a", "a", "b", "b", "c", "c"]


def test_what_runs_counts_and_what_is_not_selected_does_not() -> None:
    running = [pod("r1", OVER_ZONES, node="a1"), pod("r2", node="b1", app="other")]

    plan = cycle(THREE[:3], [*running, pod("p", OVER_ZONES)])

    assert zones_of(plan, THREE) == ["b"]


def test_who_cannot_be_spread_waits_and_is_told_over_what() -> None:
    full = zone("b1", "b")
    nodes = [zone("a1", "a"), replace(full, cpu_milli=50)]

    plan = cycle(nodes, [pod("r1", OVER_ZONES, node="a1"), pod("p", OVER_ZONES)])

    assert plan.binds == []
    refusal = plan.refusals["p"]
    assert refusal.reason is Reason.SPREAD
    assert "topology spread over zone" in refusal.message
    assert refusal.counterfactual is not None
    assert "without its topology spread" in refusal.counterfactual.sentence


def test_a_node_without_the_label_is_no_place() -> None:
    plan = cycle([zone("x", None)], [pod("p", OVER_ZONES)])

    assert plan.refusals["p"].reason is Reason.NODES_EXCLUDED


def test_too_few_domains_count_as_empty_ones() -> None:
    few = replace(OVER_ZONES, min_domains=3)
    two = THREE[:3]

    plan = cycle(two, [pod(f"p{number}", few) for number in range(4)])

    assert zones_of(plan, two) == ["a", "b"], "one in each: a third zone would be empty"


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        pytest.param(OVER_ZONES, 1, id="a tainted zone counts, and is empty"),
        pytest.param(replace(OVER_ZONES, honor_taints=True), 3, id="unless taints are honoured"),
    ],
)
def test_nodes_one_may_not_use(wanted: SpreadConstraint, places: int) -> None:
    nodes = [zone("a1", "a"), zone("b1", "b", taints=(Taint("only", "others"),))]

    assert len(cycle(nodes, [pod(f"p{number}", wanted) for number in range(3)]).binds) == places


def test_nodes_the_selector_excludes_do_not_count_unless_told_so() -> None:
    nodes = [zone("a1", "a"), zone("b1", "b")]
    only_a = {"node_selector": (("zone", "a"),)}
    ignoring = replace(OVER_ZONES, honor_node_affinity=False)

    assert len(cycle(nodes, [pod(f"p{n}", OVER_ZONES, **only_a) for n in range(3)]).binds) == 3
    assert len(cycle(nodes, [pod(f"p{n}", ignoring, **only_a) for n in range(3)]).binds) == 1
