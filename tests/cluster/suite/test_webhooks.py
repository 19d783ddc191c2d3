"""Admission webhooks are called as configured, on both servers."""

import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.errors import NotFound
from cluster.kinds import Kind
from tests.cluster.servers import ClusterApi, Reply
from tests.cluster.suite.objects import config_map, pod
from tests.cluster.waiting import eventually
from tests.cluster.webhook_server import WebhookServer, allow, configuration, hook, labelled, patched

MUTATING = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "mutatingwebhookconfigurations",
    "MutatingWebhookConfiguration",
    namespaced=False,
)
VALIDATING = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    namespaced=False,
)
DEAD = "https://127.0.0.1:9/"


@pytest.fixture(scope="module")
def webhooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookServer]:
    with WebhookServer(tmp_path_factory.mktemp("webhooks")).running() as server:
        yield server


class Configured:
    """Configurations for the test's namespace only, and their removal."""

    def __init__(self, api: ClusterApi) -> None:
        self.api = api
        self._made: list[tuple[Kind, str]] = []

    def __call__(self, kind: Kind, *hooks: dict[str, Any], name: str = "") -> None:
        """Returns once the server asks: it may take a moment to hear of them."""
        name = name or f"t-{secrets.token_hex(4)}"
        here = {"matchLabels": {"kubernetes.io/metadata.name": self.api.namespace}}
        narrowed = [{"namespaceSelector": here, **one} for one in hooks]
        mark = secrets.token_hex(4)
        narrowed.append(_mark(mark, here))
        first = "Mutating" if kind is MUTATING else "Validating"
        self.api.client.create(kind, configuration(first, name, *narrowed))
        self._made.append((kind, name))
        assert eventually(lambda: self._is_marked(mark), 30)

    def _is_marked(self, mark: str) -> bool:
        """A dry run that only a webhook nobody can reach would refuse."""
        document = {"metadata": {"name": "probe", "labels": {"mark": mark}}, "spec": {"limits": []}}
        return self.api.send("POST", self.api.place("limitranges") + "?dryRun=All", document).status == 500

    def remove(self) -> None:
        for kind, name in self._made:
            self.api.client.delete(kind, name)


def _mark(mark: str, here: dict[str, Any]) -> dict[str, Any]:
    more = {"objectSelector": {"matchLabels": {"mark": mark}}, "namespaceSelector": here}
    return hook(f"mark-{mark}", {"url": DEAD}, "limitranges", **more)


@pytest.fixture
def configured(cluster_api: ClusterApi) -> Iterator[Configured]:
    made = Configured(cluster_api)
    yield made
    made.remove()


def create(api: ClusterApi, name: str = "a", query: str = "", **labels: str) -> Reply:
    document = {**config_map(name, n="1"), "metadata": {"name": name, "labels": {"own": "yes", **labels}}}
    return api.send("POST", api.place("configmaps") + query, document)


def exists(api: ClusterApi, name: str = "a") -> bool:
    return api.send("GET", api.place("configmaps", name)).status == 200


def test_a_mutating_webhook_sees_what_is_asked_and_changes_it(cluster_api, configured, webhooks):
    webhooks.answer("/pods", lambda request: labelled("from", "webhook"))
    configured(MUTATING, hook("pods", webhooks.client_config("/pods"), "pods"))
    wanted = {**pod("p"), "metadata": {"generateName": "p-", "labels": {"own": "yes"}}}

    made = cluster_api.send("POST", cluster_api.place("pods"), wanted).body

    assert made["metadata"]["labels"] == {"own": "yes", "from": "webhook"}
    (asked,) = webhooks.asked["/pods"]
    assert (asked["operation"], asked["dryRun"], asked["namespace"]) == (
        "CREATE",
        False,
        cluster_api.namespace,
    )
    assert asked["kind"] == asked["requestKind"] == {"group": "", "version": "v1", "kind": "Pod"}
    assert asked["resource"] == {"group": "", "version": "v1", "resource": "pods"}
    assert asked["userInfo"]["username"] == "admin"
    assert "system:masters" in asked["userInfo"]["groups"]
    assert asked["oldObject"] is None
    sent = asked["object"]
    assert sent["spec"]["serviceAccountName"] == "default"  # the server's own admission came first
    assert "uid" not in sent["metadata"]  # not made up yet
    assert "name" not in sent["metadata"]


