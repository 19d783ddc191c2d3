"""What the roles of deploy/rbac mean to an API server, the same on both: each account may exactly what is written, with a token that is renewed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster import rights
from cluster.client import ClusterClient
from cluster.documents import owner_reference
from cluster.errors import Forbidden, Unauthorized
from cluster.kinds import ALL_KINDS, JOBS, PODS, SECRETS, TRAINING_WORKLOADS
from runai_portal.running.identities import ACCOUNTS, Identities, kubeconfig_path
from tests.cluster.rights.rules import Right, granted
from tests.cluster.servers import ClusterApi, plain_client
from workloads.definitions import ensure_crds

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
SUBRESOURCES = {
    "pods": ("binding", "status", "log", "proxy", "exec", "eviction"),
    "nodes": ("proxy", "status"),
    "trainingworkloads": ("status", "finalizers"),
    "jobs": ("status",),
    "serviceaccounts": ("token",),
}
NAMESPACES = ("runai", "gpu-operator")
"""Roles of one of them must not hold in the other."""
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@pytest.fixture
def with_rights(cluster_api: ClusterApi) -> ClusterApi:
    rights.install(cluster_api.client)
    return cluster_api


@pytest.fixture
def identities(with_rights: ClusterApi, tmp_path: Path) -> Path:
    Identities(with_rights.kubeconfig, tmp_path).prepare()
    return tmp_path


def connect(folder: Path, account: str) -> ClusterClient:
    part = next(part for part, accounts in ACCOUNTS.items() if account in accounts)
    return ClusterClient.connect(kubeconfig_path(folder, part), context=account)


def questions() -> Iterator[Right]:
    """Every verb on every resource the product knows, in two namespaces where it has them."""
    for kind in sorted(ALL_KINDS, key=lambda kind: (kind.group, kind.plural)):
        for part in ("", *SUBRESOURCES.get(kind.plural, ())):
            for verb in VERBS:
                for namespace in NAMESPACES if kind.namespaced else ("",):
                    yield Right(kind.group, f"{kind.plural}/{part}" if part else kind.plural, verb, namespace)


@pytest.mark.parametrize("account", sorted(granted()))
def test_an_account_may_exactly_what_is_written(with_rights: ClusterApi, account: str):
    http = plain_client(yaml.safe_load(with_rights.kubeconfig.read_text()), "tester/1")
    mine = granted()[account]
    groups = ["system:serviceaccounts", "system:serviceaccounts:runai", "system:authenticated"]
    # accounts may ask the server about themselves: it gives that to everybody
    own = {("create", "selfsubjectaccessreviews")}
    wrong = []
    for asked in questions():
        resource, _, subresource = asked.resource.partition("/")
        attributes = {
            "group": asked.group,
            "resource": resource,
            "subresource": subresource,
            "verb": asked.verb,
            "namespace": asked.namespace,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": f"system:serviceaccount:runai:{account}",
                "groups": groups,
                "resourceAttributes": {key: value for key, value in attributes.items() if value},
            },
        }
        may = http.post(REVIEWS, json=review).json()["status"]["allowed"]
        written = any(
            (one.group, one.resource, one.verb) == (asked.group, asked.resource, asked.verb)
            and one.namespace in ("", asked.namespace)
            for one in mine
        )
        if may != (written or (asked.verb, asked.resource) in own):
            wrong.append((str(asked), may))
    http.close()
    assert wrong == []


def test_a_right_of_an_earlier_version_is_taken_away(with_rights: ClusterApi):
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/runai-collectors"
    role = with_rights.send("GET", path).body
    more = [*role["rules"], {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]
    with_rights.send("PATCH", path, {"rules": more}, media="application/merge-patch+json")

    rights.install(with_rights.client)

    assert with_rights.send("GET", path).body["rules"] == role["rules"]


def test_each_part_is_who_it_should_be(with_rights: ClusterApi, identities: Path):
    for accounts in ACCOUNTS.values():
        for account in accounts:
            with_token = (identities / f"{account}.token").read_text()
            review = with_rights.send(
                "POST",
                "/apis/authentication.k8s.io/v1/tokenreviews",
                {
                    "apiVersion": "authentication.k8s.io/v1",
                    "kind": "TokenReview",
                    "spec": {"token": with_token},
                },
            ).body
            assert review["status"]["user"]["username"] == f"system:serviceaccount:runai:{account}"
    for file in identities.glob("*.token"):
        assert file.stat().st_mode & 0o077 == 0


def test_a_client_goes_on_with_the_renewed_token(identities: Path):
    file = identities / "collectors.token"
    valid = file.read_text()
    file.write_text("a-token-that-has-run-out")
    client = connect(identities, "collectors")
    with pytest.raises(Unauthorized):
        client.list(PODS)

    file.write_text(valid)

    client.list(PODS)  # the 401 of the old token makes it read the file again
    with pytest.raises(Forbidden, match=r"system:serviceaccount:runai:collectors"):
        client.list(SECRETS)
    client.close()


def test_an_owner_that_blocks_deletion_may_be_named_by_the_controller(
    with_rights: ClusterApi, identities: Path
):
    ensure_crds(with_rights.client)
    client = connect(identities, "controller")
    namespace = with_rights.namespace
    metadata = {"name": "owner", "namespace": namespace}
    owner = client.create(
        TRAINING_WORKLOADS,
        {
            "apiVersion": "run.ai/v2alpha1",
            "kind": "TrainingWorkload",
            "metadata": metadata,
            "spec": {"image": {"value": "x"}},
        },
    )
    job = {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {"name": "child", "namespace": namespace, "ownerReferences": [owner_reference(owner)]},
        "spec": {
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}
        },
    }

    assert client.create(JOBS, job)["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] is True
    client.close()


@pytest.mark.control_plane
def test_without_its_right_on_finalizers_the_controller_would_be_refused(
    control_plane: ClusterApi, tmp_path: Path
):
    """Why that right stands in the roles although no request names it."""
    control_plane.namespace = "default"
    Identities(control_plane.kubeconfig, tmp_path).prepare()
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/runai-controller"
    role = control_plane.send("GET", path).body
    fewer = [rule for rule in role["rules"] if rule["resources"] != ["trainingworkloads/finalizers"]]
    control_plane.send("PATCH", path, {"rules": fewer}, media="application/merge-patch+json")
    try:
        with pytest.raises(Forbidden, match="blockOwnerDeletion"):
            test_an_owner_that_blocks_deletion_may_be_named_by_the_controller(control_plane, tmp_path)
    finally:
        rights.install(control_plane.client)
