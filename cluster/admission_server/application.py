"""The ASGI application: POST /mutate and /validate, GET /livez and /readyz; bounded bodies, bounded times."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from cluster.admission.answers import Answer, mutating, validating
from cluster.admission.projects import Project
from cluster.admission.reviews import Review, UnreadableReview, read_review
from cluster.admission.trust import Trust
from cluster.errors import ClusterError

logger = logging.getLogger(__name__)

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes: an object and the one before it, of which the API server takes 3 MiB each, with what is around them."""
BODY_SECONDS = 5.0
LOOKUP_SECONDS = 2.0
"""Less than the timeoutSeconds of the webhooks, so that the reason arrives instead of a timeout."""
ANSWERS: dict[str, Answer] = {"/mutate": mutating, "/validate": validating}

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Refused(Exception):
    """A request that gets no review back: its HTTP status and a sentence. The failurePolicy decides then."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class KnownProjects(Protocol):
    """cluster.admission_server.projects, or a fake."""

    @property
    def ready(self) -> bool: ...

    def known(self, namespace: str) -> Project | None: ...

    def ask(self, namespace: str) -> Project | None: ...


@dataclass
class Application:
    """`registered` turns true once the API server was told of us."""

    projects: KnownProjects
    trust: Trust = field(default_factory=Trust)
    registered: bool = False

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            status, body = await self._answer(scope, receive)
        except Refused as refusal:
            status, body = refusal.status, f"{refusal}\n".encode()
        except Exception:
            logger.exception("%s failed", scope.get("path"))
            status, body = 500, b"admission failed; its log says why\n"
        kind = b"application/json" if body.startswith(b"{") else b"text/plain; charset=utf-8"
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: dict[str, Any], receive: Receive) -> tuple[int, bytes]:
        method, path = scope["method"], scope["path"]
        if path in ("/livez", "/readyz"):
            return self._health(path)
        answer = ANSWERS.get(path)
        if answer is None:
            raise Refused(404, f"no such page; there are {', '.join(ANSWERS)}, /livez, /readyz")
        if method != "POST":
            raise Refused(405, f"{method}: only POST is answered here")
        headers = dict(scope["headers"])
        if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
            raise Refused(415, "content-type: must be application/json")
        review = _review_in(await _body(headers, receive))
        project = await self._project(review.namespace)
        answered = answer(review, project, self.trust)
        _tell(path, review, answered)
        return 200, json.dumps(answered, separators=(",", ":")).encode()

    def _health(self, path: str) -> tuple[int, bytes]:
        if path == "/livez" or (self.projects.ready and self.registered):
            return 200, b"ok\n"
        missing = (
            "the projects are not read" if not self.projects.ready else "the API server was not told of us"
        )
        return 503, f"not ready: {missing} yet\n".encode()

    async def _project(self, namespace: str) -> Project | None:
        """From the watch; else asked for, within its time."""
        known = self.projects.known(namespace)
        if known is not None:
            return known
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                return await asyncio.to_thread(self.projects.ask, namespace)
        except (ClusterError, TimeoutError) as error:
            why = str(error) or f"no answer within {LOOKUP_SECONDS:g} s"
            raise Refused(
                503, f"the project of namespace {namespace[:80]!r} could not be read: {why}"
            ) from error


async def _body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    """The whole body; refused as soon as it is known to be too long, or when it does not come."""
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > LARGEST_BODY:
        raise Refused(413, f"the body has {int(announced)} bytes, at most {LARGEST_BODY} are read")
    found = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(400, "the connection ended inside the body")
                found += message.get("body", b"")
                if len(found) > LARGEST_BODY:
                    raise Refused(413, f"the body is longer than {LARGEST_BODY} bytes")
                if not message.get("more_body"):
                    return bytes(found)
    except TimeoutError as error:
        raise Refused(408, f"the body did not come within {BODY_SECONDS:g} s") from error


def _review_in(body: bytes) -> Review:
    try:
        return read_review(json.loads(body))
    except UnreadableReview as error:
        raise Refused(400, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON that can be read: {error}"[:300]) from error


def _tell(path: str, review: Review, answered: dict[str, Any]) -> None:
    """Refusals are worth a line: who wanted what."""
    response = answered["response"]
    if not response["allowed"]:
        what = "/".join(filter(None, (review.resource, review.subresource)))
        logger.info(
            "refused %s %s in %s for %s: %s",
            *(review.operation, what, review.namespace, review.requester.name, response["status"]["message"]),
        )
