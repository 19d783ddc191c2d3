"""DaemonSets: a pod on each node that suits them, and newer ones in their place. The tests are the scheduler."""

from typing import Any

from cluster.client import ClusterClient
from cluster.documents import Document, annotations_of, is_deleting, labels_of, name_of, uid_of
from cluster.errors import Conflict, NotFound
from cluster.kinds import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS, RESOURCE_QUOTAS
from tests.cluster.suite.objects import pod
from tests.cluster.suite.test_controllers_events import told
from tests.cluster.waiting import eventually

GPU_NODES = ["a100-1", "h100-1", "h100-2"]
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def make(client: ClusterClient, namespace: str, *, scheduler: str = "nobody", **spec: Any) -> Document:
    template = pod("unused", policy="Always", run_seconds="3600")
    wanted = {
        **template["spec"],
        "nodeSelector": {"nvidia.com/gpu.present": "true"},
        "schedulerName": scheduler,
    }
    metadata = {"labels": {"app": "agent"}, "annotations": annotations_of(template)}
    document = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agent"},
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {"metadata": metadata, "spec": wanted},
            **spec,
        },
    }
    return client.create(DAEMON_SETS, document, namespace=namespace)


def status_of(client: ClusterClient, namespace: str) -> Document:
    found: Document = client.get(DAEMON_SETS, "agent", namespace).get("status") or {}
    return found


def named_node(document: Document) -> str:
    terms = document["spec"]["affinity"]["nodeAffinity"][REQUIRED]["nodeSelectorTerms"]
    assert [list(term) for term in terms] == [["matchFields"]]
    (field,) = terms[0]["matchFields"]
    assert (field["key"], field["operator"]) == ("metadata.name", "In")
    return str(field["values"][0])


def staying(client: ClusterClient, namespace: str) -> list[Document]:
    return [one for one in client.list(PODS, namespace).items if not is_deleting(one)]


def schedule(client: ClusterClient, namespace: str) -> None:
    """Bind each waiting pod to the node that it names."""
    for one in staying(client, namespace):
        if not one["spec"].get("nodeName"):
            try:
                client.bind(namespace, name_of(one), uid=uid_of(one), node=named_node(one))
            except (Conflict, NotFound):
                continue  # it went meanwhile


def all_are_ready(client: ClusterClient, namespace: str, count: int) -> bool:
    schedule(client, namespace)
    status = status_of(client, namespace)
    numbers = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    generation = client.get(DAEMON_SETS, "agent", namespace)["metadata"]["generation"]
    done = all(status.get(key, 0) == count for key in (*numbers, "numberAvailable"))
    return (
        done and status.get("observedGeneration") == generation and len(staying(client, namespace)) == count
    )


def test_each_suitable_node_gets_one_pod(client: ClusterClient, namespace: str) -> None:
    make(client, namespace)

    assert eventually(lambda: len(staying(client, namespace)) == 3)
    pods = staying(client, namespace)
    assert sorted(named_node(one) for one in pods) == GPU_NODES
    tolerated = [
        (one["key"].removeprefix("node.kubernetes.io/"), one["effect"])
        for one in pods[0]["spec"]["tolerations"]
    ]
    assert tolerated == [
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    ]
    assert labels_of(pods[0]).keys() == {"app", "controller-revision-hash", "pod-template-generation"}
    waiting = {
        "desiredNumberScheduled": 3,
        "currentNumberScheduled": 3,
        "numberMisscheduled": 0,
        "numberReady": 0,
    }
    waiting |= {"observedGeneration": 1, "updatedNumberScheduled": 3, "numberUnavailable": 3}
    assert eventually(lambda: status_of(client, namespace) == waiting)
    assert eventually(
        lambda: [reason for _, reason, _ in told(client, namespace, "DaemonSet")] == ["SuccessfulCreate"] * 3
    )

    assert eventually(lambda: all_are_ready(client, namespace, 3))
    assert status_of(client, namespace).get("numberUnavailable", 0) == 0
    assert sorted(one["spec"]["nodeName"] for one in staying(client, namespace)) == GPU_NODES


def test_pods_that_name_the_default_scheduler_are_placed_without_one(
    client: ClusterClient, namespace: str
) -> None:
    make(client, namespace, scheduler="default-scheduler")

    assert eventually(lambda: status_of(client, namespace).get("numberAvailable") == 3)
    assert sorted(one["spec"]["nodeName"] for one in staying(client, namespace)) == GPU_NODES


def test_a_lost_pod_is_replaced_on_its_node(client: ClusterClient, namespace: str) -> None:
    make(client, namespace)
    assert eventually(lambda: all_are_ready(client, namespace, 3))
    lost = staying(client, namespace)[0]
    client.delete(PODS, name_of(lost), namespace)

    assert eventually(
        lambda: (
            all_are_ready(client, namespace, 3)
            and name_of(lost) not in map(name_of, staying(client, namespace))
        )
    )
    assert sorted(one["spec"]["nodeName"] for one in staying(client, namespace)) == GPU_NODES


