"""From pods and quotas to bindings: what a scheduling worker does to a cluster."""

import json
from typing import Any

import pytest

from cluster.documents import condition_of
from cluster.labels import GANG, NODE_POOL, QUEUE, REFUSAL
from organization import usage
from scheduling.models import Cycle, Decision, GangState, Outcome, PoolScheduler, Verdict
from tests.conftest import Acme
from tests.scheduling.documents import make_node, make_pod
from tests.scheduling.fake_cluster import FakeCluster, lose_answer, refuse

pytestmark = pytest.mark.django_db(transaction=True)
VISION = {QUEUE: "vision"}


def gang(name: str, minimum: int) -> dict[str, str]:
    return {GANG: json.dumps({"name": name, "minimum": minimum})}


def test_a_pod_is_bound_to_a_node_with_room(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1", gpus=8)], pods=[make_pod("train-0", gpus=2, labels=VISION)])

    report = make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"train-0": "n1"}
    assert (report.bound, report.failed) == (1, 0)
    decision = Decision.objects.get()
    assert (decision.verdict, decision.outcome, decision.node) == (Verdict.BIND, Outcome.DONE, "n1")
    assert decision.lease_transitions == 1
    assert Cycle.objects.get().bound == 1


def test_pods_of_other_schedulers_are_left_alone_and_their_gpus_count_as_used(make_runner: Any) -> None:
    foreign = make_pod(
        "other", namespace="elsewhere", gpus=7, node="n1", scheduler="default-scheduler", phase="Running"
    )
    waiting_elsewhere = make_pod("theirs", namespace="elsewhere", gpus=1, scheduler="default-scheduler")
    ours = make_pod("train-0", gpus=2, labels=VISION)
    cluster = FakeCluster(nodes=[make_node("n1", gpus=8)], pods=[foreign, waiting_elsewhere, ours])

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"other": "n1"}
    assert condition_of(cluster.pod("train-0"), "PodScheduled") is not None


def test_a_gang_starts_whole_or_not_at_all_and_says_why(make_runner: Any) -> None:
    pods = [
        make_pod(f"g-{n}", gpus=2, labels=VISION, annotations=gang("g", 4), owner=("Job", "g"))
        for n in range(4)
    ]
    cluster = FakeCluster(nodes=[make_node("n1", gpus=6)], pods=pods)

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {}
    told = [pod for pod in cluster.objects["pods"].values() if REFUSAL in pod["metadata"]["annotations"]]
    assert len(told) == 1, "one pod of the gang carries the reason"
    condition = condition_of(told[0], "PodScheduled")
    assert condition is not None
    assert condition["status"] == "False"
    refusal = json.loads(told[0]["metadata"]["annotations"][REFUSAL])
    assert refusal["code"] == condition["reason"]
    assert condition["message"].startswith(refusal["message"])
    assert refusal["counterfactual"]["sentence"] in condition["message"]
    assert Decision.objects.get().verdict == Verdict.WAIT


def test_a_reason_that_stays_the_same_is_written_once(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1", gpus=1)], pods=[make_pod("big", gpus=8, labels=VISION)])
    runner = make_runner(cluster)

    runner.run(cluster.world)
    written = len(cluster.made("patch"))
    for _ in range(3):
        runner.run(cluster.world)

    assert len(cluster.made("patch")) == written
    assert Decision.objects.count() == 1


def test_a_pool_only_uses_its_own_nodes(make_runner: Any) -> None:
    nodes = [make_node("plain", gpus=8), make_node("big", gpus=8, pool="h100")]
    pods = [
        make_pod("a", gpus=1, labels={**VISION, NODE_POOL: "h100"}),
        make_pod("b", gpus=1, labels=VISION),
    ]
    cluster = FakeCluster(nodes=nodes, pods=pods)

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"a": "big", "b": "plain"}


def test_an_unknown_pool_is_said_on_the_pod(make_runner: Any) -> None:
    cluster = FakeCluster(
        nodes=[make_node("n1")], pods=[make_pod("a", gpus=1, labels={**VISION, NODE_POOL: "h300"})]
    )

    make_runner(cluster).run(cluster.world)

    condition = condition_of(cluster.pod("a"), "PodScheduled")
    assert condition is not None
    assert condition["reason"] == "NodePoolDoesNotExist"
    assert "h300" in condition["message"]


def test_a_pod_of_no_project_is_told_so_and_one_of_a_namespace_needs_no_label(make_runner: Any) -> None:
    pods = [make_pod("lost", namespace="elsewhere", gpus=1), make_pod("found", gpus=1)]
    cluster = FakeCluster(nodes=[make_node("n1", gpus=8)], pods=pods)

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"found": "n1"}
    condition = condition_of(cluster.pod("lost", "elsewhere"), "PodScheduled")
    assert condition is not None
    assert condition["reason"] == "NoProject"
    assert "namespace elsewhere belongs to no project" in condition["message"]
    assert GangState.objects.get(name="found").queue == "vision"


