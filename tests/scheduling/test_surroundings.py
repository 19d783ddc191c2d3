"""What binds pods besides amounts and labels: disruption budgets, volumes, ports of the node, and words on the Job."""

import json
from typing import Any

import pytest

from cluster.labels import (
    GANG,
    PREEMPTIBILITY,
    PRIORITY_CLASS,
    QUEUE,
    REFUSAL,
    TOPOLOGY,
    TOPOLOGY_PREFERRED,
    TOPOLOGY_REQUIRED,
)
from scheduling.budgets import read_budgets, share_of
from scheduling.models import Decision, Outcome, Verdict
from scheduling.volumes import SELECTED_NODE
from tests.scheduling.documents import Document, make_node, make_pod
from tests.scheduling.fake_cluster import FakeCluster

pytestmark = pytest.mark.django_db(transaction=True)
VISION = {QUEUE: "vision"}


def put(cluster: FakeCluster, plural: str, name: str, namespace: str = "", **content: Any) -> Document:
    metadata = {"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1"}
    document = {"metadata": metadata, **content}
    cluster.objects.setdefault(plural, {})[namespace, name] = document
    return document


def told(cluster: FakeCluster, pod: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cluster.pod(pod)["metadata"]["annotations"].get(REFUSAL, "{}"))
    return found


def ready(pod: Document) -> Document:
    pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    return pod


def low_and_urgent() -> list[Document]:
    low = make_pod("low", gpus=2, labels={**VISION, PRIORITY_CLASS: "low"}, node="n", phase="Running")
    urgent = make_pod(
        "urgent", gpus=2, labels={**VISION, PRIORITY_CLASS: "very-high", PREEMPTIBILITY: "preemptible"}
    )
    return [ready(low), urgent]


def test_a_disruption_budget_keeps_its_pods(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n", gpus=2)], pods=low_and_urgent())
    spec = {"minAvailable": 1, "selector": {"matchLabels": {QUEUE: "vision"}}}
    put(cluster, "poddisruptionbudgets", "keep", "runai-vision", spec=spec)
    runner = make_runner(cluster)

    runner.run(cluster.world)
    assert cluster.made("delete") == []

    cluster.objects["poddisruptionbudgets"].clear()
    runner.run(cluster.world)
    assert cluster.made("delete") == ["low"]


def test_an_eviction_that_the_cluster_refuses_leaves_no_trace_on_the_pod(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n", gpus=2)], pods=low_and_urgent())
    cluster.kept.add("low")

    make_runner(cluster).run(cluster.world)

    assert cluster.pod("low")["metadata"]["annotations"] == {}
    failed = Decision.objects.get(verdict=Verdict.EVICT)
    assert failed.outcome == Outcome.FAILED
    assert "disruption budget" in failed.error


@pytest.mark.parametrize(("amount", "expected", "needed"), [(2, 5, 2), ("50%", 5, 3), ("0%", 5, 0)])
def test_budgets_count_percentages_upwards(amount: int | str, expected: int, needed: int) -> None:
    assert share_of(amount, expected) == needed


def test_a_budget_nobody_understands_lets_nothing_go() -> None:
    pod = ready(make_pod("p", node="n", phase="Running"))
    budget = {
        "metadata": {"name": "b", "namespace": "runai-vision"},
        "spec": {"minAvailable": "half", "selector": {}},
    }
    (read,) = read_budgets([budget], [pod])
    assert (read.allowed, read.pods) == (0, {pod["metadata"]["uid"]})


def with_claim(pod: Document, claim: str) -> Document:
    pod["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    return pod


def test_a_pod_goes_where_its_volume_is(make_runner: Any) -> None:
    nodes = [make_node("a"), make_node("b")]
    for node in nodes:
        node["metadata"]["labels"]["zone"] = f"zone-{node['metadata']['name']}"
    cluster = FakeCluster(nodes=nodes, pods=[with_claim(make_pod("t", gpus=1, labels=VISION), "data")])
    put(cluster, "persistentvolumeclaims", "data", "runai-vision", spec={"volumeName": "disk"})
    expression = {"key": "zone", "operator": "In", "values": ["zone-b"]}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}
    put(cluster, "persistentvolumes", "disk", spec={"nodeAffinity": affinity})

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"t": "b"}


def terms(key: str) -> list[Document]:
    return [
        {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]} for value in ("x", "y", "z")
    ]


