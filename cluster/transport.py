"""Sends one request over the pool with a deadline, the retry policy, and credentials that may be rotated meanwhile."""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    SSLError,
)

from cluster.connection import Connection
from cluster.errors import ClusterError, ClusterUnavailable, error_from_response
from cluster.retries import RetryBudget, RetryPolicy, effect_is_unknown, may_repeat, seconds_of
from cluster.wire import CONNECT_SECONDS, Answer

logger = logging.getLogger(__name__)

_AS_JSON = json.JSONEncoder(separators=(",", ":")).encode
SUCCESS_BELOW = 300
"""An API server sends nobody elsewhere: a redirect is from something in between, and nothing was done."""
Query = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class _Tried:
    """What came of one try: data, or an error with what is known about it; `status` 0 when there was no answer."""

    data: bytes = b""
    error: ClusterError | None = None
    status: int = 0
    retry_after: float | None = None
    never_sent: bool = False

    def may_repeat(self, *, idempotent: bool, conflicts: bool) -> bool:
        if self.status == 0:
            return idempotent or self.never_sent
        return may_repeat(self.status, self.retry_after, idempotent=idempotent, conflicts=conflicts)

    @property
    def effect_is_unknown(self) -> bool:
        if self.status == 0:
            return not self.never_sent
        return effect_is_unknown(self.status, self.retry_after)


class Transport:
    """HTTP to one cluster; every answer is read to its end, so that its connection goes back to the pool."""

    def __init__(self, connection: Connection, user_agent: str, policy: RetryPolicy | None = None) -> None:
        self.connection = connection
        self._user_agent = user_agent
        self._policy = policy or RetryPolicy()
        self._budget = RetryBudget()
        self._root = urlsplit(
            connection.host
        ).path  # of a server that is reached below a path, as behind Rancher

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        deadline_seconds: float,
        idempotent: bool | None = None,
        conflicts: bool = False,
    ) -> bytes:
        """The body of a successful answer. Raises a ClusterError otherwise; waits and retries within the deadline.

        `idempotent` (unless said, everything but POST): may be sent again when nobody knows whether it worked; an error then
        says by `unsure` that an earlier try may have. `conflicts`: a 409 may be sent again as well.
        """
        repeatable = method != "POST" if idempotent is None else idempotent
        url = self._url(path, query)
        payload = None if body is None else _AS_JSON(body).encode()
        give_up_at = time.monotonic() + deadline_seconds
        failures = 0
        renewed = unsure = False
        while True:
            sent = self._headers(accept, content_type if payload is not None else None)
            tried = self._attempt(method, url, payload, sent, give_up_at)
            if tried.error is None:
                return tried.data
            tried.error.unsure = unsure
            if tried.error.code == 401 and not renewed:
                renewed = True
                if self._renewed(sent):
                    logger.info("credentials were rotated; sending %s %s again", method, path)
                    continue
            failures += 1
            wait = max(tried.retry_after or 0.0, self._policy.wait(failures))
            again = tried.may_repeat(idempotent=repeatable, conflicts=conflicts)
            if not again or failures >= self._policy.attempts or time.monotonic() + wait >= give_up_at:
                raise tried.error
            if not self._budget.take():
                logger.warning("%s %s: not sent again: too many requests fail", method, path)
                raise tried.error
            unsure = unsure or tried.effect_is_unknown
            logger.info("%s %s: %s; again in %.1f s", method, path, tried.error.message, wait)
            time.sleep(wait)

    def compose(self, method: str, path: str, body: Any) -> bytes:
        """The request as `send` would put it on a connection of the wire; RuntimeError where there is none."""
        wire = self.connection.wire()
        if wire is None:
            raise RuntimeError(f"{self.connection.host} is reached through a proxy")
        headers = self._headers("application/json", "application/json")
        return wire.compose(method, self._root + path, headers, _AS_JSON(body).encode())

    def stream(
        self,
        path: str,
        *,
        query: Query | None = None,
        accept: str = "application/json",
        silence_seconds: float,
    ) -> "Stream":
        """A GET whose answer goes on; raises like `send`, but does not retry: the caller knows where to go on from."""
        url = self._url(path, query)
        for renewed in (False, True):
            headers = self._headers(accept, None)
            try:
                response = self.connection.pool.request(
                    "GET",
                    url,
                    headers=headers,
                    timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=silence_seconds),
                    preload_content=False,
                    retries=False,
                    redirect=False,
                )
            except (HTTPError, OSError) as error:
                raise _unavailable("GET", path, error) from error
            if response.status < SUCCESS_BELOW:
                return Stream(response, path)
            failure = error_from_response(
                response.status, response.data
            )  # reads it, which gives the connection back
            if response.status != 401 or renewed or not self._renewed(headers):
                raise failure
        raise AssertionError("both rounds return or raise")

    def _renewed(self, refused: Mapping[str, str]) -> bool:
        return self.connection.credentials.renew(refused.get("Authorization"))

    def _attempt(
        self, method: str, url: str, payload: bytes | None, headers: dict[str, str], give_up_at: float
    ) -> "_Tried":
        remaining = max(0.05, give_up_at - time.monotonic())
        try:
            answer = self._exchange(method, url, payload, headers, remaining)
        except (HTTPError, OSError) as error:
            return _Tried(error=_unavailable(method, url, error), never_sent=_was_never_sent(error))
        if answer.status < SUCCESS_BELOW:
            return _Tried(answer.data)
        retry_after = seconds_of(answer.headers.get("retry-after"))
        return _Tried(
            error=error_from_response(answer.status, answer.data),
            status=answer.status,
            retry_after=retry_after,
        )

    def _exchange(
        self, method: str, url: str, payload: bytes | None, headers: dict[str, str], seconds: float
    ) -> Answer:
        """Over the short way where there is one, else by the pool."""
        wire = self.connection.wire()
        if wire is not None:
            return wire.exchange(
                method,
                self._root + url[len(self.connection.host) :],
                headers,
                payload,
                connect_seconds=min(CONNECT_SECONDS, seconds),
                read_seconds=seconds,
            )
        response = self.connection.pool.request(
            method,
            url,
            body=payload,
            headers=headers,
            timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds),
            retries=False,
            redirect=False,
        )
        told = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, told, bytes(response.data))

    def _url(self, path: str, query: Query | None) -> str:
        present = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in (query or {}).items()
            if value is not None and value != ""
        }
        return f"{self.connection.host}{path}" + (f"?{urlencode(present)}" if present else "")

    def _headers(self, accept: str, content_type: str | None) -> dict[str, str]:
        headers = {"Accept": accept, "User-Agent": self._user_agent}
        if content_type is not None:
            headers["Content-Type"] = content_type
        authorization = self.connection.credentials.authorization()
        if authorization:
            headers["Authorization"] = authorization
        return headers


