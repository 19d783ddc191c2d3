"""StatefulSets and the budgets that protect pods work the same on both servers."""

from typing import Any

import pytest

from cluster.client import ClusterClient
from cluster.errors import ClusterUnavailable, NotFound
from cluster.kinds import (
    CONTROLLER_REVISIONS,
    PERSISTENT_VOLUME_CLAIMS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    STATEFUL_SETS,
)
from cluster.pods import is_ready
from tests.cluster.suite.objects import pod
from tests.cluster.waiting import eventually

LABELS = {"app": "db"}


def stateful_set(replicas: int = 2, **spec: Any) -> dict[str, Any]:
    template = pod("unused", node="cpu-1", policy="Always")
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db"},
        "spec": {
            "replicas": replicas,
            "serviceName": "db",
            "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS, "annotations": template["metadata"]["annotations"]},
                "spec": template["spec"],
            },
            **spec,
        },
    }


def pods_of(client: ClusterClient, namespace: str) -> dict[str, dict[str, Any]]:
    found = client.list(PODS, namespace, label_selector="app=db").items
    return {one["metadata"]["name"]: one for one in found}


def are_ready(client: ClusterClient, namespace: str, *names: str) -> bool:
    found = pods_of(client, namespace)
    return found.keys() == set(names) and all(is_ready(one) for one in found.values())


def test_pods_are_made_in_order_with_lasting_names_and_claims(client, namespace):
    claims = [
        {
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
    ]
    client.create(STATEFUL_SETS, stateful_set(volumeClaimTemplates=claims), namespace=namespace)

    assert eventually(lambda: are_ready(client, namespace, "db-0", "db-1"), 40)
    made = pods_of(client, namespace)
    assert made["db-0"]["metadata"]["creationTimestamp"] <= made["db-1"]["metadata"]["creationTimestamp"]
    for number, name in enumerate(("db-0", "db-1")):
        labels, spec = made[name]["metadata"]["labels"], made[name]["spec"]
        assert labels["statefulset.kubernetes.io/pod-name"] == name
        assert labels["apps.kubernetes.io/pod-index"] == str(number)
        assert (spec["hostname"], spec["subdomain"]) == (name, "db")
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        assert volumes["data"]["persistentVolumeClaim"]["claimName"] == f"data-{name}"
    found = {one["metadata"]["name"] for one in client.list(PERSISTENT_VOLUME_CLAIMS, namespace).items}
    assert found == {"data-db-0", "data-db-1"}

    before = made["db-0"]["metadata"]["uid"]
    client.delete(PODS, "db-0", namespace)
    assert eventually(
        lambda: pods_of(client, namespace).get("db-0", made["db-0"])["metadata"]["uid"] != before, 30
    )
    assert eventually(lambda: are_ready(client, namespace, "db-0", "db-1"), 40)

    def has_both_of_one_revision() -> bool:  # told after the pods themselves are ready
        status = client.get(STATEFUL_SETS, "db", namespace)["status"]
        return status["replicas"] == 2 and status["currentRevision"] == status["updateRevision"]

    assert eventually(has_both_of_one_revision)

    client.merge_patch(STATEFUL_SETS, "db", {"spec": {"replicas": 1}}, namespace=namespace)
    assert eventually(lambda: are_ready(client, namespace, "db-0"), 30)
    assert {
        one["metadata"]["name"] for one in client.list(PERSISTENT_VOLUME_CLAIMS, namespace).items
    } == found


def test_a_pod_that_does_not_get_ready_holds_up_the_next_unless_parallel(client, namespace):
    waiting = stateful_set(podManagementPolicy="OrderedReady")
    waiting["spec"]["template"]["spec"].pop("nodeName")  # nobody schedules these
    client.create(STATEFUL_SETS, waiting, namespace=namespace)
    assert eventually(lambda: pods_of(client, namespace).keys() == {"db-0"})
    assert not eventually(lambda: "db-1" in pods_of(client, namespace), 1.5)
    client.delete(STATEFUL_SETS, "db", namespace)
    assert eventually(lambda: not pods_of(client, namespace), 30)

    waiting["spec"]["podManagementPolicy"] = "Parallel"
    client.create(STATEFUL_SETS, waiting, namespace=namespace)
    assert eventually(lambda: pods_of(client, namespace).keys() == {"db-0", "db-1"})


def test_a_new_template_reaches_the_pods_from_the_last_on_and_stops_at_the_partition(client, namespace):
    partition = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    client.create(
        STATEFUL_SETS, stateful_set(updateStrategy=partition, ordinals={"start": 3}), namespace=namespace
    )
    assert eventually(lambda: are_ready(client, namespace, "db-3", "db-4"), 40)

    newer = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "example/image:2"}]
    client.json_patch(STATEFUL_SETS, "db", newer, namespace=namespace)

    def images() -> dict[str, str]:
        return {
            name: one["spec"]["containers"][0]["image"]
            for name, one in pods_of(client, namespace).items()
            if is_ready(one)
        }

    assert eventually(lambda: images() == {"db-3": "example/image:1", "db-4": "example/image:2"}, 40)
    status = client.get(STATEFUL_SETS, "db", namespace)["status"]
    assert status["currentRevision"] != status["updateRevision"]
    nothing_held = {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}
    client.merge_patch(STATEFUL_SETS, "db", nothing_held, namespace=namespace)
    assert eventually(lambda: images() == {"db-3": "example/image:2", "db-4": "example/image:2"}, 40)
    numbers = {one["revision"] for one in client.list(CONTROLLER_REVISIONS, namespace).items}
    assert numbers == {1, 2}

    def is_settled() -> bool:
        status = client.get(STATEFUL_SETS, "db", namespace)["status"]
        return status["currentRevision"] == status["updateRevision"] and status.get("updatedReplicas") == 2

    assert eventually(is_settled)


