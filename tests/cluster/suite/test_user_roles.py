"""The roles that people are given in a namespace allow the same on both servers."""

import pytest

from cluster.client import ClusterClient
from cluster.kinds import ROLE_BINDINGS, Kind
from tests.cluster.waiting import eventually

REVIEWS = Kind("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False)
ASKED = [
    ("list", "", "pods"),
    ("get", "", "pods/log"),
    ("watch", "events.k8s.io", "events"),
    ("get", "apps", "deployments/scale"),
    ("get", "", "secrets"),
    ("create", "batch", "jobs"),
    ("patch", "apps", "statefulsets"),
    ("create", "", "pods/exec"),
    ("create", "", "pods/eviction"),
    ("create", "", "serviceaccounts/token"),
    ("impersonate", "", "serviceaccounts"),
    ("update", "coordination.k8s.io", "leases"),
    ("create", "rbac.authorization.k8s.io", "rolebindings"),
    ("create", "authorization.k8s.io", "localsubjectaccessreviews"),
    ("create", "", "resourcequotas"),
    ("patch", "apps", "deployments/status"),
    ("get", "", "nodes"),
    ("create", "", "pods/binding"),
]
SEEING, WORKING, RULING = 4, 12, 14
"""How many of the questions each role answers with yes: the first so many."""


@pytest.mark.parametrize(("role", "allowed"), [("view", SEEING), ("edit", WORKING), ("admin", RULING)])
def test_a_role_allows_what_it_says(client: ClusterClient, namespace: str, role: str, allowed: int) -> None:
    person = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": f"{namespace}-{role}"}
    given = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    binding = {"metadata": {"name": role}, "subjects": [person], "roleRef": given}
    client.create(ROLE_BINDINGS, binding, namespace=namespace)

    def may(verb: str, group: str, resource: str) -> bool:
        kind, _, part = resource.partition("/")
        wanted = {"namespace": namespace, "verb": verb, "group": group, "resource": kind, "subresource": part}
        spec = {"user": person["name"], "resourceAttributes": wanted}
        return bool(client.create(REVIEWS, {"metadata": {}, "spec": spec})["status"]["allowed"])

    assert eventually(lambda: may(*ASKED[0]))  # the real server hears of a binding a moment later
    assert [asked for asked in ASKED if may(*asked)] == ASKED[:allowed]
