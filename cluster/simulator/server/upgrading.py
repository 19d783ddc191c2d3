"""exec and attach over a WebSocket: the connection is handed on to the node's kubelet, once the user may."""

import asyncio
import logging
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from cluster.simulator.connecting import NO_PORTS, NO_SPDY
from cluster.simulator.problems import Problem, bad_request, method_not_allowed
from cluster.simulator.server.api import Api
from cluster.simulator.server.authorization import refuse_unless_allowed
from cluster.simulator.server.kubelet_proxy import (
    CONNECT_SECONDS,
    NODE_HEADER,
    container_of,
    endpoint_of,
    node_of,
)
from cluster.simulator.server.messages import Request, Target, json_answer, parse_query
from cluster.simulator.server.routing import NoSuchPage, find_target
from cluster.simulator.server.subresources import existing

logger = logging.getLogger(__name__)

CONNECTED = ("exec", "attach", "portforward")
HEAD_END = b"\r\n\r\n"
PASSED_ON = ("upgrade", "connection")
STREAMS = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}
"""What the API calls a stream, and what the kubelet does."""


class Upgrade(asyncio.Protocol):
    """What uvicorn gives a connection that asks for a WebSocket to."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        self._application = config.app
        self._connections: set[Any] = server_state.connections
        self._head = b""
        self._near: asyncio.Transport | None = None
        self._far: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of a stream
        self._near = transport
        self._connections.add(self)

    @property
    def transport(self) -> asyncio.Transport | None:
        """By which the server cuts what is left when it stops."""
        return self._near

    def data_received(self, data: bytes) -> None:
        if self._far is not None:
            self._far.write(data)
            return
        self._head += data
        if self._task is None and HEAD_END in self._head:
            self._task = asyncio.get_running_loop().create_task(self._begin())

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        if self._far is not None:
            self._far.close()
        if self._task is not None:
            self._task.cancel()

    def shutdown(self) -> None:
        """The server stops."""
        if self._near is not None:
            self._near.close()

    async def _begin(self) -> None:
        head, _, _ = self._head.partition(HEAD_END)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        path, _, query = target.partition("?")
        request = Request(method, path, parse_query(query.encode()), headers, raw_query=query)
        try:
            request.user = self._application.authenticate(headers)
            url, node = stream_url(self._application.api, request)
            await self._connect(url, node, headers)
        except Problem as problem:
            self._refuse(problem)
        except NoSuchPage:
            self._refuse(Problem(404, "NotFound", "404 page not found"))
        except (OSError, TimeoutError) as error:
            text = f"error dialing backend: {error or type(error).__name__}"
            self._refuse(Problem(500, "InternalError", text))

    async def _connect(self, url: str, node: str, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            far, _ = await loop.create_connection(
                lambda: _Far(self._near), parts.hostname or "", parts.port or 0
            )
        kept = {
            name: value
            for name, value in headers.items()
            if name in PASSED_ON or name.startswith("sec-websocket-")
        }
        kept |= {"host": parts.netloc, NODE_HEADER: node}
        lines = "".join(f"{name}: {value}\r\n" for name, value in kept.items())
        far.write(f"GET {parts.path}?{parts.query} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))
        rest = self._head.partition(HEAD_END)[2]
        if rest:
            far.write(rest)
        self._far = far

    def _refuse(self, problem: Problem) -> None:
        if self._near is None:
            return
        body = json_answer(problem.as_status()).body
        head = f"HTTP/1.1 {problem.code} {problem.reason or 'Refused'}\r\ncontent-type: application/json\r\n"
        self._near.write(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
        self._near.close()


class _Far(asyncio.Protocol):
    """The kubelet's end."""

    def __init__(self, near: asyncio.Transport | None) -> None:
        self._near = near

    def data_received(self, data: bytes) -> None:
        if self._near is not None:
            self._near.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._near is not None:
            self._near.close()


def refusal(subresource: str) -> Problem:
    """Why a connection to a pod is not made; kubectl shows it when it has tried every way it knows."""
    text = NO_PORTS if subresource == "portforward" else NO_SPDY
    return Problem(405, "MethodNotAllowed", text)


def stream_url(api: Api, request: Request) -> tuple[str, str]:
    """Where the kubelet runs the command or shows the container, and the node. Raises 400, 403, 404, 405."""
    target = find_target(request.path, api.registry)
    if target.resource.storage != "pods" or target.subresource not in CONNECTED:
        raise method_not_allowed()
    for method in ("GET", "POST"):  # whoever may only read may not run anything
        asked = Request(method, request.path, request.query, request.headers, user=request.user)
        refuse_unless_allowed(api, asked, target, watching=False)
    pod = existing(api, Target(target.resource, target.namespace, target.name)).document
    if target.subresource == "portforward":
        raise refusal(target.subresource)
    given = parse_qsl(request.raw_query, keep_blank_values=True)
    command = [("command", value) for key, value in given if key == "command"]
    if target.subresource == "exec" and not command:
        raise bad_request("you must specify at least one command for the container")
    container = container_of(pod, target.name, request.query.get("container", ""))
    streams = [(name, "1") for key, name in STREAMS.items() if request.flag(key)]
    node = node_of(pod, target.name)
    names = (target.subresource, target.namespace, target.name, container)
    place = "".join(f"/{quote(name)}" for name in names)
    return f"{endpoint_of(api, node)}{place}?{urlencode([*streams, *command])}", node