class Stream:
    """An answer that is read as it comes. Close it; closing from another thread ends a blocked read."""

    def __init__(self, response: urllib3.BaseHTTPResponse, path: str) -> None:
        self._response = response
        self._path = path
        self._closed = False

    def chunks(self) -> Iterator[bytes]:
        """Bytes as they arrive; ends when the server ends the answer or `close` is called; ClusterUnavailable when cut."""
        try:
            yield from self._response.stream(65536)
        except (HTTPError, OSError, ValueError) as error:
            if not self._closed:
                raise _unavailable("GET", self._path, error) from error

    def lines(self) -> Iterator[bytes]:
        """Whole lines without their line feed; what follows the last one is given when the stream ends well."""
        rest: list[bytes] = []
        for chunk in self.chunks():
            first, *more = chunk.split(b"\n")
            rest.append(first)
            for piece in more:
                yield b"".join(rest)
                rest = [piece]
        if last := b"".join(rest):
            yield last

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self._response.shutdown()  # wakes a reader in another thread; close() alone would wait for it
        except (HTTPError, OSError, ValueError, RuntimeError):
            logger.debug("stream %s was already down", self._path)

    def release(self) -> None:
        """Give the socket back; only the reading thread may, after its last read."""
        self._response.close()


def _unavailable(method: str, path: str, error: Exception) -> ClusterError:
    late = isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(error, NewConnectionError)
    reason = "Timeout" if late else "ConnectionFailed"
    if isinstance(error, SSLError):
        reason = "CertificateNotTrusted"
    return ClusterUnavailable(f"{method} {path.split('?')[0]}: {error}", reason=reason)


def _was_never_sent(cause: Exception) -> bool:
    """Nobody listened: then even a create may be tried again."""
    return isinstance(cause, NewConnectionError | ConnectTimeoutError | LocationParseError)
