"""The OpenAPI v3 document of one group and version, made from the types and the resources that are served."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cluster.simulator.openapi.builtin import REFERENCE, type_documents
from cluster.simulator.store.objects import encode

if TYPE_CHECKING:
    from cluster.simulator.resources import Registry, Resource

OPTIONS = {
    "get": (),
    "post": ("dryRun", "fieldManager", "fieldValidation"),
    "put": ("dryRun", "fieldManager", "fieldValidation"),
    "patch": ("dryRun", "fieldManager", "fieldValidation", "force"),
    "delete": ("dryRun", "gracePeriodSeconds", "propagationPolicy"),
}
ACTIONS = {"get": "get", "post": "post", "put": "put", "patch": "patch", "delete": "delete"}
META = "io.k8s.apimachinery.pkg.apis.meta.v1."


def openapi_document(registry: "Registry", group: str, version: str) -> bytes:
    """JSON with paths (so that clients find `fieldValidation`) and every type they lead to."""
    return _document(registry, registry.revision, group, version)


@lru_cache(maxsize=64)
def _document(registry: "Registry", revision: int, group: str, version: str) -> bytes:
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    wanted = [META + "DeleteOptions", META + "Status"]
    for resource in registry:
        if (resource.group, resource.version) == (group, version):
            paths |= _paths(resource)
            name = schema_name(resource)
            if resource.custom:
                schemas[name] = _custom_schema(resource)
                wanted.append(META + "ObjectMeta")
            else:
                wanted.append(name)
    for name in _closure(wanted):
        schemas[name] = type_documents()[name]
    info = {"title": "Kubernetes", "version": "unversioned"}
    return encode({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}})


def schema_name(resource: "Resource") -> str:
    """Full name of a resource's type; custom ones are named by their reversed group."""
    if resource.type_name:
        return resource.type_name
    return ".".join([*reversed(resource.group.split(".")), resource.version, resource.kind])


def _closure(names: Iterable[str]) -> dict[str, None]:
    types = type_documents()
    found: dict[str, None] = {}
    wanted = list(names)
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = None
            wanted += re.findall(r"#/components/schemas/([\w.-]+)", str(types[name]))
    return found


def _custom_schema(resource: "Resource") -> dict[str, Any]:
    schema = dict((resource.definition.get("schema") or {}).get("openAPIV3Schema") or {"type": "object"})
    properties = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        **schema.get("properties", {}),
        "metadata": {"allOf": [{"$ref": REFERENCE + META + "ObjectMeta"}]},
    }
    return {**schema, "properties": properties, "x-kubernetes-group-version-kind": [_gvk(resource)]}


def _gvk(resource: "Resource") -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _paths(resource: "Resource") -> dict[str, Any]:
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    prefix = (
        f"{root}/namespaces/{{namespace}}/{resource.plural}"
        if resource.namespaced
        else f"{root}/{resource.plural}"
    )
    single = f"{prefix}/{{name}}"
    paths = {}
    if "create" in resource.verbs or "list" in resource.verbs:
        paths[prefix] = _operations(
            resource, ("get", "post", "delete") if "get" in resource.verbs else ("post",)
        )
    if "get" in resource.verbs:
        paths[single] = _operations(resource, ("get", "put", "patch", "delete"))
    if "status" in resource.subresources:
        paths[f"{single}/status"] = _operations(resource, ("get", "put", "patch"))
    return paths


def _operations(resource: "Resource", methods: Iterable[str]) -> dict[str, Any]:
    reference = {"$ref": REFERENCE + schema_name(resource)}
    answer = {"200": {"description": "OK", "content": {"application/json": {"schema": reference}}}}
    operations = {}
    for method in methods:
        parameters = [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for name in OPTIONS[method]
        ]
        operations[method] = {
            "parameters": parameters,
            "responses": answer,
            "x-kubernetes-action": ACTIONS[method],
            "x-kubernetes-group-version-kind": _gvk(resource),
        }
    return operations
