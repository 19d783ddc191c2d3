"""Every call the product may make, by verb, resource and subresource, made with its own account on both servers.

What it may is what it does: `tests/e2e/test_on_a_control_plane.py` compares the roles with the audit log.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from cluster import rights
from cluster.documents import name_of
from cluster.errors import AlreadyExists
from cluster.kinds import ALL_KINDS, GROUP_OWNERS, NAMESPACES, NODES, PODS, TOPOLOGIES, Kind
from runai_portal.running.identities import ACCOUNTS, Identities
from tests.cluster.rights.rules import Right, granted
from tests.cluster.servers import plain_client
from tests.cluster.suite.conftest import Server
from tests.cluster.suite.objects import job, pod
from tests.cluster.waiting import eventually

MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
JSON, APPLY = "application/json-patch+json", "application/apply-patch+yaml"
NEVER_A_REQUEST = {Right("run.ai", "trainingworkloads/finalizers", "update")}
"""The API server asks for it when an object names an owner that blocks deletion."""
UNKNOWN_HERE = {TOPOLOGIES.plural, *(kind.plural for kind in GROUP_OWNERS)}
"""Kinds of other projects: the answer is 404 until some test has installed them."""
LABEL = {"metadata": {"labels": {"touched": "yes"}}}

SAMPLES: dict[str, dict[str, Any]] = {
    "pods": pod("sample", run_seconds="3600"),
    "jobs": job("sample", node=None, suspend=True),
    "namespaces": {"metadata": {"name": "sample"}},
    "persistentvolumeclaims": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
    "leases": {"spec": {"holderIdentity": "me", "leaseDurationSeconds": 9}},
    "trainingworkloads": {"spec": {"image": {"value": "example/train:1"}}},
    "events": {
        "eventTime": "2026-11-01T12:00:00.000000Z",
        "reportingController": "runai",
        "reportingInstance": "one",
        "action": "Bind",
        "reason": "Scheduled",
        "type": "Normal",
        "note": "it is placed",
        "regarding": {"apiVersion": "v1", "kind": "Namespace"},
    },
    "mutatingwebhookconfigurations": {"webhooks": []},
    "validatingwebhookconfigurations": {"webhooks": []},
}


class Account:
    """One account of the product at one server, and the administrator who prepares what it asks about."""

    def __init__(self, server: Server, http: httpx.Client, namespace: str) -> None:
        self.server, self._http, self.namespace = server, http, namespace
        self._number = 0

    def use(self, right: Right) -> list[tuple[str, int]]:
        """(call, status) of every form in which the product may use the right."""
        resource, _, part = right.resource.partition("/")
        kind = next(
            one for one in (*ALL_KINDS, *GROUP_OWNERS) if (one.group, one.plural) == (right.group, resource)
        )
        return [
            (f"{right}: {method} {media or ''}", self._send(method, path, body, media))
            for method, path, body, media in self._requests(kind, part, right)
        ]

    def _send(self, method: str, path: str, body: Any, media: str) -> int:
        headers = {"content-type": media or "application/json"}
        content = None if body is None else json.dumps(body)
        answer = self._http.request(method, path, content=content, headers=headers)
        return _refused_by_event(answer.text) or answer.status_code

    def _requests(self, kind: Kind, part: str, right: Right) -> Iterator[tuple[str, str, Any, str]]:
        if part:
            yield from self._of_part(kind, part, right)
            return
        everywhere = kind.path(right.namespace or None)
        namespace = right.namespace or (self.namespace if kind.namespaced else None)
        match right.verb:
            case "list":
                yield "GET", f"{everywhere}?limit=500", None, ""
            case "watch":
                yield "GET", f"{everywhere}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true", None, ""
                initial = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                yield (
                    "GET",
                    f"{everywhere}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&{initial}",
                    None,
                    "",
                )
            case "get":
                yield "GET", kind.path(namespace, self._made(kind, namespace)), None, ""
            case "create":
                yield "POST", kind.path(namespace), self._sample(kind, namespace), ""
            case "update":
                name = self._made(kind, namespace)
                yield "PUT", kind.path(namespace, name), self.server.client.get(kind, name, namespace), ""
            case "delete":
                yield "DELETE", kind.path(namespace, self._made(kind, namespace)), None, ""
            case "patch":
                path = kind.path(namespace, self._made(kind, namespace))
                yield from _patches(kind, path)
            case verb:
                raise AssertionError(f"nobody has tried {verb}: say here how it is used")

    def _of_part(self, kind: Kind, part: str, right: Right) -> Iterator[tuple[str, str, Any, str]]:
        match f"{kind.plural}/{part}", right.verb:
            case "pods/binding", "create":
                name = self._made(PODS, self.namespace)
                target = {"apiVersion": "v1", "kind": "Node", "name": "cpu-1"}
                body = {
                    "apiVersion": "v1",
                    "kind": "Binding",
                    "metadata": {"name": name},
                    "target": target,
                }
                yield "POST", PODS.path(self.namespace, name, part), body, ""
            case "pods/eviction", "create":
                name = self._made(PODS, self.namespace)
                body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
                yield "POST", PODS.path(self.namespace, name, part), body, ""
            case "pods/log", "get":
                yield "GET", PODS.path(self.namespace, self._running(), part), None, ""
            case "pods/proxy", "get":
                name = self._exporter(right.namespace)
                yield "GET", f"{PODS.path(right.namespace, f'{name}:9400', part)}/metrics", None, ""
            case "nodes/proxy", "get":
                yield "GET", f"{NODES.path(None, 'cpu-1', part)}/metrics/resource", None, ""
            case (("pods/status" | "trainingworkloads/status"), "patch"):
                path = kind.path(self.namespace, self._made(kind, self.namespace), part)
                yield "PATCH", path, {"status": {"message": "told"}}, MERGE
                if kind is PODS:
                    yield "PATCH", path, {"status": {"message": "again"}}, STRATEGIC
            case what:
                raise AssertionError(f"nobody has tried {what}: say here how it is used")

    def _sample(self, kind: Kind, namespace: str | None) -> dict[str, Any]:
        self._number += 1
        sample = SAMPLES[kind.plural]
        name = f"{kind.plural[:20]}-{namespace or self.namespace}-{self._number}"
        if self.namespace not in name:
            name = f"{name}-{self.namespace}"
        metadata = {**sample.get("metadata", {}), "name": name}
        if namespace:
            metadata["namespace"] = namespace
        made = {"apiVersion": kind.api_version, "kind": kind.kind, **sample, "metadata": metadata}
        if kind.plural == "events":
            made["regarding"] = {**sample["regarding"], "namespace": namespace, "name": namespace}
        return made

    def _made(self, kind: Kind, namespace: str | None) -> str:
        return name_of(self.server.client.create(kind, self._sample(kind, namespace), namespace=namespace))

    def _running(self) -> str:
        name = f"runs-{self.namespace}"
        try:
            self.server.client.create(
                PODS, pod(name, node="cpu-1", run_seconds="3600"), namespace=self.namespace
            )
        except AlreadyExists:
            return name

        def runs() -> bool:
            return bool(
                self.server.client.get(PODS, name, self.namespace)["status"].get("phase") == "Running"
            )

        assert eventually(runs, 30)
        return name

    def _exporter(self, namespace: str) -> str:
        def found() -> list[str]:
            pods = self.server.client.list(PODS, namespace).items
            return [name_of(one) for one in pods if (one.get("status") or {}).get("phase") == "Running"]

        assert eventually(lambda: bool(found()), 60)
        return found()[0]


def _refused_by_event(text: str) -> int:
    """A watch may be refused with status 200: by its first event. 0 when it is not."""
    if not text.startswith('{"type":"ERROR"'):
        return 0
    return int(json.loads(text.splitlines()[0])["object"]["code"])


def _patches(kind: Kind, path: str) -> Iterator[tuple[str, str, Any, str]]:
    """The four forms; a strategic one needs a kind whose lists the server knows."""
    name = path.rpartition("/")[2]
    applied = {"apiVersion": kind.api_version, "kind": kind.kind, **LABEL}
    applied["metadata"] = {**LABEL["metadata"], "name": name}
    yield "PATCH", path, LABEL, MERGE
    if kind.group != "run.ai":
        yield "PATCH", path, LABEL, STRATEGIC
    yield "PATCH", path, [{"op": "test", "path": "/metadata/labels/touched", "value": "yes"}], JSON
    yield "PATCH", f"{path}?fieldManager=runai-portal&force=true", applied, APPLY


@pytest.fixture
def tokens(server: Server, tmp_path: Path) -> Path:
    rights.install(server.client)
    Identities(server.kubeconfig, tmp_path).prepare()
    return tmp_path


@pytest.mark.parametrize("account", sorted(name for name, mine in granted().items() if mine))
def test_an_account_can_make_each_call_it_is_granted(
    account: str, server: Server, tokens: Path, namespace: str
) -> None:
    token = (tokens / f"{account}.token").read_text()
    config = yaml.safe_load(server.kubeconfig.read_text())
    refused = []
    with plain_client(config, "every-right/1", token) as http:
        one = Account(server, http, namespace)
        for right in sorted(granted()[account] - NEVER_A_REQUEST):
            wanted = {200, 404} if right.resource in UNKNOWN_HERE else {200, 201}
            refused += [found for found in one.use(right) if found[1] not in wanted]
    for left in server.client.list(NAMESPACES).items:
        if name_of(left).endswith(namespace) and name_of(left) != namespace:
            server.client.delete(NAMESPACES, name_of(left))
    assert refused == []


def test_the_accounts_with_rights_are_those_that_get_a_token() -> None:
    assert {name for name, mine in granted().items() if mine} == {
        one for names in ACCOUNTS.values() for one in names
    }