def test_a_pod_cannot_use_another_projects_quota(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1")], pods=[make_pod("a", gpus=1, labels={QUEUE: "speech"})])

    make_runner(cluster).run(cluster.world)

    condition = condition_of(cluster.pod("a"), "PodScheduled")
    assert condition is not None
    assert condition["reason"] == "QueueMismatch"
    assert cluster.placed() == {}


@pytest.mark.parametrize("gpus", ["NaN", "-1", "1e309", "Inf", "lots", "99999999999999999999"])
def test_an_absurd_request_is_refused_with_a_reason_and_stops_nobody(make_runner: Any, gpus: str) -> None:
    cluster = FakeCluster(
        nodes=[make_node("n1")],
        pods=[make_pod("absurd", gpus=gpus, labels=VISION), make_pod("fine", gpus=1, labels=VISION)],
    )

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"fine": "n1"}
    condition = condition_of(cluster.pod("absurd"), "PodScheduled")
    assert condition is not None
    assert condition["reason"] == "InvalidRequest"


def test_what_is_written_on_a_running_pod_closes_no_node_and_takes_it_off_no_account(
    make_runner: Any,
) -> None:
    """Two projects on one node: what one of them writes on its own pod must not keep the other from working."""
    running = make_pod(
        "running", gpus=1, node="n1", phase="Running", labels=VISION, annotations={GANG: "no gang at all"}
    )
    cluster = FakeCluster(
        nodes=[make_node("n1", gpus=2)], pods=[running, make_pod("a", gpus=1, labels=VISION)]
    )

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"running": "n1", "a": "n1"}
    assert GangState.objects.get(name="running").queue == "vision"


def test_a_cordoned_or_lost_node_takes_no_one(make_runner: Any) -> None:
    nodes = [make_node("lost", ready=False), make_node("cordoned", cordoned=True)]
    cluster = FakeCluster(nodes=nodes, pods=[make_pod("a", gpus=1, labels=VISION)])

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {}


def test_a_place_is_held_until_the_watch_shows_the_binding(make_runner: Any) -> None:
    cluster = FakeCluster(
        nodes=[make_node("n1", gpus=2)],
        pods=[make_pod("first", gpus=2, labels=VISION)],
    )
    runner = make_runner(cluster)
    runner.run(cluster.world)
    shown = cluster.world()
    for pod in shown.pods:  # the watch has not shown the binding yet, but a new pod
        pod["spec"].pop("nodeName", None)
    second = make_pod("second", gpus=2, labels=VISION)
    cluster.add(second)
    shown.pods.append(second)

    runner.run(lambda: shown)

    assert cluster.made("bind") == ["first"]
    assert cluster.placed() == {"first": "n1"}


def test_a_lost_answer_does_not_lose_the_place(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1", gpus=2)], pods=[make_pod("first", gpus=2, labels=VISION)])
    cluster.after_bind = lose_answer
    report = make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"first": "n1"}
    assert (report.bound, report.failed) == (1, 0), "the binding was found to have worked"


def test_a_bind_that_always_fails_backs_off_and_stops_nobody(make_runner: Any, product_clock: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1")], pods=[make_pod("doomed", gpus=1, labels=VISION)])
    cluster.before_bind = refuse("admission says no")
    runner = make_runner(cluster)
    runner.run(cluster.world)
    state = GangState.objects.get(name="doomed")
    assert (state.bind_failures, state.bind_retry_at is not None) == (1, True)
    assert Decision.objects.get(verdict=Verdict.BIND).error == "admission says no"

    cluster.before_bind = None
    cluster.add(make_pod("other", gpus=1, labels=VISION))
    runner.run(cluster.world)
    assert cluster.placed() == {"other": "n1"}, "the doomed one is held back, the other is not"

    product_clock.pass_seconds(10)
    runner.run(cluster.world)
    assert cluster.placed() == {"doomed": "n1", "other": "n1"}
    state.refresh_from_db()
    assert (state.bind_failures, state.bind_retry_at) == (0, None)


def test_the_pool_says_that_its_scheduler_lives(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1")])

    make_runner(cluster).run(cluster.world)

    standing = PoolScheduler.objects.get(pool="default")
    assert standing.last_cycle_at is not None
    assert (standing.holder, standing.lease_transitions, standing.error) == ("first", 1, "")


def test_the_fair_share_of_each_project_is_kept_for_its_pages(make_runner: Any, acme: Acme) -> None:
    pods = [make_pod(f"t-{n}", gpus=1, labels=VISION) for n in range(3)]
    cluster = FakeCluster(nodes=[make_node("n1", gpus=4)], pods=pods)

    make_runner(cluster).run(cluster.world)

    used = usage.of_projects([acme.vision.pk, acme.speech.pk])
    assert used is not None
    assert used[acme.vision.pk, "default"].fair_share_gpu_milli == 3000
    assert used[acme.speech.pk, "default"].fair_share_gpu_milli == 0
