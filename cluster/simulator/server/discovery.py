"""Answers that are about the server itself: versions, groups, resources, OpenAPI, health."""

import base64
import hashlib
from typing import Any

from cluster.simulator.openapi.documents import openapi_document
from cluster.simulator.problems import unknown_path
from cluster.simulator.resources import Registry, Resource
from cluster.simulator.server.api import Api
from cluster.simulator.server.messages import Answer, Request, json_answer, text_answer

GIT_VERSION = "v1.36.3"
VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": GIT_VERSION,
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "simulator",
    "platform": "linux/amd64",
}
HEALTH = ("/healthz", "/livez", "/readyz")
SWAGGER_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def fixed_answer(api: Api, request: Request) -> Answer | None:
    """The answer to a path that is not a resource, or None. Raises 404 below a group that is not served."""
    path = request.path.rstrip("/") or "/"
    if path in HEALTH or path.startswith(tuple(f"{health}/" for health in HEALTH)):
        return text_answer("ok")
    if path == "/version":
        return json_answer(VERSION)
    if path == "/":
        return json_answer({"paths": _paths(api.registry)})
    if path == "/openapi/v2":
        return _swagger(request)
    if path.startswith("/openapi/v3"):
        return _openapi(api.registry, path)
    if not path.startswith(("/api/", "/apis/")) and path not in ("/api", "/apis"):
        raise unknown_path()
    return _groups(api.registry, request, path)


def _groups(registry: Registry, request: Request, path: str) -> Answer | None:
    parts = path.strip("/").split("/")
    aggregated = (
        "as=APIGroupDiscoveryList" in request.headers.get("accept", "")
        and "v=v2" in request.headers["accept"]
    )
    if len(parts) == 1 and aggregated:
        answer = json_answer(_aggregated(registry, core=parts[0] == "api"))
        answer.media_type = AGGREGATED
        answer.headers["vary"] = "Accept"
        return answer
    if path == "/api":
        return json_answer({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
    if path == "/apis":
        groups = [_group(name, versions) for name, versions in registry.group_versions().items() if name]
        return json_answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
    versions = registry.group_versions()
    if parts[0] == "api" and len(parts) == 2:
        return _resource_list(registry, "", parts[1])
    if parts[0] == "apis" and len(parts) == 2:
        if parts[1] not in versions:
            raise unknown_path()
        return json_answer({"kind": "APIGroup", "apiVersion": "v1", **_group(parts[1], versions[parts[1]])})
    if parts[0] == "apis" and len(parts) == 3:
        return _resource_list(registry, parts[1], parts[2])
    return None


def _group(name: str, versions: list[str]) -> dict[str, Any]:
    entries = [
        {"groupVersion": f"{name}/{version}", "version": version} for version in by_preference(versions)
    ]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def by_preference(versions: list[str]) -> list[str]:
    """Stable before beta before alpha, newer before older."""

    def rank(version: str) -> tuple[int, int, int]:
        digits = version.lstrip("v")
        for stage, mark in enumerate(("alpha", "beta")):
            if mark in digits:
                major, _, minor = digits.partition(mark)
                return (stage, int(major or 0), int(minor or 0))
        return (2, int(digits) if digits.isdigit() else 0, 0)

    return sorted(versions, key=rank, reverse=True)


def _resource_list(registry: Registry, group: str, version: str) -> Answer:
    resources = [r for r in registry if (r.group, r.version) == (group, version)]
    if not resources:
        raise unknown_path()
    entries: list[dict[str, Any]] = []
    for resource in resources:
        entries.append(_entry(resource))
        entries += resource.subresources.values()
    head = {"kind": "APIResourceList"} | ({"apiVersion": "v1"} if group else {})
    return json_answer({**head, "groupVersion": resources[0].api_version, "resources": entries})


def _storage_hash(resource: Resource) -> str:
    """As kube-apiserver makes it for custom resources."""
    if not resource.custom or resource.aggregated:
        return ""
    digest = hashlib.sha256(f"{resource.group}/{resource.version}/{resource.kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def _entry(resource: Resource) -> dict[str, Any]:
    entry = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": resource.verbs,
        "shortNames": resource.short_names,
        "categories": resource.categories,
        "storageVersionHash": resource.hash or _storage_hash(resource),
    }
    return {key: value for key, value in entry.items() if value not in ([], "") or key == "singularName"}


def _aggregated(registry: Registry, *, core: bool) -> dict[str, Any]:
    items = []
    for group, versions in registry.group_versions().items():
        if (group == "") is core:
            entries = [
                {
                    "version": version,
                    "resources": [
                        _aggregated_entry(r) for r in registry if (r.group, r.version) == (group, version)
                    ],
                    "freshness": "Current",
                }
                for version in by_preference(versions)
            ]
            items.append({"metadata": {"name": group} if group else {}, "versions": entries})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_entry(resource: Resource) -> dict[str, Any]:
    scope = "Namespaced" if resource.namespaced else "Cluster"
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    entry: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": scope,
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    }
    if resource.short_names:
        entry["shortNames"] = resource.short_names
    if resource.categories:
        entry["categories"] = resource.categories
    entry["subresources"] = [
        {
            "subresource": name,
            "responseKind": {
                "group": part.get("group", resource.group),
                "version": part.get("version", resource.version),
                "kind": part["kind"],
            },
            "verbs": part["verbs"],
        }
        for name, part in sorted(resource.subresources.items())
    ]
    return entry


def _paths(registry: Registry) -> list[str]:
    paths = ["/api", "/api/v1", "/apis", "/openapi/v2", "/openapi/v3", "/version", *HEALTH]
    for group, versions in registry.group_versions().items():
        if group:
            paths += [f"/apis/{group}", *(f"/apis/{group}/{version}" for version in versions)]
    return sorted(paths)


def _swagger(request: Request) -> Answer:
    """The older document, without a single type: kubectl asks for it about lists and kinds nobody serves, and leaves what it does not
    find there to the server."""
    if "proto-openapi.spec.v2" in request.headers.get("accept", ""):
        return Answer(200, b"\x0a\x032.0\x12\x19\x0a\x0aKubernetes\x12\x0bunversioned", SWAGGER_PROTOBUF)
    return json_answer(
        {"swagger": "2.0", "info": {"title": "Kubernetes", "version": "unversioned"}, "paths": {}}
    )


def _openapi(registry: Registry, path: str) -> Answer:
    prefixes = {}
    for group, versions in registry.group_versions().items():
        for version in versions:
            prefixes[f"apis/{group}/{version}" if group else f"api/{version}"] = (group, version)
    if path == "/openapi/v3":
        mark = hashlib.sha256(f"{GIT_VERSION}/{registry.revision}".encode()).hexdigest().upper()
        urls = {prefix: {"serverRelativeURL": f"/openapi/v3/{prefix}?hash={mark}"} for prefix in prefixes}
        return json_answer({"paths": urls})
    found = prefixes.get(path.removeprefix("/openapi/v3/"))
    if found is None:
        raise unknown_path()
    return Answer(200, openapi_document(registry, *found))
