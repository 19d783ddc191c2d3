"""What the server does beyond storing: pages, rights, tokens, graceful deletion, emptying namespaces, refusing evictions."""

from pathlib import Path
from typing import Any

import yaml

from cluster.kinds import NODES, PODS
from tests.cluster.servers import ClusterApi, plain_client
from tests.cluster.waiting import eventually

MERGE = "application/merge-patch+json"


def config_map(name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}


def pod(name: str, **labels: str) -> dict[str, Any]:
    containers = [{"name": "c", "image": "example/x:1"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": containers},
    }


def running(api: ClusterApi, name: str, **labels: str) -> None:
    """A pod on an imaginary node that says it is ready."""
    made = api.client.create(PODS, pod(name, **labels), namespace=api.namespace)
    api.client.bind(api.namespace, name, uid=made["metadata"]["uid"], node="imaginary")
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    api.client.merge_patch(PODS, name, {"status": status}, namespace=api.namespace, subresource="status")


def test_all_pages_show_the_same_moment(api: ClusterApi) -> None:
    for number in range(7):
        api.send("POST", api.place("configmaps"), config_map(f"c{number}", labels={"paged": "yes"}))
    path = api.place("configmaps") + "?limit=3&labelSelector=paged"
    first = api.send("GET", path).body
    api.send("DELETE", api.place("configmaps", "c5"))
    api.send("POST", api.place("configmaps"), config_map("c55", labels={"paged": "yes"}))

    names = [item["metadata"]["name"] for item in first["items"]]
    token = first["metadata"]["continue"]
    while token:
        page = api.send("GET", f"{path}&continue={token}").body
        assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        names += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue")
    assert names == [f"c{number}" for number in range(7)]


def test_a_service_account_may_do_what_its_roles_say(api: ClusterApi) -> None:
    rbac = "rbac.authorization.k8s.io"
    api.send(
        "POST",
        api.place("serviceaccounts"),
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}},
    )
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": {"name": "reader"}, "rules": rules}
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "robot"},
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": api.namespace}],
    }
    api.send("POST", api.place("roles", group=rbac), role)
    api.send("POST", api.place("rolebindings", group=rbac), binding)
    asked = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": 600},
    }
    answer = api.send("POST", api.place("serviceaccounts", "robot") + "/token", asked)
    assert answer.status == 201
    token = {"authorization": f"Bearer {answer.body['status']['token']}"}

    assert api.send("GET", api.place("pods"), **token).status == 200
    refused = api.send("DELETE", api.place("pods", "x"), **token)
    assert (refused.status, refused.reason) == (403, "Forbidden")
    assert 'cannot delete resource "pods"' in refused.body["message"]
    assert api.send("GET", "/api/v1/pods", **token).status == 403
    forged = token["authorization"][:-4] + "0000"
    assert api.send("GET", api.place("pods"), authorization=forged).status == 401
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": answer.body["status"]["token"]},
    }
    status = api.send("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review).body["status"]
    assert status["user"]["username"] == f"system:serviceaccount:{api.namespace}:robot"


def test_without_a_token_only_health_is_told(api: ClusterApi) -> None:
    stranger = plain_client(yaml.safe_load(Path(api.kubeconfig).read_text()), "stranger/1", token="")

    assert stranger.get("/readyz").text == "ok"
    assert stranger.get("/version").status_code == 200
    assert stranger.get("/api/v1/pods").status_code == 403
    stranger.close()


def test_a_running_pod_waits_for_its_kubelet(api: ClusterApi) -> None:
    running(api, "p")
    answer = api.send("DELETE", api.place("pods", "p"))
    metadata = answer.body["metadata"]

    assert (answer.status, metadata["deletionGracePeriodSeconds"]) == (200, 30)
    assert metadata["deletionTimestamp"]
    shorter = api.send("DELETE", api.place("pods", "p"), {"gracePeriodSeconds": 5}).body["metadata"]
    assert shorter["deletionGracePeriodSeconds"] == 5
    assert (
        api.send("DELETE", api.place("pods", "p"), {"gracePeriodSeconds": 60}).body["metadata"][
            "deletionGracePeriodSeconds"
        ]
        == 5
    )
    assert api.send("DELETE", api.place("pods", "p"), {"gracePeriodSeconds": 0}).status == 200
    assert api.send("GET", api.place("pods", "p")).status == 404


def test_a_pod_that_never_ran_or_has_ended_goes_at_once(api: ClusterApi) -> None:
    api.client.create(PODS, pod("waiting"), namespace=api.namespace)
    running(api, "ended")
    api.client.merge_patch(
        PODS, "ended", {"status": {"phase": "Succeeded"}}, namespace=api.namespace, subresource="status"
    )

    for name in ("waiting", "ended"):
        assert api.send("DELETE", api.place("pods", name)).status == 200
        assert api.send("GET", api.place("pods", name)).status == 404


def test_a_namespace_goes_when_its_contents_have_gone(api: ClusterApi) -> None:
    running(api, "p")
    api.send("POST", api.place("configmaps"), config_map("held", finalizers=["test/held"]))
    here = f"/api/v1/namespaces/{api.namespace}"
    assert api.send("DELETE", here).body["status"]["phase"] == "Terminating"

    late = api.send("POST", api.place("configmaps"), config_map("late"))
    assert (late.status, late.body["details"]["causes"][0]["reason"]) == (403, "NamespaceTerminating")
    assert eventually(lambda: "deletionTimestamp" in api.send("GET", api.place("pods", "p")).body["metadata"])
    assert eventually(
        lambda: "deletionTimestamp" in api.send("GET", api.place("configmaps", "held")).body["metadata"]
    )
    assert api.send("GET", here).status == 200

    api.send("DELETE", api.place("pods", "p"), {"gracePeriodSeconds": 0})
    api.send("PATCH", api.place("configmaps", "held"), {"metadata": {"finalizers": None}}, MERGE)
    assert eventually(lambda: api.send("GET", here).status == 404)


def test_a_budget_refuses_the_eviction_that_would_break_it(api: ClusterApi) -> None:
    for name in ("a", "b"):
        running(api, name, app="web")
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": spec,
    }
    place = api.place("poddisruptionbudgets", "web", group="policy")
    api.send("POST", api.place("poddisruptionbudgets", group="policy"), budget)

    def evict(name: str) -> int:
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        return api.send("POST", api.place("pods", name) + "/eviction", body).status

    assert evict("a") == 429  # its controller has not counted yet
    counted = {"observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 2, "desiredHealthy": 1}
    api.send("PATCH", f"{place}/status", {"status": counted}, MERGE)
    assert evict("a") == 201
    assert evict("b") == 429
    assert list(api.send("GET", place).body["status"]["disruptedPods"]) == ["a"]
    conditions = api.client.get(PODS, "a", api.namespace)["status"]["conditions"]
    assert [c["reason"] for c in conditions if c["type"] == "DisruptionTarget"] == ["EvictionByEvictionAPI"]


def test_a_node_without_a_kubelet_says_so(api: ClusterApi) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"n-{api.namespace}"}}
    api.client.create(NODES, node)
    path = f"/api/v1/nodes/n-{api.namespace}"

    assert api.send("GET", path + "/proxy/metrics").status == 500
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 1}},
    }
    api.send("PATCH", path + "/status", {"status": status}, MERGE)
    unreachable = api.send("GET", path + "/proxy/metrics")
    assert (unreachable.status, unreachable.reason) == (503, "ServiceUnavailable")
    api.client.delete(NODES, f"n-{api.namespace}")


def test_generated_names_are_different(api: ClusterApi) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "g-"}}
    names = {api.send("POST", api.place("configmaps"), body).body["metadata"]["name"] for _ in range(20)}

    assert len(names) == 20
    assert all(name.startswith("g-") and len(name) == 7 for name in names)


def test_a_body_that_is_too_large_is_refused(api: ClusterApi) -> None:
    assert api.send("POST", api.place("configmaps"), b"x" * (4 * 1024 * 1024)).status == 413


def test_an_apply_of_the_same_changes_nothing(api: ClusterApi) -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    path = api.place("configmaps", "c") + "?fieldManager=me"
    first = api.send("PATCH", path, document, "application/apply-patch+yaml")
    second = api.send("PATCH", path, document, "application/apply-patch+yaml")

    assert (first.status, second.status) == (201, 200)
    assert first.body == second.body