def test_many_volumes_of_one_class_are_asked_once_and_too_many_kinds_of_places_are_told(
    make_runner: Any,
) -> None:
    """Three places for each of forty volumes are more combinations than can be counted: nobody else may wait for that."""
    node = make_node("a")
    node["metadata"]["labels"]["zone"] = "y"
    alike, unlike = make_pod("alike", gpus=1, labels=VISION), make_pod("unlike", gpus=1, labels=VISION)
    cluster = FakeCluster(nodes=[node], pods=[alike, unlike, make_pod("plain", gpus=1, labels=VISION)])
    for pod, own in ((alike, False), (unlike, True)):
        names = [f"{pod['metadata']['name']}-{number}" for number in range(40)]
        pod["spec"]["volumes"] = [
            {"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names
        ]
        for name in names:
            put(cluster, "persistentvolumeclaims", name, "runai-vision", spec={"volumeName": name})
            affinity = {"required": {"nodeSelectorTerms": terms(name if own else "zone")}}
            put(cluster, "persistentvolumes", name, spec={"nodeAffinity": affinity})

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"alike": "a", "plain": "a"}
    assert told(cluster, "unlike")["code"] == "InvalidAffinity"
    assert "at most 64 are read" in told(cluster, "unlike")["message"]


def test_a_claim_that_is_missing_or_has_no_volume_is_named(make_runner: Any) -> None:
    pods = [with_claim(make_pod(name, gpus=1, labels=VISION), name) for name in ("lost", "empty")]
    cluster = FakeCluster(nodes=[make_node("a")], pods=pods)
    put(cluster, "persistentvolumeclaims", "empty", "runai-vision", spec={"storageClassName": "slow"})

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {}
    assert told(cluster, "lost") == {
        "code": "VolumeClaimMissing",
        "message": "Its volume claim lost does not exist.",
    }
    assert (
        told(cluster, "empty")["message"] == "Its volume claim empty has no volume yet (storage class slow)."
    )


def test_a_new_volume_is_made_on_the_node_before_the_pod_is_bound(make_runner: Any) -> None:
    cluster = FakeCluster(
        nodes=[make_node("a")], pods=[with_claim(make_pod("t", gpus=1, labels=VISION), "data")]
    )
    put(cluster, "persistentvolumeclaims", "data", "runai-vision", spec={"storageClassName": "fast"})
    provisioned = {"volumeBindingMode": "WaitForFirstConsumer", "provisioner": "disks.example"}
    put(cluster, "storageclasses", "fast", **provisioned)
    seen: list[str] = []

    def provision(pod: str, node: str) -> None:
        claim = cluster.objects["persistentvolumeclaims"]["runai-vision", "data"]
        seen.append(claim["metadata"]["annotations"][SELECTED_NODE])

    cluster.before_bind = provision
    real_get = cluster.get

    def get(kind: Any, name: str, namespace: str | None = None) -> Document:
        found = real_get(kind, name, namespace)
        if kind.plural == "persistentvolumeclaims":
            found["spec"]["volumeName"] = "made"
        return found

    cluster.get = get  # type: ignore[method-assign]  # a provisioner that is quick

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"t": "a"}
    assert seen == ["a"]


def test_a_volume_for_one_pod_only_is_not_shared(make_runner: Any) -> None:
    holder = with_claim(make_pod("holder", labels=VISION, node="a", phase="Running"), "data")
    cluster = FakeCluster(
        nodes=[make_node("a")], pods=[holder, with_claim(make_pod("t", labels=VISION), "data")]
    )
    spec = {"volumeName": "disk", "accessModes": ["ReadWriteOncePod"]}
    put(cluster, "persistentvolumeclaims", "data", "runai-vision", spec=spec)
    put(cluster, "persistentvolumes", "disk", spec={})

    make_runner(cluster).run(cluster.world)

    assert told(cluster, "t")["code"] == "VolumeInUse"


