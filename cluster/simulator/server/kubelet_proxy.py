"""log, nodes/proxy and pods/proxy: forwarded to the node's kubelet endpoint, as a real API server forwards them.

The endpoint's address is the node's InternalIP, its port `status.daemonEndpoints.kubeletEndpoint.Port`; a simulated kubelet serves plain
HTTP on the loop-back interface. Paths: `/containerLogs/<namespace>/<pod>/<container>?…`, `/<anything>` for nodes/proxy, and
`/podProxy/<namespace>/<pod>/<port>/<rest>` for pods/proxy, because imaginary pods have no address one could connect to.
"""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from cluster.simulator.problems import (
    Problem,
    bad_request,
    invalid,
    method_not_allowed,
    not_found,
    unknown_path,
    wrong,
)
from cluster.simulator.server.api import Api, Document
from cluster.simulator.server.messages import Request, Target
from cluster.simulator.server.subresources import existing

LOG_OPTIONS = {"follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes"}
CONNECT_SECONDS = 5.0
NODE_HEADER = "x-simulator-node"
ADDRESS_ANNOTATION = "simulator/kubelet-address"
"""Overrides where a node's kubelet endpoint is (host:port), when the node's InternalIP is imaginary."""

_client: list[httpx.AsyncClient] = []


def _http() -> httpx.AsyncClient:
    """One pooled client per process, made on the loop that uses it."""
    if not _client:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        _client.append(
            httpx.AsyncClient(
                limits=limits, timeout=httpx.Timeout(30.0, connect=CONNECT_SECONDS), trust_env=False
            )
        )
    return _client[0]


def proxied_url(api: Api, request: Request, target: Target) -> tuple[str, str]:
    """Where a log or proxy request goes and for which node; empty for the log of a pod without one. Raises 400, 404, 405, 500, 503."""
    if target.resource.aggregated:
        return _usage_url(api, request)
    if target.resource.storage == "nodes":
        node = target.name.removeprefix("http:").partition(":")[0]
        return endpoint_of(api, node) + (target.rest or "/") + _query(request), node
    if target.resource.storage != "pods":
        text = f'no endpoints available for service "{target.name}"'
        raise Problem(503, "ServiceUnavailable", text)
    if target.subresource == "log":
        return _log_url(api, request, target)
    name, _, port = target.name.removeprefix("http:").partition(":")
    pod = existing(api, Target(target.resource, target.namespace, name)).document
    port = port or _first_port(pod)
    place = f"/podProxy/{quote(target.namespace)}/{quote(name)}/{quote(port)}{target.rest or '/'}"
    node = node_of(pod, name)
    return endpoint_of(api, node) + place + _query(request), node


def _usage_url(api: Api, request: Request) -> tuple[str, str]:
    """Any node's endpoint answers for all."""
    if request.method != "GET" or request.flag("watch"):
        raise method_not_allowed()
    for stored in api.store.listed("nodes"):
        if (stored.document.get("status") or {}).get("daemonEndpoints"):
            return endpoint_of(api, stored.name) + request.path + _query(request), stored.name
    raise Problem(503, "ServiceUnavailable", "no simulated node is there that could tell what is used")


def _query(request: Request) -> str:
    return f"?{request.raw_query}" if request.raw_query else ""


def _first_port(pod: Document) -> str:
    for container in pod["spec"].get("containers", []):
        for port in container.get("ports", []):
            return str(port["containerPort"])
    return "80"


def node_of(pod: Document, name: str) -> str:
    node = pod["spec"].get("nodeName", "")
    if not node:
        raise bad_request(f"pod {name} does not have a host assigned")
    return str(node)


def _log_url(api: Api, request: Request, target: Target) -> tuple[str, str]:
    pod = existing(api, target).document
    container = container_of(pod, target.name, request.query.get("container", ""))
    for key in ("tailLines", "limitBytes", "sinceSeconds"):
        number = request.integer(key)
        least = 0 if key == "tailLines" else 1
        if number is not None and number < least:
            detail = "must be greater than or equal to 0" if least == 0 else "must be greater than 0"
            raise invalid("PodLogOptions", "", target.name, [wrong(key, number, detail)])
    node = pod["spec"].get("nodeName")
    if not node:
        return "", ""
    options = {key: value for key, value in request.query.items() if key in LOG_OPTIONS}
    place = f"/containerLogs/{quote(target.namespace)}/{quote(target.name)}/{quote(container)}"
    return endpoint_of(api, node) + place + (f"?{urlencode(options)}" if options else ""), node


def container_of(pod: Document, name: str, asked: str) -> str:
    """The container that is meant. Raises 400 when there is none of that name, or more than one and none is named."""
    container = asked or _only_container(pod, name)
    names = [
        one["name"]
        for key in ("containers", "initContainers", "ephemeralContainers")
        for one in pod["spec"].get(key, [])
    ]
    if container not in names:
        raise bad_request(f"container {container} is not valid for pod {name}")
    return container


def _only_container(pod: Document, name: str) -> str:
    containers = [container["name"] for container in pod["spec"].get("containers", [])]
    chosen = (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
    if chosen in containers:
        return str(chosen)
    if len(containers) > 1:
        listed = " ".join(containers)
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{listed}]")
    return str(containers[0])


def endpoint_of(api: Api, node: str) -> str:
    found = api.store.get("nodes", "", node)
    if found is None:
        raise not_found("nodes", "", node)
    document = found.document
    given = (document["metadata"].get("annotations") or {}).get(ADDRESS_ANNOTATION)
    if given:
        return f"http://{given}"
    status = document.get("status", {})
    port = status.get("daemonEndpoints", {}).get("kubeletEndpoint", {}).get("Port")
    address = next((a["address"] for a in status.get("addresses", []) if a["type"] == "InternalIP"), None)
    if not port or not address:
        raise Problem(500, "InternalError", f"node {node} names no kubelet endpoint")
    return f"http://{address}:{port}"


async def forward(
    request: Request, url: str, node: str, *, log: bool
) -> tuple[int, dict[str, str], AsyncIterator[bytes]]:
    """Status, headers and body chunks of the kubelet's answer. Raises 503 when it cannot be reached,
    and for a log what the kubelet said is wrong."""
    kept = {key: value for key, value in request.headers.items() if key in ("accept", "content-type")}
    kept["accept-encoding"] = "identity"
    kept[NODE_HEADER] = node
    following = request.flag("follow")
    timeout: Any = httpx.Timeout(None, connect=CONNECT_SECONDS) if following else httpx.USE_CLIENT_DEFAULT
    message = _http().build_request(
        request.method, url, content=request.body or None, headers=kept, timeout=timeout
    )
    try:
        response = await _http().send(message, stream=True)
    except httpx.HTTPError as error:
        text = f"error trying to reach service: {error or type(error).__name__}"
        raise Problem(503, "ServiceUnavailable", text) from None
    if log and response.status_code >= 300:
        raise _not_there(response.status_code, (await response.aread()).decode(errors="replace"))
    headers = {"content-type": response.headers.get("content-type", "text/plain")}
    return response.status_code, headers, _chunks(response)


def _not_there(status: int, text: str) -> Problem:
    """What the kubelet said instead of a log, in the form of this API's problems."""
    if status == 400:
        return bad_request(text)
    if status == 404:
        return unknown_path()
    return Problem(500, "InternalError", f"Internal error occurred: {text}")


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    finally:
        await response.aclose()