def test_a_validating_webhook_sees_the_whole_and_may_refuse_it(cluster_api, configured, webhooks):
    causes = [{"reason": "FieldValueForbidden", "field": "data.n", "message": "must not be 1"}]
    status = {"code": 422, "reason": "Invalid", "message": "no", "details": {"causes": causes}}
    webhooks.answer("/change", lambda request: labelled("from", "webhook"))
    webhooks.answer("/judge", lambda request: {"allowed": False, "status": status})
    configured(MUTATING, hook("change", webhooks.client_config("/change"), "configmaps"))
    configured(VALIDATING, hook("judge", webhooks.client_config("/judge"), "configmaps"))

    answer = create(cluster_api)

    assert (answer.status, answer.reason) == (422, "Invalid")
    assert answer.body["message"] == 'admission webhook "judge.webhooks.test" denied the request: no'
    assert answer.body["details"]["causes"] == causes
    assert not exists(cluster_api)
    judged = webhooks.asked["/judge"][-1]["object"]
    assert judged["metadata"]["labels"]["from"] == "webhook"
    assert judged["metadata"]["uid"]
    assert judged["metadata"]["name"] == "a"


def test_a_refusal_without_words_is_a_bad_request(cluster_api, configured, webhooks):
    webhooks.answer("/judge", lambda request: {"allowed": False, "status": {"code": 200}})
    configured(VALIDATING, hook("judge", webhooks.client_config("/judge"), "configmaps"))

    answer = create(cluster_api)

    assert answer.status == 400
    assert (
        answer.body["message"]
        == 'admission webhook "judge.webhooks.test" denied the request without explanation'
    )


def test_webhooks_are_asked_in_order_and_again_when_needed(cluster_api, configured, webhooks):
    """`first` wants to see what `second` does; `third` does not want to be asked twice."""

    def count(request: dict[str, Any]) -> dict[str, Any]:
        labels = request["object"]["metadata"]["labels"]
        return labelled("seen", "-".join(sorted(set(labels) - {"seen"})))

    webhooks.answer("/first", count)
    webhooks.answer("/second", lambda request: labelled("second", "yes"))
    webhooks.answer("/third", allow)
    configured(
        MUTATING,
        hook("third", webhooks.client_config("/third"), "configmaps"),
        hook("first", webhooks.client_config("/first"), "configmaps", reinvocationPolicy="IfNeeded"),
        hook("second", webhooks.client_config("/second"), "configmaps"),
    )

    made = create(cluster_api).body

    assert made["metadata"]["labels"] == {"own": "yes", "second": "yes", "seen": "own-second"}
    asked = {path: len(webhooks.asked[path]) for path in ("/third", "/first", "/second")}
    assert asked == {"/third": 1, "/first": 2, "/second": 1}


def test_only_what_is_configured_is_asked_about(cluster_api, configured, webhooks):
    webhooks.answer("/chosen")
    chosen = {"matchExpressions": [{"key": "chosen", "operator": "Exists"}]}
    configured(
        VALIDATING, hook("chosen", webhooks.client_config("/chosen"), "configmaps", objectSelector=chosen)
    )

    create(cluster_api, "plain")
    cluster_api.send("DELETE", cluster_api.place("configmaps", "plain"))
    cluster_api.send(
        "POST", cluster_api.place("secrets"), {"metadata": {"name": "s", "labels": {"chosen": ""}}}
    )
    elsewhere = {"metadata": {"name": f"e-{secrets.token_hex(4)}", "labels": {"chosen": ""}}}
    assert cluster_api.send("POST", "/api/v1/namespaces/default/configmaps", elsewhere).status == 201
    cluster_api.send("DELETE", f"/api/v1/namespaces/default/configmaps/{elsewhere['metadata']['name']}")
    assert webhooks.asked["/chosen"] == []

    create(cluster_api, "b", chosen="yes")
    unlabel = {"metadata": {"labels": {"chosen": None}}}
    merge = "application/merge-patch+json"
    cluster_api.send(
        "PATCH", cluster_api.place("configmaps", "b"), unlabel, merge
    )  # the old labels count too
    cluster_api.send("PATCH", cluster_api.place("configmaps", "b"), {"data": {"n": "2"}}, merge)

    assert [asked["operation"] for asked in webhooks.asked["/chosen"]] == ["CREATE", "UPDATE"]
    update = webhooks.asked["/chosen"][1]
    assert update["oldObject"]["metadata"]["labels"] == {"own": "yes", "chosen": "yes"}
    assert update["options"]["kind"] == "UpdateOptions"


