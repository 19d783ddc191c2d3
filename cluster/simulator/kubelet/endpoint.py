"""The port the nodes answer on: logs and metrics pages, as an API server asks a kubelet for them.

All nodes share one port; the loopback address that was dialled tells which node is meant. Plain HTTP and TLS are
both understood, because a real API server speaks TLS to kubelets.
"""

import json
import logging
import select
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cluster import clock
from cluster.simulator.certificates import ensure_certificates
from cluster.simulator.connecting import NO_PORTS, NO_SPDY
from cluster.simulator.kubelet import usage
from cluster.simulator.kubelet.attaching import attach
from cluster.simulator.kubelet.executing import execute
from cluster.simulator.kubelet.lives import NodeAgent, PodLife
from cluster.simulator.kubelet.log_lines import Run
from cluster.simulator.kubelet.logs import LogNotThere, follow_log, log_text, read_request, run_of
from cluster.simulator.kubelet.pages import gpu_page, is_exporter, processes_page, resource_page
from cluster.simulator.kubelet.roster import Roster
from cluster.simulator.kubelet.web_socket import Channels, NotAWebSocket, handshake
from cluster.simulator.problems import Problem

logger = logging.getLogger(__name__)

_TLS_HANDSHAKE = 0x16
_TUNNELLED = "tunnelled"
UPGRADE_HEADERS = ("Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol")
NODE_HEADER = "X-Simulator-Node"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Endpoint:
    """Listens from construction on, answers from `start` on. `port` is the port asked for, or a free one if that is taken."""

    def __init__(self, roster: Roster, *, port: int = 0) -> None:
        try:
            self._server = _Server(port, roster)
        except OSError:
            if not port:
                raise
            self._server = _Server(0, roster)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.5,), name="kubelet-endpoint", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def serve(self, connection: socket.socket, host: str, port: int) -> None:
        """Answer on a connection that was meant for a node's or pod's address."""
        self._server.finish_request(connection, (_TUNNELLED, host, port))

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.stopping.set()
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, roster: Roster) -> None:
        self.roster = roster
        self.stopping = threading.Event()
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = threading.Lock()
        super().__init__(("0.0.0.0", port), _Handler)  # noqa: S104 (each node has its own loopback address; others are refused)

    def server_bind(self) -> None:
        if hasattr(socket, "SO_BINDTODEVICE"):
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
            except OSError:
                logger.debug(
                    "not allowed to listen on the loopback device alone; foreign callers are turned away instead"
                )
        super().server_bind()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return str(client_address[0]).startswith("127.")

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread: wrap it when the first byte begins a TLS handshake."""
        request.settimeout(60)
        try:
            first = request.recv(1, socket.MSG_PEEK)
            if first and first[0] == _TLS_HANDSHAKE:
                request = self._tls_context().wrap_socket(request, server_side=True)
            _Handler(request, client_address, self)
        except (OSError, ValueError) as error:
            logger.debug("a connection to a kubelet broke: %s", error)

    def _tls_context(self) -> ssl.SSLContext:
        with self._tls_lock:
            if self._tls is None:
                with tempfile.TemporaryDirectory(prefix="kubelet-tls-") as folder:
                    _, certificate, key = ensure_certificates(Path(folder), ["127.0.0.1"])
                    self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    self._tls.load_cert_chain(certificate, key)
            return self._tls


class _Refused(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    client_address: Any  # (address, port), or (_TUNNELLED, address, port)

    def setup(self) -> None:
        super().setup()
        if self.client_address[0] != _TUNNELLED:  # a unix socket has no such option
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_POST(self) -> None:
        """What a kube-apiserver hands on of a client that speaks no WebSocket; kubectl shows the text."""
        self.close_connection = True  # its body, if any, is not read
        self._send(405, NO_PORTS if self.path.startswith("/portForward/") else NO_SPDY)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith(usage.PREFIX):
            self._send_usage(unquote(parts.path), dict(parse_qsl(parts.query)))
            return
        pod = self._asked_pod()
        agent = self._asked_node() if pod is None else self.server.roster.agents.get(pod.node)
        if agent is None or agent.silent:
            self.close_connection = True  # a dead node does not answer
            return
        try:
            if parts.path.startswith(("/exec/", "/attach/")):
                self._connect(agent, unquote(parts.path), parts.query)
            elif parts.path.startswith("/portForward/"):
                raise _Refused(405, NO_PORTS)
            elif pod is not None:
                self._send_pod_page(agent, pod, str(self.client_address[2]), parts.path)
            else:
                self._answer(agent, unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True)))
        except _Refused as refused:
            self._send(refused.code, refused.text)

    def _asked_pod(self) -> PodLife | None:
        """The pod that was dialled itself, which only a tunnel can do."""
        if self.client_address[0] != _TUNNELLED:
            return None
        return self.server.roster.pod_at(str(self.client_address[1]))

    def _asked_node(self) -> NodeAgent | None:
        """The simulated API server names the node; a real one only dials its address."""
        named = self.headers.get(NODE_HEADER)
        if named:
            return self.server.roster.agents.get(named)
        if self.client_address[0] == _TUNNELLED:
            return self.server.roster.agent_at(str(self.client_address[1]))
        return self.server.roster.agent_at(str(self.connection.getsockname()[0]))

    def _answer(self, agent: NodeAgent, path: str, query: dict[str, str]) -> None:
        roster = self.server.roster
        match path.strip("/").split("/"):
            case ["healthz"]:
                self._send(200, "ok")
            case ["metrics", "resource"]:
                self._send(200, resource_page(roster, agent, clock.now()), _METRICS)
            case ["gpus"]:
                self._send(200, processes_page(roster, agent, clock.now()), "application/json")
            case ["containerLogs", namespace, pod, container]:
                self._send_log(self._pod(agent, namespace, pod), container, query)
            case ["podProxy", namespace, pod, port, *rest]:
                self._send_pod_page(agent, self._pod(agent, namespace, pod), port, "/".join(rest))
            case _:
                raise _Refused(404, "404 page not found")

    def _send_usage(self, path: str, query: dict[str, str]) -> None:
        """Of all nodes: an API server hands it on as to an aggregated one."""
        try:
            code, document = 200, usage.usage_document(self.server.roster, path, query, clock.now())
        except Problem as problem:
            code, document = problem.code, problem.as_status()
        self._send(code, json.dumps(document), "application/json")

    def _pod(self, agent: NodeAgent, namespace: str, name: str) -> PodLife:
        life = self.server.roster.by_key.get((namespace, name))
        if life is None or life.node != agent.name:
            raise _Refused(404, f'pod "{name}" does not exist on this node')
        return life

    def _send_pod_page(self, agent: NodeAgent, life: PodLife, port: str, rest: str) -> None:
        if not life.runs or not port.isdigit() or not is_exporter(life, int(port)):
            raise _Refused(503, f"dial tcp {life.ip}:{port}: connect: connection refused")
        if rest.strip("/") != "metrics":
            raise _Refused(404, "404 page not found")
        self._send(200, gpu_page(self.server.roster, agent, clock.now()), _METRICS)

    def _send_log(self, life: PodLife, container: str, query: dict[str, str]) -> None:
        try:
            request = read_request(query, clock.now())
            run = run_of(life, container, previous=request.previous)
        except (LogNotThere, ValueError) as error:
            raise _Refused(400, str(error)) from error
        if request.follow and run.ended is None:
            self._stream(
                follow_log(run, request, lambda _: None if self._left() else self._present(life, container))
            )
        else:
            self._send(200, log_text(run, request, clock.now()))

    def _connect(self, agent: NodeAgent, path: str, query: str) -> None:
        """exec or attach: the connection becomes the command's or the container's, and ends with it."""
        _, what, namespace, pod, container = path.split("/", 4)
        life = self._pod(agent, namespace, pod)
        spec = life.pod["spec"]
        sidecars = [one for one in spec.get("initContainers") or [] if one.get("restartPolicy") == "Always"]
        names = [*(one["name"] for one in [*spec["containers"], *sidecars]), *life.debuggers]
        if not life.runs or container not in names:
            raise _Refused(500, f'container not found ("{container}")')
        channels = self._upgrade()
        if what == "exec":
            execute(self.server.roster, agent, life, container, query, channels)
        else:
            run = run_of(life, container, previous=False)
            attach(run, lambda _: self._present(life, container), query, channels)

    def _upgrade(self) -> Channels:
        try:
            answer = handshake({name: str(self.headers.get(name) or "") for name in UPGRADE_HEADERS})
        except NotAWebSocket as error:
            raise _Refused(400, str(error)) from error
        self.close_connection = True
        self.send_response(101)
        for name, value in answer.items():
            self.send_header(name, value)
        self.end_headers()
        return Channels(self.rfile, self.wfile)

    def _left(self) -> bool:
        """Whether the client of an answer that still runs has gone: it has nothing to say meanwhile but that."""
        readable = select.poll()
        readable.register(self.connection, select.POLLIN)
        return bool(readable.poll(0))

    def _present(self, life: PodLife, container: str) -> Run | None:
        known = self.server.roster.lives.get(life.uid)
        if known is not life or self.server.stopping.is_set():
            return None
        return run_of(life, container, previous=False)

    def _send(self, code: int, text: str, content_type: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, pieces: Iterator[str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            if data := piece.encode():
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as inherited)
        logger.debug(format, *args)
