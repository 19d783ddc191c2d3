"""Paths of the API -> what they point at."""

from urllib.parse import unquote

from cluster.simulator.problems import unknown_path
from cluster.simulator.resources import Registry, Resource
from cluster.simulator.server.messages import Target


class NoSuchPage(Exception):
    """A path outside every group that is served; answered in plain text, as by kube-apiserver."""


VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


def find_target(path: str, registry: Registry) -> Target:
    """The resource, object or subresource of a path below /api or /apis. Raises 404 for what is not served."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise NoSuchPage
    namespace = ""
    if len(rest) >= 3 and rest[0] == "namespaces" and not _is_namespace_subresource(rest):
        namespace, rest = rest[1], rest[2:]
    if version not in registry.group_versions().get(group, []):
        raise NoSuchPage
    resource = registry.find(group, version, rest[0]) if rest else None
    if resource is None or (namespace and not resource.namespaced):
        raise unknown_path()
    target = Target(resource, namespace, rest[1] if len(rest) > 1 else "", rest[2] if len(rest) > 2 else "")
    if target.subresource == "proxy":
        target.rest = _after_proxy(path)
    elif len(rest) > 3:
        raise unknown_path()
    _check(target, resource)
    return target


def _is_namespace_subresource(rest: list[str]) -> bool:
    return len(rest) == 3 and rest[2] in ("status", "finalize")


def _after_proxy(path: str) -> str:
    """The escaped remainder after `/proxy`, as the backend is to see it."""
    return path.partition("/proxy")[2]


def _check(target: Target, resource: Resource) -> None:
    if target.name and resource.namespaced and not target.namespace:
        raise unknown_path()
    if target.subresource and target.subresource not in resource.subresources:
        raise unknown_path()


def verb_of(method: str, target: Target, *, watching: bool) -> str:
    """The verb as RBAC knows it."""
    if method in VERBS:
        return VERBS[method]
    if method == "DELETE":
        return "delete" if target.name else "deletecollection"
    if target.name:
        return "get"
    return "watch" if watching else "list"
