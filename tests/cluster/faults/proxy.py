"""A proxy before an API server that does to chosen requests what networks and servers do on a bad day."""

import contextlib
import http.client
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import yaml


@dataclass(frozen=True)
class Request:
    """`number` counts from 0 over all that came."""

    number: int
    method: str
    path: str
    authorization: str = ""

    @property
    def watches(self) -> bool:
        return "watch=true" in self.path


@dataclass(frozen=True)
class Fault:
    """What happens to one request. `reaches` says whether the server is asked at all before.

    Answers: `status` (with `headers`) instead of the server's; `cut_after` so many bytes of its body; `reset` the connection;
    `garbage` as the body of a 200; `hold` until the proxy is released. For watches: after `lines` whole lines, `then` what.
    """

    name: str
    reaches: bool = False
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    cut_after: int | None = None
    reset: bool = False
    garbage: bytes | None = None
    hold: bool = False
    lines: int | None = None
    then: str = ""

    def __str__(self) -> str:
        return self.name


Plan = Callable[[Request], Fault | None]


@dataclass
class FaultyProxy:
    """Plain HTTP in front, TLS with the administrator's token behind. `seen` is what came, `plan` what is done to it."""

    server: str
    context: ssl.SSLContext
    token: str
    plan: Plan = lambda _: None
    seen: list[Request] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    proxy.handle(self)
                    return
                self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 (names of http.server)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as inherited)
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # connections that the client, or a fault, has cut

        self.http = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.held.set()
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()

    def count(self, method: str = "", contains: str = "") -> int:
        """Requests that came so far."""
        return sum(1 for one in self.seen if method in ("", one.method) and contains in one.path)

    # --- one request ----------------------------------------------------------------------------------------------

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        authorization = handler.headers.get("Authorization", "")
        with self._lock:
            asked = Request(len(self.seen), handler.command, handler.path, authorization)
            self.seen.append(asked)
        fault = self.plan(asked)
        if fault is not None and not fault.reaches:
            self._misbehave(handler, fault, b"")
            return
        connection, answer = self._forward(handler, body)
        try:
            if asked.watches and answer.status == 200:
                self._relay(handler, answer, fault)
                return
            data = answer.read()
            if fault is not None:
                self._misbehave(handler, fault, data)
                return
            self._answer(handler, answer.status, data, answer.getheader("Content-Type") or "application/json")
        finally:
            connection.close()

    def _forward(
        self, handler: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        place = urlsplit(self.server)
        connection = http.client.HTTPSConnection(
            str(place.hostname), place.port, context=self.context, timeout=60
        )
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in ("host", "authorization")}
        headers["Authorization"] = f"Bearer {self.token}"
        connection.request(handler.command, handler.path, body, headers)
        return connection, connection.getresponse()

    def _answer(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        data: bytes,
        kind: str = "application/json",
        headers: tuple[tuple[str, str], ...] = (),
        length: int | None = None,
    ) -> None:
        handler.send_response(status)
        for name, value in (("Content-Type", kind), *headers):
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data) if length is None else length))
        handler.end_headers()
        handler.wfile.write(data)

    def _misbehave(self, handler: BaseHTTPRequestHandler, fault: Fault, data: bytes) -> None:
        if fault.hold:
            self.held.wait(60)
        if fault.status:
            told = {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "code": fault.status,
                "message": fault.name,
            }
            self._answer(handler, fault.status, json.dumps(told).encode(), headers=fault.headers)
            return
        if fault.garbage is not None:
            self._answer(handler, 200, fault.garbage, "text/html")
            return
        if fault.cut_after is not None:
            self._answer(handler, 200, data[: fault.cut_after], length=len(data) + 1)
        self._hang_up(handler, reset=fault.reset)

    def _hang_up(self, handler: BaseHTTPRequestHandler, *, reset: bool) -> None:
        handler.close_connection = True
        handler.wfile.flush()
        if reset:  # no goodbye: the other side gets "connection reset"
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
        else:
            handler.connection.shutdown(socket.SHUT_RDWR)

    # --- watches --------------------------------------------------------------------------------------------------

    def _relay(
        self, handler: BaseHTTPRequestHandler, answer: http.client.HTTPResponse, fault: Fault | None
    ) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        passed = 0
        while True:
            if fault is not None and fault.lines is not None and passed >= fault.lines:
                following = answer.readline() if fault.then in ("cut", "close-inside", "reset") else b""
                self._break(handler, fault, following)
                return
            line = answer.readline()
            if not line:
                handler.wfile.write(b"0\r\n\r\n")
                return
            self._chunk(handler, line)
            passed += 1

    def _break(self, handler: BaseHTTPRequestHandler, fault: Fault, following: bytes) -> None:
        if fault.then in ("cut", "close-inside", "reset"):
            self._chunk(handler, following[: len(following) // 2])
            if (
                fault.then == "close-inside"
            ):  # a proxy that ends the answer politely, in the middle of an event
                handler.wfile.write(b"0\r\n\r\n")
            self._hang_up(handler, reset=fault.then == "reset")
            return
        if fault.then == "stall":
            self.held.wait(60)
            return
        extra = {
            "gone": b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n',
            "error": b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd is away"}}\n',
            "garbage": b"<html>502 Bad Gateway</html>\n",
            "odd-event": b'{"type":"ADDED","object":{"metadata":{}}}\n',
            "odd-type": b'{"type":"RENAMED","object":{"metadata":{"name":"x","resourceVersion":"1"}}}\n',
            "odd-error": b'{"type":"ERROR","object":[]}\n',
            "end": b"",
        }[fault.then]
        if extra:
            self._chunk(handler, extra)
        handler.wfile.write(b"0\r\n\r\n")

    def _chunk(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        if data:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            handler.wfile.flush()


@contextmanager
def proxy_before(kubeconfig: Any) -> Iterator[FaultyProxy]:
    """A proxy before the server that the kubeconfig names."""
    import base64

    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    proxy = FaultyProxy(cluster["server"], ssl.create_default_context(cadata=authority), user["token"])
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.close()
