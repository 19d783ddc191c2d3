"""One request and its answer over a kept connection, with as little as possible around it.

urllib3 opens the connections (TLS, client certificates, SOCKS, keep-alive); only what is said over them is written here, because its
and http.client's way of doing that costs four times the processor time, which on a scheduler's hot path is half of all there is.
"""

import socket
import ssl
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import cast

from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError, SSLError
from urllib3.util import wait_for_read

CONNECT_SECONDS = 5.0
"""For a new connection, TLS included."""
_LONGEST_LINE = 65536
_MOST_HEADERS = 200
_WITHOUT_BODY = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` by lower-case name; of repeated ones the last."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Reading(RawIOBase):
    """A socket to read from until a moment of the monotonic clock, however small the pieces are that come."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self.until = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a buffer of any kind: here always this one
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not end in time")
        self._socket.settimeout(left)
        return self._socket.recv_into(buffer)


class Line:
    """One connection: its socket, and the buffer that answers are read from."""

    __slots__ = ("answers", "reading", "socket")

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.reading = _Reading(connected)
        self.answers = cast("BufferedReader", BufferedReader(self.reading, 65536))

    def close(self) -> None:
        try:
            self.answers.close()
            self.socket.close()
        except OSError:  # it is gone already
            return


class Wire:
    """Connections to one server, thread-safe; at most `size` are kept while nobody uses them."""

    def __init__(self, pool: HTTPConnectionPool, size: int) -> None:
        self._pool = pool
        self._size = size
        self._idle: list[Line] = []  # the last one used is the next: append and pop are atomic
        weakref.finalize(self, _close_all, self._idle)  # of a client that is dropped without being closed
        port = f":{pool.port}" if pool.port else ""
        self._host = f"{f'[{pool.host}]' if ':' in pool.host else pool.host}{port}"

    def exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        connect_seconds: float,
        read_seconds: float,
    ) -> Answer:
        """Raises what urllib3 would. A failure before anything was sent is one of its connection errors."""
        line = self.take(connect_seconds)
        kept = False
        try:
            line.socket.settimeout(read_seconds)
            line.reading.until = time.monotonic() + read_seconds
            line.socket.sendall(self.compose(method, target, headers, body))
            answer, kept = _read_answer(line.answers, method)
        except TimeoutError as error:
            self.close()  # what was kept meanwhile may be as dead: each would cost a wait of its own
            raise ReadTimeoutError(self._pool, target, f"no answer within {read_seconds:.1f} s") from error
        except ssl.SSLError as error:
            raise SSLError(error) from error
        except (OSError, ValueError) as error:
            raise ProtocolError(f"the connection broke: {error}") from error
        finally:
            if kept:
                self.give_back(line)
            else:
                line.close()
        return answer

    def take(self, connect_seconds: float) -> Line:
        """A kept connection or a new one, for the caller alone; raises what urllib3 would."""
        return self._kept() or self._connect(connect_seconds)

    def give_back(self, line: Line) -> None:
        """After a whole answer: whoever needs a connection next may have it."""
        if len(self._idle) < self._size:
            self._idle.append(line)
        else:
            line.close()

    def close(self) -> None:
        _close_all(self._idle)

    def _kept(self) -> Line | None:
        """A connection that the server has not closed meanwhile."""
        while True:
            try:
                line = self._idle.pop()
            except IndexError:
                return None
            if not wait_for_read(line.socket, timeout=0.0):
                return line
            line.close()

    def _connect(self, seconds: float) -> Line:
        # the pool's own way to make one: all that TLS, SOCKS and socket options need is in it
        connection = self._pool._new_conn()  # noqa: SLF001
        connection.timeout = seconds
        try:
            connection.connect()
        except BaseException as error:
            connection.close()  # its socket may be open when TLS fails
            if isinstance(error, ssl.SSLError):
                raise SSLError(error) from error
            if isinstance(error, OSError | ValueError) and not isinstance(error, HTTPError):
                raise ProtocolError(f"no connection: {error}") from error
            raise
        return Line(cast("HTTPConnection", connection).sock)

    def compose(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        """A request as it goes over a connection; ValueError for a header that is none."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}"]
        for name, value in headers.items():
            if "\n" in value or "\r" in value:
                raise ValueError(f"the header {name} has a line break")
            lines.append(f"{name}: {value}")
        if body is not None or method in {"POST", "PUT", "PATCH"}:
            lines.append(f"Content-Length: {len(body or b'')}")
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + (body or b"")


def _close_all(idle: list[Line]) -> None:
    while idle:
        idle.pop().close()


def _read_answer(answers: BufferedReader, method: str) -> tuple[Answer, bool]:
    """(the answer, whether the connection may be used again); ValueError when it is not HTTP/1.1."""
    status, headers = _read_head(answers)
    while 100 <= status < 200:  # "go on", "processing": the answer proper follows
        status, headers = _read_head(answers)
    length = headers.get("content-length")
    again = headers.get("connection", "").lower() != "close"
    if method == "HEAD" or status in _WITHOUT_BODY:
        data = b""
    elif headers.get("transfer-encoding", "").lower() == "chunked":
        data = _read_chunks(answers)
    elif length is not None:
        data = _read_exactly(answers, int(length))
    else:
        data, again = answers.read(), False  # until the server hangs up
    return Answer(status, headers, data), again


def _read_head(answers: BufferedReader) -> tuple[int, dict[str, str]]:
    first = _read_line(answers)
    version, _, rest = first.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError(f"not an HTTP/1.1 answer: {first[:60]!r}")
    status = int(rest[:3])
    headers: dict[str, str] = {"connection": "close"} if version == b"HTTP/1.0" else {}
    for _ in range(_MOST_HEADERS):
        line = _read_line(answers)
        if not line:
            return status, headers
        name, _, value = line.partition(b":")
        headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
    raise ValueError(f"an answer with more than {_MOST_HEADERS} headers")


def _read_line(answers: BufferedReader) -> bytes:
    line = answers.readline(_LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise ValueError("the server hung up" if len(line) < _LONGEST_LINE else "a header without an end")
    return line.rstrip(b"\r\n")


def _read_chunks(answers: BufferedReader) -> bytes:
    pieces = []
    while size := int(_read_line(answers).partition(b";")[0], 16):
        pieces.append(_read_exactly(answers, size))
        _read_line(answers)
    while _read_line(answers):  # what may trail
        continue
    return b"".join(pieces)


def _read_exactly(answers: BufferedReader, count: int) -> bytes:
    data = answers.read(count)
    if len(data) < count:
        raise ValueError(f"the server hung up after {len(data)} of {count} bytes")
    return data