def test_two_pods_do_not_get_the_same_port_of_a_node(make_runner: Any) -> None:
    pods = [make_pod(f"p-{n}", labels=VISION) for n in range(3)]
    for pod in pods:
        pod["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 8080}]
    foreign = make_pod("theirs", namespace="x", node="c", phase="Running", scheduler="default-scheduler")
    foreign["spec"] |= {"hostNetwork": True}
    foreign["spec"]["containers"][0]["ports"] = [{"containerPort": 8080}]
    cluster = FakeCluster(nodes=[make_node(name) for name in "abc"], pods=[*pods, foreign])

    make_runner(cluster).run(cluster.world)

    ours = {name: node for name, node in cluster.placed().items() if name != "theirs"}
    assert sorted(ours.values()) == ["a", "b"]
    assert len(ours) == 2


def test_what_stands_on_the_job_counts_for_its_pods(make_runner: Any) -> None:
    pod = make_pod("t-0", gpus=2, owner=("Job", "t"))
    cluster = FakeCluster(nodes=[make_node("n", gpus=4)], pods=[pod])
    job = put(cluster, "jobs", "t", "runai-vision", spec={})
    job["metadata"] |= {"uid": "Job-t", "labels": {QUEUE: "vision", PRIORITY_CLASS: "high"}}
    cluster.objects["namespaces"].clear()

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {"t-0": "n"}


def racks(cluster: FakeCluster) -> None:
    put(cluster, "topologies", "racks", spec={"levels": [{"nodeLabel": "block"}, {"nodeLabel": "rack"}]})


def in_racks(pods: int, **wish: str) -> list[Document]:
    notes = {GANG: json.dumps({"name": "g", "minimum": pods}), TOPOLOGY: "racks", **wish}
    return [
        make_pod(f"g-{n}", gpus=2, labels=VISION, annotations=notes, owner=("Job", "g")) for n in range(pods)
    ]


def rack_nodes(*free: tuple[str, int]) -> list[Document]:
    nodes = [make_node(f"n{n}", gpus=gpus) for n, (_, gpus) in enumerate(free)]
    for node, (rack, _) in zip(nodes, free, strict=True):
        node["metadata"]["labels"] |= {"block": "b", "rack": rack}
    return nodes


def test_a_gang_stays_within_the_rack_it_requires(make_runner: Any) -> None:
    nodes = rack_nodes(("r1", 2), ("r1", 2), ("r2", 4), ("r2", 4))
    cluster = FakeCluster(nodes=nodes, pods=in_racks(3, **{TOPOLOGY_REQUIRED: "rack"}))
    racks(cluster)

    make_runner(cluster).run(cluster.world)

    assert set(cluster.placed().values()) <= {"n2", "n3"}
    assert len(cluster.placed()) == 3


def test_a_gang_that_no_rack_takes_waits_whole(make_runner: Any) -> None:
    nodes = rack_nodes(("r1", 2), ("r1", 2), ("r2", 2))
    cluster = FakeCluster(nodes=nodes, pods=in_racks(3, **{TOPOLOGY_REQUIRED: "rack"}))
    racks(cluster)

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {}
    assert told(cluster, "g-0")["code"] == "TopologyUnsatisfied"


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({TOPOLOGY_REQUIRED: "rack", TOPOLOGY: "zones"}, "There is no topology 'zones'"),
        ({TOPOLOGY_REQUIRED: "row"}, "has no level 'row'; its levels are block, rack"),
        ({TOPOLOGY_REQUIRED: "rack", TOPOLOGY_PREFERRED: "block"}, "coarser than the required one"),
    ],
)
def test_a_wish_no_topology_can_keep_is_told(make_runner: Any, wish: dict[str, str], words: str) -> None:
    cluster = FakeCluster(nodes=rack_nodes(("r1", 8)), pods=in_racks(1, **wish))
    racks(cluster)

    make_runner(cluster).run(cluster.world)

    assert cluster.placed() == {}
    assert words in told(cluster, "g-0")["message"]


# --- affinities ---------------------------------------------------------------------------------------------------------------


def test_an_affinity_to_namespaces_by_label_follows_their_labels(make_runner: Any) -> None:
    """Pods of namespaces labelled noisy are kept away from; a label that comes later counts from the next cycle on."""
    away = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}
    away["namespaceSelector"] = {"matchLabels": {"noisy": "yes"}}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [away]}
    pods = [
        make_pod(
            "loud", namespace="runai-speech", gpus=1, node="n1", phase="Running", labels={QUEUE: "speech"}
        ),
        make_pod("shy", gpus=1, labels=VISION),
    ]
    pods[1]["spec"]["affinity"] = {"podAntiAffinity": required}
    node = make_node("n1", gpus=8)
    node["metadata"]["labels"]["kubernetes.io/hostname"] = "n1"
    cluster = FakeCluster(nodes=[node], pods=pods)
    labelled = put(cluster, "namespaces", "runai-speech")
    labelled["metadata"]["labels"] = {"noisy": "yes"}
    runner = make_runner(cluster)

    runner.run(cluster.world)
    assert "shy" not in cluster.placed()
    assert told(cluster, "shy")["code"] == "PodAffinityUnsatisfied"

    labelled["metadata"]["labels"] = {}
    runner.run(cluster.world)
    assert cluster.placed()["shy"] == "n1"
