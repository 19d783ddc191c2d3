"""The roles as they are written: nothing sweeping, nothing secret, nothing that binds nobody."""

from collections import Counter

import yaml

from cluster import rights
from tests.cluster.rights.audit import Asked, beyond, unused
from tests.cluster.rights.exceptions import NOT_USED_IN_EVERY_RUN
from tests.cluster.rights.rules import Right, granted

READ_ONLY = {"get", "list", "watch"}
TO_BECOME_ANOTHER = {"escalate", "bind", "impersonate"}


def test_every_account_of_the_product_is_known():
    assert set(granted()) == {"web", "scheduler", "controller", "collectors", "node-agent", "admission"}


def test_the_web_and_the_node_agent_may_nothing_and_get_no_token():
    accounts = {one["metadata"]["name"]: one for one in rights.documents() if one["kind"] == "ServiceAccount"}
    for name in ("web", "node-agent"):
        assert granted()[name] == set()
        assert accounts[name]["automountServiceAccountToken"] is False


def test_what_stands_in_a_namespace_comes_after_it():
    """`kubectl apply -f deploy/rbac` goes through the files in this order."""
    made: set[str] = set()
    for one in rights.documents():
        namespace = one["metadata"].get("namespace")
        assert namespace is None or namespace in made, one["metadata"]["name"]
        if one["kind"] == "Namespace":
            made.add(one["metadata"]["name"])


def test_collectors_only_read():
    assert {right.verb for right in granted()["collectors"]} <= READ_ONLY


def test_nothing_is_granted_by_a_wildcard_nor_with_a_way_to_more():
    for mine in granted().values():
        for right in mine:
            assert "*" not in (right.group, right.resource, right.verb)
            assert right.verb not in TO_BECOME_ANOTHER
            assert right.group != "rbac.authorization.k8s.io"
            assert right.resource not in ("secrets", "serviceaccounts/token", "pods/exec")


def test_each_right_is_written_once():
    for path in rights.FOLDER.glob("*.yaml"):
        counts: Counter[tuple[str, ...]] = Counter()
        for one in yaml.safe_load_all(path.read_text()):
            for rule in one.get("rules") or []:
                name = (one["kind"], one["metadata"]["name"])
                counts.update(
                    (*name, group, resource, verb)
                    for group in rule["apiGroups"]
                    for resource in rule["resources"]
                    for verb in rule["verbs"]
                )
        assert [right for right, count in counts.items() if count > 1] == []


def test_an_exception_is_about_a_right_that_is_granted():
    for account, right in NOT_USED_IN_EVERY_RUN:
        assert right in granted()[account]


def test_the_comparison_finds_both_kinds_of_difference():
    pods = Right("", "pods", "list")
    leases = Right("coordination.k8s.io", "leases", "get", "runai")
    mine = {"scheduler": {pods, leases}}
    asked = Asked()
    asked.used["scheduler"] = {Right("", "pods", "list", "runai-vision"), Right("", "secrets", "get", "x")}

    assert unused(mine, asked) == {"scheduler": {leases}}
    assert beyond(mine, asked) == {"scheduler": {Right("", "secrets", "get", "x")}}

    asked.used["scheduler"] = {Right("coordination.k8s.io", "leases", "get", "kube-system")}
    assert beyond(mine, asked) == {"scheduler": asked.used["scheduler"]}
