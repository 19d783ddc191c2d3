"""What every cluster has from the start: its namespaces, priority classes and administrator's role."""

from typing import Any

from cluster.simulator.openapi.decoding import Decoding
from cluster.simulator.server.api import Api
from cluster.simulator.server.bodies import Strictness
from cluster.simulator.server.creating import create, fill_namespace
from cluster.simulator.server.options import WriteOptions
from cluster.simulator.server.user_roles import USER_ROLES

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
RBAC = "rbac.authorization.k8s.io"
BOOTSTRAP_LABEL = {"kubernetes.io/bootstrapping": "rbac-defaults"}


def fill_new_cluster(api: Api) -> None:
    """Create what is missing; safe to run at each start."""
    for name in NAMESPACES:
        _ensure(api, "", "v1", "namespaces", {"metadata": {"name": name}})
        fill_namespace(api, name)
    for name, value in (("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)):
        _ensure(
            api, "scheduling.k8s.io", "v1", "priorityclasses", {"metadata": {"name": name}, "value": value}
        )
    everything = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]
    reading = [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    ]
    public = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
    reviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    own = [
        {"apiGroups": ["authorization.k8s.io"], "resources": reviews, "verbs": ["create"]},
        {"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]},
    ]
    authenticated, anyone = "system:authenticated", "system:unauthenticated"
    for name, rules, groups in (
        ("cluster-admin", everything, ["system:masters"]),
        ("system:discovery", [{"nonResourceURLs": reading, "verbs": ["get"]}], [authenticated]),
        (
            "system:public-info-viewer",
            [{"nonResourceURLs": public, "verbs": ["get"]}],
            [authenticated, anyone],
        ),
        ("system:basic-user", own, [authenticated]),
    ):
        _ensure_role(api, name, rules, groups)
    for name, rules in USER_ROLES.items():
        metadata = {"name": name, "labels": BOOTSTRAP_LABEL}
        _ensure(api, RBAC, "v1", "clusterroles", {"metadata": metadata, "rules": rules})


def _ensure_role(api: Api, name: str, rules: list[dict[str, Any]], groups: list[str]) -> None:
    metadata = {"name": name, "labels": BOOTSTRAP_LABEL}
    _ensure(api, RBAC, "v1", "clusterroles", {"metadata": metadata, "rules": rules})
    subjects = [{"apiGroup": RBAC, "kind": "Group", "name": group} for group in groups]
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}
    _ensure(
        api, RBAC, "v1", "clusterrolebindings", {"metadata": metadata, "roleRef": role, "subjects": subjects}
    )


def _ensure(api: Api, group: str, version: str, plural: str, content: dict[str, Any]) -> None:
    resource = api.registry.builtin(group, version, plural)
    if api.store.get(resource.storage, "", content["metadata"]["name"]) is None:
        document = Decoding().decode(
            resource.schema, {"kind": resource.kind, "apiVersion": resource.api_version, **content}
        )
        create(api, resource, "", document, WriteOptions(Strictness("Ignore"), "kube-apiserver"))
