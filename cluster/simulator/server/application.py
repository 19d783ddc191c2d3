"""The ASGI application: reads a request, finds who asks and for what, answers; every refusal becomes a `Status`."""

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import yaml

from cluster.simulator.identities import ANONYMOUS, User
from cluster.simulator.problems import Problem, timed_out, unauthorized
from cluster.simulator.server.api import Api
from cluster.simulator.server.authorization import (
    impersonated,
    refuse_unless_allowed,
    refuse_unless_allowed_path,
)
from cluster.simulator.server.discovery import fixed_answer
from cluster.simulator.server.handling import handle, warning_header
from cluster.simulator.server.kubelet_proxy import forward, proxied_url
from cluster.simulator.server.messages import (
    JSON,
    Answer,
    Request,
    Target,
    json_answer,
    parse_query,
    text_answer,
)
from cluster.simulator.server.negotiation import Form, wanted_form
from cluster.simulator.server.routing import NoSuchPage, find_target
from cluster.simulator.server.streaming import open_watch, watch_lines
from cluster.simulator.server.upgrading import CONNECTED, refusal
from cluster.simulator.webhooks.admission import Admission, Unanswered
from cluster.simulator.webhooks.calling import Caller

PROXIED = ("log", "proxy")
FAILED = "Internal error occurred: see the simulator's log"
LONGEST_WRITE_SECONDS = 60.0
LARGEST_BODY = 3 * 1024 * 1024
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

logger = logging.getLogger(__name__)


class Application:
    """`await application(scope, receive, send)` for each request, on the loop that owns the store."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._committed: asyncio.Future[None] | None = None
        self._webhooks = Caller()
        api.store.schedule_commit = self._schedule_commit

    async def close(self) -> None:
        """Let go of the webhooks' connections."""
        await self._webhooks.close()

    def _schedule_commit(self) -> None:
        """Writes of one turn of the loop are committed together."""
        if self._committed is not None:
            return  # a read has committed what came before in this turn: its writers wait for the same future
        loop = asyncio.get_running_loop()
        self._committed = loop.create_future()
        loop.call_soon(self._commit)

    def _commit(self) -> None:
        waiting, self._committed = self._committed, None
        try:
            self.api.store.commit()
        except sqlite3.Error as error:
            logger.critical("what was written cannot be kept: %s", error)
            if waiting is not None:
                waiting.set_exception(error)
                waiting.exception()  # the writers are told; without one of them asyncio would complain
        else:
            if waiting is not None:
                waiting.set_result(None)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        path = scope["raw_path"].partition(b"?")[0].decode("latin-1")
        query = scope["query_string"]
        request = Request(
            scope["method"], path, parse_query(query), headers, raw_query=query.decode("latin-1")
        )
        try:
            request.user = self.authenticate(headers)
            if "content-length" in headers or "transfer-encoding" in headers:
                request.body = await _read_body(receive)
            await self._answer(request, receive, send)
        except Problem as problem:
            await _send(send, _problem_answer(problem))
        except NoSuchPage:
            await _send(send, text_answer("404 page not found\n", 404))
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            await _send(send, _problem_answer(Problem(500, "InternalError", FAILED)))

    def authenticate(self, headers: dict[str, str]) -> User:
        """The owner of the bearer token. Raises 401 for a token nobody has."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not scheme:
            return ANONYMOUS
        user = self.api.identities.user_of(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise unauthorized()
        return impersonated(self.api, user, headers) if "impersonate-user" in headers else user

    async def _answer(self, request: Request, receive: Receive, send: Send) -> None:
        if not request.path.startswith(("/api/", "/apis/")):
            refuse_unless_allowed_path(self.api, request)
        answer = fixed_answer(self.api, request)
        if answer is not None:
            await _send(send, answer)
            return
        target = find_target(request.path, self.api.registry)
        watching = request.method == "GET" and not target.subresource and request.flag("watch")
        refuse_unless_allowed(self.api, request, target, watching=watching)
        if target.resource.aggregated:
            await self._forward(request, target, receive, send)
            return
        form = wanted_form(request.headers.get("accept", ""))
        if watching:
            await self._watch(request, target, form, receive, send)
            return
        if target.resource.storage == "pods" and target.subresource in CONNECTED:
            raise refusal(target.subresource)
        if target.subresource in PROXIED:
            await self._forward(request, target, receive, send)
            return
        if request.method in ("GET", "HEAD"):
            self.api.store.commit()  # nobody may read what could still be lost
        answer = await self._handled(request, target, form)
        if form.yaml:
            text = yaml.safe_dump(json.loads(answer.body), sort_keys=False)
            answer.body, answer.media_type = text.encode(), "application/yaml"
        if self._committed is not None:
            await asyncio.shield(self._committed)
        await _send(send, answer)

    async def _handled(self, request: Request, target: Target, form: Form) -> Answer:
        """The answer; writes begin again until every webhook they need has been heard. Raises 504 when that takes too long."""
        if request.method in ("GET", "HEAD"):
            return handle(self.api, request, target, form)
        admission = request.admission = Admission(self.api, request.user)
        try:
            async with asyncio.timeout(LONGEST_WRITE_SECONDS):
                while True:
                    try:
                        answer = handle(self.api, request, target, form)
                    except Unanswered as waiting:
                        await admission.ask(self._webhooks, waiting.calls)
                    else:
                        break
        except TimeoutError:
            raise timed_out() from None
        except Problem as problem:
            problem.headers |= warning_header([], admission.warnings)
            raise
        if admission.warnings:
            answer.headers |= warning_header([answer.headers.get("warning", "")], admission.warnings)
        return answer

    async def _forward(self, request: Request, target: Target, receive: Receive, send: Send) -> None:
        url, node = proxied_url(self.api, request, target)
        if not url:  # a pod without a node has not said anything
            await _send(send, Answer(204, b"", "text/plain"))
            return
        status, headers, chunks = await forward(request, url, node, log=target.subresource == "log")
        await stream(chunks, receive, send, status=status, headers=headers)

    async def _watch(
        self, request: Request, target: Target, form: Form, receive: Receive, send: Send
    ) -> None:
        self.api.store.commit()
        watcher, first = open_watch(self.api, request, target, form)
        lines = watch_lines(self.api, request, target, form, watcher, first)
        await stream(lines, receive, send)


async def stream(
    chunks: AsyncIterator[bytes],
    receive: Receive,
    send: Send,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> None:
    """Send chunks as they come, until they end or the client goes."""
    await send(_start(status, headers or {"content-type": JSON}))
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    sending = asyncio.ensure_future(_send_chunks(chunks, send))
    leaving = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        sending.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)


async def _send_chunks(chunks: AsyncIterator[bytes], send: Send) -> None:
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_body(receive: Receive) -> bytes:
    """Raises 413 for a body larger than the API takes."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "BadRequest", "the client went before its request was complete")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            raise Problem(413, "RequestEntityTooLarge", f"Request entity too large: limit is {LARGEST_BODY}")
        if not message.get("more_body"):
            return b"".join(parts)


def _problem_answer(problem: Problem) -> Answer:
    answer = json_answer(problem.as_status(), problem.code)
    answer.headers.update(problem.headers)
    return answer


def _start(status: int, headers: dict[str, str]) -> dict[str, Any]:
    pairs = [(key.lower().encode(), value.encode("latin-1", "replace")) for key, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


async def _send(send: Send, answer: Answer) -> None:
    headers = {"content-type": answer.media_type, "content-length": str(len(answer.body)), **answer.headers}
    await send(_start(answer.status, headers))
    await send({"type": "http.response.body", "body": answer.body})