def test_subresources_are_named_by_themselves(cluster_api, configured, webhooks):
    webhooks.answer("/status")
    webhooks.answer("/binding")
    webhooks.answer("/eviction")
    configured(
        VALIDATING,
        hook("status", webhooks.client_config("/status"), "pods/status"),
        hook("binding", webhooks.client_config("/binding"), "pods/binding"),
        hook("eviction", webhooks.client_config("/eviction"), "pods/eviction"),
    )
    place = cluster_api.place("pods", "p")
    cluster_api.send("POST", cluster_api.place("pods"), pod("p"))
    running = {"status": {"phase": "Running"}}
    cluster_api.send("PATCH", f"{place}/status", running, "application/merge-patch+json")
    bound = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "nowhere"}}
    assert cluster_api.send("POST", f"{place}/binding", bound).status == 201
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    assert cluster_api.send("POST", f"{place}/eviction", eviction).status == 201

    (status,), (binding,), (evicted,) = (
        webhooks.asked[path] for path in ("/status", "/binding", "/eviction")
    )
    assert (status["operation"], status["subResource"]) == ("UPDATE", "status")
    assert status["object"]["status"]["phase"] == "Running"
    assert (binding["operation"], binding["kind"]["kind"]) == ("CREATE", "Binding")
    assert binding["object"]["target"]["name"] == "nowhere"
    assert (evicted["operation"], evicted["kind"]["kind"]) == ("CREATE", "Eviction")


def test_a_webhook_that_is_down_blocks_only_where_it_must_be_asked(cluster_api, configured, webhooks):
    configured(
        VALIDATING,
        hook("must", {"url": DEAD}, "configmaps", objectSelector={"matchLabels": {"strict": "yes"}}),
        hook("may", {"url": DEAD}, "configmaps", failurePolicy="Ignore"),
    )

    blocked, passed = create(cluster_api, "blocked", strict="yes"), create(cluster_api, "passed")

    assert (blocked.status, blocked.reason) == (500, "InternalError")
    assert (
        'failed calling webhook "must.webhooks.test": failed to call webhook: Post' in blocked.body["message"]
    )
    assert passed.status == 201
    assert not exists(cluster_api, "blocked")


def test_a_service_without_a_network_is_a_webhook_that_is_down(cluster_api, configured, webhooks):
    service = {"service": {"name": "nobody", "namespace": cluster_api.namespace, "path": "/x"}}
    strict = {"matchLabels": {"strict": "yes"}}
    configured(
        MUTATING,
        hook("must", service, "configmaps", objectSelector=strict),
        hook("may", service, "configmaps", failurePolicy="Ignore"),
    )

    assert create(cluster_api, "blocked", strict="yes").status == 500
    assert create(cluster_api, "passed").status == 201


def test_a_slow_webhook_is_not_waited_for_longer_than_told(cluster_api, configured, webhooks):
    def slow(request: dict[str, Any]) -> dict[str, Any]:
        time.sleep(4)
        return {"allowed": True}

    webhooks.answer("/slow", slow)
    configured(VALIDATING, hook("slow", webhooks.client_config("/slow"), "configmaps", timeoutSeconds=1))

    begun = time.monotonic()
    answer = create(cluster_api)

    assert answer.status == 500
    assert "deadline exceeded" in answer.body["message"]
    assert 0.9 < time.monotonic() - begun < 4


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        (VALIDATING, {"uid": "other", "allowed": True}, "expected response.uid="),
        (VALIDATING, patched({"op": "remove", "path": "/data"}), "validating webhook may not return"),
        (MUTATING, {"allowed": True, "patch": "W10="}, "but not response.patchType"),
        (MUTATING, patched({"op": "remove", "path": "/data/none"}), "remove"),
    ],
)
def test_an_answer_that_is_none_is_a_failure(cluster_api, configured, webhooks, kind, said, told):
    webhooks.answer("/odd", lambda request: said)
    configured(kind, hook("odd", webhooks.client_config("/odd"), "configmaps"))

    answer = create(cluster_api)

    assert answer.status == 500
    assert told in answer.body["message"]


def test_warnings_reach_the_client_also_with_a_refusal(cluster_api, configured, webhooks):
    webhooks.answer("/warn", lambda request: {"allowed": True, "warnings": ["be careful", 'with "this"']})
    webhooks.answer("/judge", lambda request: {"allowed": "b" not in request["name"], "warnings": ["last"]})
    configured(MUTATING, hook("warn", webhooks.client_config("/warn"), "configmaps"))
    configured(VALIDATING, hook("judge", webhooks.client_config("/judge"), "configmaps"))

    passed, refused = create(cluster_api, "a"), create(cluster_api, "b")

    assert (passed.status, refused.status) == (201, 400)
    for answer in (passed, refused):
        assert [text.strip() for text in answer.headers["warning"].split(", ")] == [
            '299 - "be careful"',
            '299 - "with \\"this\\""',
            '299 - "last"',
        ]