def budget(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": LABELS}, **spec},
    }


def evict(client: ClusterClient, namespace: str, name: str) -> None:
    client.evict(namespace, name, uid=client.get(PODS, name, namespace)["metadata"]["uid"])


def allowed(client: ClusterClient, namespace: str, name: str = "db") -> tuple[int, ...]:
    status = client.get(POD_DISRUPTION_BUDGETS, name, namespace).get("status") or {}
    fields = ("expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed")
    return tuple(status.get(field, -1) for field in fields)


@pytest.mark.parametrize("spec", [{"minAvailable": 1}, {"maxUnavailable": "50%"}])
def test_a_budget_counts_pods_and_lets_only_so_many_go(client, namespace, spec):
    client.create(STATEFUL_SETS, stateful_set(podManagementPolicy="Parallel"), namespace=namespace)
    client.create(POD_DISRUPTION_BUDGETS, budget("db", **spec), namespace=namespace)
    assert eventually(lambda: allowed(client, namespace) == (2, 1, 2, 1), 40)

    before = pods_of(client, namespace)["db-0"]["metadata"]["uid"]
    evict(client, namespace, "db-0")
    with pytest.raises(ClusterUnavailable) as refused:
        evict(client, namespace, "db-1")
    assert refused.value.code == 429
    assert refused.value.reason == "TooManyRequests"
    assert [cause.reason for cause in refused.value.causes] == ["DisruptionBudget"]
    assert "The disruption budget db " in refused.value.causes[0].message

    assert eventually(
        lambda: (
            pods_of(client, namespace).get("db-0", {"metadata": {"uid": before}})["metadata"]["uid"] != before
        ),
        30,
    )
    assert eventually(lambda: allowed(client, namespace) == (2, 1, 2, 1), 40)
    conditions = client.get(POD_DISRUPTION_BUDGETS, "db", namespace)["status"]["conditions"]
    assert [(c["type"], c["status"], c["reason"]) for c in conditions] == [
        ("DisruptionAllowed", "True", "SufficientPods")
    ]


def test_pods_that_nobody_manages_are_counted_only_for_a_plain_number(client, namespace):
    for name in ("a", "b"):
        one = pod(name, node="cpu-1")
        one["metadata"]["labels"] = LABELS
        client.create(PODS, one, namespace=namespace)
    client.create(POD_DISRUPTION_BUDGETS, budget("number", minAvailable=1), namespace=namespace)
    assert eventually(lambda: allowed(client, namespace, "number") == (2, 1, 2, 1), 30)
    # only now: of two budgets the real controller tells one, whichever, of a change of their pods
    client.create(POD_DISRUPTION_BUDGETS, budget("share", maxUnavailable=1), namespace=namespace)
    assert eventually(lambda: allowed(client, namespace, "share") == (0, 0, 2, 0), 30)
    with pytest.raises(ClusterUnavailable, match="more than one PodDisruptionBudget"):
        evict(client, namespace, "a")
    client.delete(POD_DISRUPTION_BUDGETS, "share", namespace)
    evict(client, namespace, "a")
    assert eventually(lambda: _is_gone(client, namespace, "a"), 30)


def _is_gone(client: ClusterClient, namespace: str, name: str) -> bool:
    try:
        client.get(PODS, name, namespace)
    except NotFound:
        return True
    return False
