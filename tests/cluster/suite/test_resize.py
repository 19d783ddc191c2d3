"""A pod is given more or less while it runs, or is told why not: the same on both servers."""

import json

import pytest

from cluster.client import ClusterClient
from cluster.documents import condition_of
from cluster.errors import ClusterError
from cluster.events import events_about
from cluster.kinds import PODS
from tests.cluster.suite.objects import pod
from tests.cluster.waiting import eventually

BEFORE = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}


def start(
    client: ClusterClient, namespace: str, name: str = "p", *, resources=BEFORE, node="cpu-1", **container
) -> dict:
    document = pod(name, node=node, policy="Always")
    document["spec"]["containers"][0] |= {"resources": resources, **container}
    client.create(PODS, document, namespace=namespace)
    assert eventually(lambda: status(client, namespace, name).get("phase") == "Running")
    return client.get(PODS, name, namespace)


def status(client: ClusterClient, namespace: str, name: str = "p") -> dict:
    return client.get(PODS, name, namespace)["status"]


def container(client: ClusterClient, namespace: str, name: str = "p") -> dict:
    return status(client, namespace, name)["containerStatuses"][0]


def resize(client: ClusterClient, namespace: str, name: str = "p", **resources) -> dict:
    patch = {"spec": {"containers": [{"name": "main", "resources": resources}]}}
    return client.strategic_patch(PODS, name, patch, namespace=namespace, subresource="resize")


def told(client: ClusterClient, namespace: str, uid: str) -> dict[str, str]:
    return {event["reason"]: event["note"] for event in events_about(client, namespace, uid)}


def test_a_running_container_says_what_it_has(client, namespace):
    start(client, namespace)

    shown = container(client, namespace)
    assert (shown["resources"], shown["allocatedResources"]) == (BEFORE, BEFORE["requests"])


def test_a_resize_that_fits_is_carried_out_without_a_restart(client, namespace):
    made = start(client, namespace)

    resized = resize(client, namespace, requests={"cpu": "1500m"}, limits={"memory": "3Gi"})

    wanted = {"requests": {"cpu": "1500m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "3Gi"}}
    assert resized["spec"]["containers"][0]["resources"] == wanted
    assert resized["metadata"]["generation"] == made["metadata"]["generation"] + 1
    assert eventually(lambda: container(client, namespace)["resources"] == wanted)
    assert container(client, namespace)["allocatedResources"] == wanted["requests"]
    assert container(client, namespace)["restartCount"] == 0
    assert eventually(lambda: "ResizeCompleted" in told(client, namespace, made["metadata"]["uid"]))
    note = told(client, namespace, made["metadata"]["uid"])["ResizeStarted"]
    summary = json.loads(note.removeprefix("Pod resize started: "))
    assert summary == {
        "containers": [{"name": "main", "resources": wanted}],
        "generation": resized["metadata"]["generation"],
    }


def test_a_container_is_restarted_where_its_policy_says_so(client, namespace):
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    start(client, namespace, resizePolicy=policy)

    resize(client, namespace, requests={"cpu": "1500m"})
    assert eventually(lambda: container(client, namespace)["resources"]["requests"]["cpu"] == "1500m")
    assert container(client, namespace)["restartCount"] == 0

    resize(client, namespace, limits={"memory": "3Gi"})
    assert eventually(lambda: container(client, namespace)["restartCount"] == 1)
    assert eventually(lambda: "running" in container(client, namespace)["state"])
    assert container(client, namespace)["resources"]["limits"]["memory"] == "3Gi"


def test_a_resize_for_which_there_is_no_room_is_put_off_until_there_is(client, namespace):
    start(client, namespace, "other", node="h100-1", resources={"requests": {"cpu": "100"}})
    made = start(client, namespace, node="h100-1")

    resize(client, namespace, requests={"cpu": "150"}, limits={"cpu": "150"})

    def pending() -> dict:
        return condition_of(client.get(PODS, "p", namespace), "PodResizePending") or {}

    assert eventually(lambda: pending().get("reason") == "Deferred")
    assert pending()["message"].startswith("Node didn't have enough resource: cpu, requested: 150000, used: ")
    assert container(client, namespace)["resources"] == BEFORE
    note = told(client, namespace, made["metadata"]["uid"])["ResizeDeferred"]
    assert note.startswith(
        'Pod resize OutOfcpu: {"containers":[{"name":"main","resources":{"limits":{"cpu":"150"'
    )

    client.delete(PODS, "other", namespace)
    assert eventually(lambda: container(client, namespace)["resources"]["requests"]["cpu"] == "150")
    assert eventually(lambda: not pending())


def test_a_resize_that_is_put_off_may_be_taken_back(client, namespace):
    start(client, namespace, "other", node="a100-1", resources={"requests": {"cpu": "20"}})
    start(client, namespace, node="a100-1")
    resize(client, namespace, requests={"cpu": "120"}, limits={"cpu": "120"})
    assert eventually(lambda: condition_of(client.get(PODS, "p", namespace), "PodResizePending"))

    resize(client, namespace, requests={"cpu": "1"}, limits={"cpu": "2"})

    assert eventually(lambda: not condition_of(client.get(PODS, "p", namespace), "PodResizePending"))


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "spec: Invalid value: \"Burstable\": Pod QOS Class may not change as a result of resizing"),
        ({"limits": {"memory": None}}, "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"),
        ({"requests": {"ephemeral-storage": "1Gi"}}, "spec: Forbidden: only cpu and memory resources are mutable"),
        ({"requests": {"cpu": "3"}}, "spec.containers[0].resources.requests: Invalid value: \"3\": must be less than or equal to cpu limit of 2"),
    ],
)  # fmt: skip
def test_what_may_not_be_asked_for_is_refused(client, namespace, resources, sentence):
    start(client, namespace)

    with pytest.raises(ClusterError) as refused:
        resize(client, namespace, **resources)

    assert sentence in refused.value.message


def test_more_than_the_node_has_is_refused_before_it_is_stored(client, namespace):
    start(client, namespace)

    with pytest.raises(ClusterError) as refused:
        resize(client, namespace, requests={"cpu": "64"}, limits={"cpu": "64"})

    assert refused.value.message == (
        'pods "p" is forbidden: node didn\'t have enough allocatable resources:'
        " cpu, requested: 64000, allocatable: 63500"
    )


def test_a_pods_own_resources_are_not_resized_on_these_nodes(client, namespace):
    start(client, namespace)
    patch = {"spec": {"resources": {"requests": {"cpu": "4"}, "limits": {"cpu": "4"}}}}

    with pytest.raises(ClusterError) as refused:
        client.strategic_patch(PODS, "p", patch, namespace=namespace, subresource="resize")

    assert refused.value.message == (
        'pods "p" is forbidden: pod update requires features InPlacePodLevelResourcesVerticalScaling'
        ' which are not available on node "cpu-1"'
    )


def test_resources_are_not_changed_but_by_that_subresource(client, namespace):
    start(client, namespace)
    patch = {"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "1500m"}}}]}}

    with pytest.raises(ClusterError, match="pod updates may not change fields other than"):
        client.strategic_patch(PODS, "p", patch, namespace=namespace)
