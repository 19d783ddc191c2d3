"""A small HTTP server that answers as a test tells it and remembers what it was asked."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cluster.client import ClusterClient
from cluster.connection import connect_with_token
from cluster.retries import RetryPolicy

QUICK = RetryPolicy(attempts=4, first_wait=0.001, longest_wait=0.005)


@dataclass
class Answer:
    """What the server says. `chunks` makes it a stream; `cut` closes the connection instead of, or after, answering."""

    code: int = 200
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes | Callable[[], None]] | None = None
    cut: bool = False


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


def status(code: int, reason: str, message: str = "as told", **details: Any) -> Answer:
    return Answer(
        code,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": code,
            "reason": reason,
            "message": message,
            "details": details,
        },
    )


def line(kind: str, document: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": document}).encode() + b"\n"


class ScriptedServer:
    """Answers in the order given; an answer may be a function of what was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer | Callable[[Asked], Answer]] = []
        self.asked: list[Asked] = []
        self.connections: set[tuple[str, int]] = set()
        self.lock = threading.Lock()
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                script.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 (names of http.server)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as inherited)
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    def client(self, token: str | None = "secret") -> ClusterClient:
        return ClusterClient(connect_with_token(self.url, token), policy=QUICK)

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        raw = request.rfile.read(length)
        parts = urlsplit(request.path)
        asked = Asked(
            request.command,
            parts.path,
            {name: values[0] for name, values in parse_qs(parts.query).items()},
            dict(request.headers),
            json.loads(raw) if raw else None,
        )
        with self.lock:
            self.asked.append(asked)
            self.connections.add(request.client_address)
            answer = (
                self.answers.pop(0)
                if self.answers
                else status(500, "NotScripted", f"{asked.method} {asked.path}")
            )
        told = answer(asked) if callable(answer) else answer
        try:
            self.reply(request, told)
        except OSError:
            request.close_connection = True  # the client went away, which some tests are about

    def reply(self, request: BaseHTTPRequestHandler, answer: Answer) -> None:
        if answer.cut and answer.chunks is None:
            request.close_connection = True
            return
        request.send_response(answer.code)
        for name, value in answer.headers.items():
            request.send_header(name, value)
        if answer.chunks is not None:
            self.stream(request, answer)
            return
        body = answer.document if isinstance(answer.document, bytes) else json.dumps(answer.document).encode()
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def stream(self, request: BaseHTTPRequestHandler, answer: Answer) -> None:
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for chunk in answer.chunks or []:
            if callable(chunk):
                chunk()
            else:
                request.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                request.wfile.flush()
        if not answer.cut:
            request.wfile.write(b"0\r\n\r\n")
        if answer.cut:
            request.close_connection = True