def test_nodes_come_and_go_by_their_labels_and_taints(client: ClusterClient, namespace: str) -> None:
    label, taint = {"test/daemon": namespace}, {"key": "test/closed", "effect": "NoSchedule"}
    made = make(client, namespace)
    selector = {"spec": {"template": {"spec": {"nodeSelector": {**label, "nvidia.com/gpu.present": None}}}}}
    client.merge_patch(DAEMON_SETS, name_of(made), selector, namespace=namespace)
    assert eventually(lambda: all_are_ready(client, namespace, 0))

    client.merge_patch(NODES, "cpu-1", {"metadata": {"labels": label}})
    try:
        assert eventually(lambda: all_are_ready(client, namespace, 1))
        (here,) = staying(client, namespace)
        client.merge_patch(NODES, "cpu-1", {"spec": {"taints": [taint]}})
        client.delete(PODS, name_of(here), namespace)
        assert eventually(lambda: status_of(client, namespace)["desiredNumberScheduled"] == 0)
        assert eventually(lambda: not client.list(PODS, namespace).items)

        client.merge_patch(NODES, "cpu-1", {"spec": {"taints": None}})
        assert eventually(lambda: all_are_ready(client, namespace, 1))
        client.merge_patch(NODES, "cpu-1", {"spec": {"taints": [{**taint, "effect": "NoExecute"}]}})
        assert eventually(lambda: not client.list(PODS, namespace).items)
    finally:
        gone = {"metadata": {"labels": {"test/daemon": None}}, "spec": {"taints": None}}
        client.merge_patch(NODES, "cpu-1", gone)


def test_a_new_template_reaches_one_node_after_another(client: ClusterClient, namespace: str) -> None:
    make(client, namespace)
    assert eventually(lambda: all_are_ready(client, namespace, 3))
    before = {uid_of(one) for one in staying(client, namespace)}
    image = {"spec": {"template": {"metadata": {"annotations": {"changed": "yes"}}}}}
    client.merge_patch(DAEMON_SETS, "agent", image, namespace=namespace)

    fewest = 3

    def rolled() -> bool:
        nonlocal fewest
        fewest = min(fewest, int(status_of(client, namespace).get("numberAvailable", 0)))
        return all_are_ready(client, namespace, 3)

    assert eventually(rolled)
    assert fewest == 2
    pods = staying(client, namespace)
    assert not before & {uid_of(one) for one in pods}
    assert {labels_of(one)["pod-template-generation"] for one in pods} == {"2"}
    assert len({labels_of(one)["controller-revision-hash"] for one in pods}) == 1
    revisions = sorted(one["revision"] for one in client.list(CONTROLLER_REVISIONS, namespace).items)
    assert revisions == [1, 2]
    assert (
        annotations_of(client.get(DAEMON_SETS, "agent", namespace))[
            "deprecated.daemonset.template.generation"
        ]
        == "2"
    )


def test_with_surge_the_new_pod_comes_first(client: ClusterClient, namespace: str) -> None:
    surge = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    make(client, namespace, updateStrategy=surge)
    assert eventually(lambda: all_are_ready(client, namespace, 3))
    change = {"spec": {"template": {"metadata": {"annotations": {"changed": "yes"}}}}}
    client.merge_patch(DAEMON_SETS, "agent", change, namespace=namespace)

    most = 0

    def rolled() -> bool:
        nonlocal most
        most = max(most, len(staying(client, namespace)))
        assert int(status_of(client, namespace).get("numberAvailable", 0)) == 3
        return all_are_ready(client, namespace, 3)

    assert eventually(rolled)
    assert most == 4


def test_on_delete_nothing_is_renewed_by_itself(client: ClusterClient, namespace: str) -> None:
    make(client, namespace, updateStrategy={"type": "OnDelete"})
    assert eventually(lambda: all_are_ready(client, namespace, 3))
    change = {"spec": {"template": {"metadata": {"annotations": {"changed": "yes"}}}}}
    client.merge_patch(DAEMON_SETS, "agent", change, namespace=namespace)
    assert eventually(lambda: status_of(client, namespace)["observedGeneration"] == 2)
    assert status_of(client, namespace).get("updatedNumberScheduled", 0) == 0

    client.delete(PODS, name_of(staying(client, namespace)[0]), namespace)
    assert eventually(lambda: status_of(client, namespace).get("updatedNumberScheduled") == 1)
    assert eventually(lambda: len(staying(client, namespace)) == 3)


def test_a_quota_is_told_and_waited_for(client: ClusterClient, namespace: str) -> None:
    hard = {"pods": "2"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}}
    client.create(RESOURCE_QUOTAS, quota, namespace=namespace)
    assert eventually(lambda: "used" in (client.get(RESOURCE_QUOTAS, "q", namespace).get("status") or {}))
    make(client, namespace)

    def refusals() -> list[str]:
        return [note for _, reason, note in told(client, namespace, "DaemonSet") if reason == "FailedCreate"]

    assert eventually(
        lambda: any("exceeded quota: q, requested: pods=1, used: pods=2" in note for note in refusals())
    )
    assert eventually(lambda: status_of(client, namespace).get("currentNumberScheduled") == 2)
    client.merge_patch(RESOURCE_QUOTAS, "q", {"spec": {"hard": {"pods": "3"}}}, namespace=namespace)
    assert eventually(lambda: all_are_ready(client, namespace, 3), 120)


def test_its_pods_go_with_it(client: ClusterClient, namespace: str) -> None:
    make(client, namespace)
    assert eventually(lambda: all_are_ready(client, namespace, 3))
    client.delete(DAEMON_SETS, "agent", namespace)
    assert eventually(lambda: not client.list(PODS, namespace).items)
    assert eventually(lambda: not client.list(CONTROLLER_REVISIONS, namespace).items)
