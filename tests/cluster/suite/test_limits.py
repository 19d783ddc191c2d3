"""What a namespace allows: LimitRanges and ResourceQuotas, and what those do whose pods are refused."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.client import ClusterClient
from cluster.documents import Document, condition_of, name_of
from cluster.errors import Forbidden
from cluster.kinds import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    LIMIT_RANGES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    RESOURCE_QUOTAS,
    SERVICES,
)
from tests.cluster.suite.objects import config_map, job, pod
from tests.cluster.suite.test_controllers_events import lasting, make_stateful_set, told
from tests.cluster.waiting import eventually


def make_quota(client: ClusterClient, namespace: str, name: str = "all", **spec: Any) -> None:
    """And wait until it is counted: before that it limits nothing."""
    document = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": spec}
    client.create(RESOURCE_QUOTAS, document, namespace=namespace)
    assert eventually(lambda: status_of(client, namespace, name).get("hard") == spec["hard"])
    assert eventually(lambda: "used" in status_of(client, namespace, name))


def status_of(client: ClusterClient, namespace: str, name: str = "all") -> Document:
    found: Document = client.get(RESOURCE_QUOTAS, name, namespace).get("status") or {}
    return found


def used(client: ClusterClient, namespace: str, name: str = "all") -> dict[str, str]:
    found: dict[str, str] = status_of(client, namespace, name).get("used") or {}
    return found


def limited(name: str, *, gpus: int = 0, cpu: str = "100m", memory: str = "64Mi", **more: Any) -> Document:
    made = pod(name, **more)
    limits = {"cpu": cpu, "memory": memory} | ({"nvidia.com/gpu": str(gpus)} if gpus else {})
    made["spec"]["containers"][0]["resources"] = {"limits": limits}
    return made


def refused(client: ClusterClient, namespace: str, document: Document) -> str:
    with pytest.raises(Forbidden) as refusal:
        client.create(PODS, document, namespace=namespace)
    return refusal.value.message


def test_a_limit_range_fills_in_and_refuses(client: ClusterClient, namespace: str) -> None:
    limit = {"type": "Container", "max": {"memory": "1Gi"}, "default": {"cpu": "500m"}}
    document = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "l"},
        "spec": {"limits": [limit]},
    }
    client.create(LIMIT_RANGES, document, namespace=namespace)

    def filled() -> Document:
        made = client.create(PODS, pod("silent"), namespace=namespace)
        client.delete(PODS, "silent", namespace, grace_seconds=0)
        found: Document = made["spec"]["containers"][0]["resources"]
        return found

    asked = {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "500m", "memory": "1Gi"}}
    assert eventually(lambda: filled() == asked)
    said = refused(client, namespace, limited("greedy", memory="2Gi"))
    assert said == 'pods "greedy" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi'


def test_a_quota_refuses_what_does_not_fit(client: ClusterClient, namespace: str) -> None:
    hard = {"pods": "2", "requests.cpu": "500m", "limits.memory": "1Gi", "requests.nvidia.com/gpu": "3"}
    make_quota(client, namespace, hard=hard)

    said = refused(client, namespace, pod("silent"))
    assert said == 'pods "silent" is forbidden: failed quota: all: must specify limits.memory for: main'

    client.create(PODS, limited("one", gpus=2, cpu="400m"), namespace=namespace)
    taken = {"pods": "1", "requests.cpu": "400m", "limits.memory": "64Mi", "requests.nvidia.com/gpu": "2"}
    assert eventually(lambda: used(client, namespace) == taken)
    said = refused(client, namespace, limited("two", gpus=2, cpu="200m"))
    assert said == (
        'pods "two" is forbidden: exceeded quota: all, requested: requests.cpu=200m,requests.nvidia.com/gpu=2,'
        " used: requests.cpu=400m,requests.nvidia.com/gpu=2, limited: requests.cpu=500m,requests.nvidia.com/gpu=3"
    )
    client.create(PODS, limited("two", gpus=1), namespace=namespace)
    said = refused(client, namespace, limited("three", cpu="0"))
    assert (
        said
        == 'pods "three" is forbidden: exceeded quota: all, requested: pods=1, used: pods=2, limited: pods=2'
    )
    assert eventually(lambda: used(client, namespace)["limits.memory"] == "128Mi")


def test_what_ends_or_goes_is_given_back(client: ClusterClient, namespace: str) -> None:
    make_quota(client, namespace, hard={"pods": "2", "count/pods": "9", "requests.nvidia.com/gpu": "8"})

    client.create(PODS, pod("short", gpus=4, node="h100-1", run_seconds="1"), namespace=namespace)
    client.create(PODS, pod("long", gpus=4, node="h100-1", run_seconds="3600"), namespace=namespace)
    both = {"pods": "2", "count/pods": "2", "requests.nvidia.com/gpu": "8"}
    assert used(client, namespace) == both or eventually(
        lambda: client.get(PODS, "short", namespace)["status"]["phase"] == "Succeeded"
    )
    one = {"pods": "1", "count/pods": "2", "requests.nvidia.com/gpu": "4"}
    assert eventually(lambda: used(client, namespace) == one)

    client.delete(PODS, "long", namespace)
    none = {"pods": "0", "count/pods": "1", "requests.nvidia.com/gpu": "0"}
    assert eventually(lambda: used(client, namespace) == none)


def test_quotas_count_other_objects_too(client: ClusterClient, namespace: str) -> None:
    hard = {
        "configmaps": "9",
        "count/configmaps": "3",
        "count/jobs.batch": "1",
        "persistentvolumeclaims": "1",
        "requests.storage": "2Gi",
        "services": "2",
        "services.nodeports": "1",
    }
    before = len(client.list(CONFIG_MAPS, namespace).items)
    make_quota(client, namespace, hard=hard)
    for number in range(before, 3):
        client.create(CONFIG_MAPS, config_map(f"map-{number}"), namespace=namespace)
    with pytest.raises(Forbidden) as refusal:
        client.create(CONFIG_MAPS, config_map("more"), namespace=namespace)
    assert refusal.value.message == (
        'configmaps "more" is forbidden: exceeded quota: all, requested: count/configmaps=1,'
        " used: count/configmaps=3, limited: count/configmaps=3"
    )
    client.delete(CONFIG_MAPS, "map-2", namespace)
    assert eventually(lambda: used(client, namespace)["configmaps"] == "2")

    client.create(JOBS, job("first", suspend=True), namespace=namespace)
    with pytest.raises(Forbidden, match=r"count/jobs\.batch=1"):
        client.create(JOBS, job("second", suspend=True), namespace=namespace)
    client.create(PERSISTENT_VOLUME_CLAIMS, claim("disk", "1536Mi"), namespace=namespace)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    spec = {"type": "NodePort", "ports": [{"port": 80}], "selector": {"app": "web"}}
    client.create(SERVICES, {**service, "spec": spec}, namespace=namespace)
    one_of_each = dict.fromkeys(
        ["count/jobs.batch", "persistentvolumeclaims", "services", "services.nodeports"], "1"
    )
    # the real controller may write an elder count over that of the admission, and then counts again
    assert eventually(
        lambda: {**one_of_each, "requests.storage": "1536Mi"}.items() <= used(client, namespace).items()
    )


def claim(name: str, storage: str) -> Document:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def test_scopes_say_which_pods_a_quota_is_about(client: ClusterClient, namespace: str) -> None:
    make_quota(client, namespace, "ending", hard={"pods": "1"}, scopes=["Terminating"])
    make_quota(client, namespace, "careless", hard={"pods": "0"}, scopes=["BestEffort"])
    classes = {"scopeName": "PriorityClass", "operator": "In", "values": ["system-node-critical"]}
    make_quota(client, namespace, "urgent", hard={"pods": "0"}, scopeSelector={"matchExpressions": [classes]})

    client.create(PODS, pod("lasting"), namespace=namespace)
    ending = pod("ending")
    ending["spec"]["activeDeadlineSeconds"] = 3600
    client.create(PODS, ending, namespace=namespace)
    assert eventually(lambda: used(client, namespace, "ending") == {"pods": "1"})

    careless, urgent = pod("careless"), pod("urgent")
    careless["spec"]["containers"][0]["resources"] = {}
    urgent["spec"]["priorityClassName"] = "system-node-critical"
    assert "exceeded quota: careless" in refused(client, namespace, careless)
    assert "exceeded quota: urgent" in refused(client, namespace, urgent)
    ending["metadata"]["name"] = "another"
    assert "exceeded quota: ending" in refused(client, namespace, ending)


def test_a_changed_quota_counts_at_once_what_is_there(client: ClusterClient, namespace: str) -> None:
    client.create(PODS, pod("early", gpus=1), namespace=namespace)
    make_quota(client, namespace, hard={"pods": "1"})
    assert "exceeded quota" in refused(client, namespace, pod("late"))

    client.merge_patch(
        RESOURCE_QUOTAS,
        "all",
        {"spec": {"hard": {"pods": "2", "requests.nvidia.com/gpu": "5"}}},
        namespace=namespace,
    )
    counted = {"pods": "1", "requests.nvidia.com/gpu": "1"}
    assert eventually(lambda: used(client, namespace) == counted)
    client.create(PODS, pod("late", gpus=1), namespace=namespace)


# --- controllers whose pods are refused --------------------------------------------------------------------------------


def notes(client: ClusterClient, namespace: str, kind: str) -> Iterator[str]:
    for _, reason, note in told(client, namespace, kind):
        if reason == "FailedCreate":
            yield note


def test_a_job_goes_on_trying_until_its_pods_fit(client: ClusterClient, namespace: str) -> None:
    make_quota(client, namespace, hard={"pods": "1"})
    work = job("wide", parallelism=2, completions=2, told={"run_seconds": "2"})
    client.create(JOBS, work, namespace=namespace)

    quota = "exceeded quota: all, requested: pods=1, used: pods=1, limited: pods=1"
    assert eventually(lambda: any(note.endswith(quota) for note in notes(client, namespace, "Job")))
    assert next(notes(client, namespace, "Job")).startswith('Error creating: pods "it-')
    assert eventually(lambda: (client.get(JOBS, "wide", namespace).get("status") or {}).get("active") == 1)
    assert eventually(lambda: condition_of(client.get(JOBS, "wide", namespace), "Complete") is not None, 120)
    assert client.get(JOBS, "wide", namespace)["status"]["succeeded"] == 2
    assert eventually(lambda: used(client, namespace) == {"pods": "0"})


def test_a_deployment_says_that_its_pods_are_refused(client: ClusterClient, namespace: str) -> None:
    make_quota(client, namespace, hard={"pods": "1"})
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "d"}}, "template": lasting(app="d")}
    document = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "page"}, "spec": spec}
    client.create(DEPLOYMENTS, document, namespace=namespace)

    def failure() -> Document:
        found: Any = condition_of(client.get(DEPLOYMENTS, "page", namespace), "ReplicaFailure")
        return dict(found or {})

    assert eventually(lambda: failure().get("status") == "True")
    assert failure()["reason"] == "FailedCreate"
    assert "exceeded quota: all" in failure()["message"]
    assert eventually(
        lambda: any("exceeded quota" in note for note in notes(client, namespace, "ReplicaSet"))
    )

    client.merge_patch(RESOURCE_QUOTAS, "all", {"spec": {"hard": {"pods": "2"}}}, namespace=namespace)
    assert eventually(lambda: len(client.list(PODS, namespace).items) == 2, 120)
    assert eventually(lambda: not failure())


def test_a_stateful_set_says_that_its_pods_are_refused(client: ClusterClient, namespace: str) -> None:
    make_quota(client, namespace, hard={"pods": "0"})
    make_stateful_set(client, namespace)

    said = (
        'Create Pod it-0 in StatefulSet it failed error: pods "it-0" is forbidden:'
        " exceeded quota: all, requested: pods=1, used: pods=0, limited: pods=0"
    )
    assert eventually(lambda: said in notes(client, namespace, "StatefulSet"))
    client.merge_patch(RESOURCE_QUOTAS, "all", {"spec": {"hard": {"pods": "1"}}}, namespace=namespace)
    assert eventually(lambda: [name_of(one) for one in client.list(PODS, namespace).items] == ["set-0"], 120)