def test_a_dry_run_is_told_and_leaves_nothing(cluster_api, configured, webhooks):
    webhooks.answer("/dry", lambda request: labelled("dry", str(request["dryRun"]).lower()))
    configured(
        MUTATING,
        hook("dry", webhooks.client_config("/dry"), "configmaps", sideEffects="NoneOnDryRun"),
    )

    answer = create(cluster_api, "a", "?dryRun=All")

    assert answer.body["metadata"]["labels"]["dry"] == "true"
    assert webhooks.asked["/dry"][-1]["options"]["dryRun"] == ["All"]
    assert not exists(cluster_api)


def test_a_deletion_may_be_refused(cluster_api, configured, webhooks):
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["DELETE"]}
    webhooks.answer("/keep", lambda request: {"allowed": request["oldObject"]["metadata"]["name"] != "keep"})
    configured(VALIDATING, hook("keep", webhooks.client_config("/keep"), "configmaps", rules=[rule]))
    for name in ("go", "keep"):
        create(cluster_api, name)

    assert cluster_api.send("DELETE", cluster_api.place("configmaps", "keep")).status == 400
    assert cluster_api.send("DELETE", cluster_api.place("configmaps", "go")).status == 200

    assert (exists(cluster_api, "keep"), exists(cluster_api, "go")) == (True, False)
    asked = webhooks.asked["/keep"][-1]
    assert (asked["object"], asked["oldObject"]["metadata"]["name"]) == (None, "go")
    assert asked["options"]["kind"] == "DeleteOptions"
    refused = cluster_api.send("DELETE", cluster_api.place("configmaps") + "?labelSelector=own=yes")
    assert refused.status == 400
    assert exists(cluster_api, "keep")
    assert "name" not in webhooks.asked["/keep"][-1]  # the request named the collection


def test_the_same_objects_under_another_group_are_found_unless_told_otherwise(
    cluster_api, configured, webhooks
):
    def rules(group: str) -> list[dict[str, Any]]:
        return [
            {"apiGroups": [group], "apiVersions": ["v1"], "resources": ["events"], "operations": ["CREATE"]}
        ]

    webhooks.answer("/any")
    webhooks.answer("/exact")
    any_group = hook("any", webhooks.client_config("/any"), "events", rules=rules("events.k8s.io"))
    exact = hook(
        "exact", webhooks.client_config("/exact"), "events", rules=rules("events.k8s.io"), matchPolicy="Exact"
    )
    configured(VALIDATING, any_group, exact)
    regarding = {"kind": "Pod", "namespace": cluster_api.namespace, "name": "p"}
    event = {"metadata": {"name": "e"}, "involvedObject": regarding, "message": "hello", "reason": "Why"}

    assert cluster_api.send("POST", cluster_api.place("events"), event).status == 201

    assert webhooks.asked["/exact"] == []
    (asked,) = webhooks.asked["/any"]
    assert asked["kind"] == {"group": "events.k8s.io", "version": "v1", "kind": "Event"}
    assert asked["requestKind"] == {"group": "", "version": "v1", "kind": "Event"}
    assert asked["object"]["note"] == "hello"


def test_two_writes_that_wait_for_a_webhook_both_count(cluster_api, configured, webhooks):
    """A merge patch that was judged on an older state is judged again on the newer one."""
    from concurrent.futures import ThreadPoolExecutor

    def slow(request: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.3)
        return {"allowed": True}

    create(cluster_api)
    webhooks.answer("/slow", slow)
    configured(VALIDATING, hook("slow", webhooks.client_config("/slow"), "configmaps"))
    place = cluster_api.place("configmaps", "a")

    def write(key: str) -> int:
        return cluster_api.send("PATCH", place, {"data": {key: key}}, "application/merge-patch+json").status

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(write, "wxyz")) == [200] * 4

    assert cluster_api.send("GET", place).body["data"] == {"n": "1", **{key: key for key in "wxyz"}}


def test_a_configuration_can_always_be_taken_away(cluster_api, webhooks):
    """Webhooks are never asked about webhook configurations."""
    name = f"t-{secrets.token_hex(4)}"
    rule = {"apiGroups": ["admissionregistration.k8s.io"], "apiVersions": ["*"], "resources": ["*"]}
    only = hook("lock", {"url": DEAD}, rules=[{**rule, "operations": ["*"]}])
    cluster_api.client.create(VALIDATING, configuration("Validating", name, only))
    time.sleep(0.5)  # long enough for a server that would ask

    cluster_api.client.delete(VALIDATING, name)

    with pytest.raises(NotFound):
        cluster_api.client.get(VALIDATING, name)
