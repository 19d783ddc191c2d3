"""A way from a real API server to imaginary addresses: it asks this unix socket (HTTP CONNECT) for every connection to
a node or pod, so nodes and pods may have believable addresses that no network knows.

kube-apiserver is told so by an EgressSelectorConfiguration (cluster/control_plane/running.py writes it).
"""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from cluster.simulator.kubelet.roster import Roster

logger = logging.getLogger(__name__)

Serve = Callable[[socket.socket, str, int], None]
"""Answers on a connection as the dialled (address, port) would."""

_LONGEST_HEAD = 4096
_CHUNK = 65_536


class Tunnel:
    """Listens on `path`. What is not one of ours (a webhook, say) is dialled for real."""

    def __init__(self, path: Path, roster: Roster, serve: Serve) -> None:
        path.unlink(missing_ok=True)
        self._path = path
        self._roster = roster
        self._serve = serve
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        path.chmod(0o600)
        self._socket.listen(128)
        self._thread = threading.Thread(target=self._accept, name="kubelet-tunnel", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # stopped
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.settimeout(60)
                host, port = _read_connect(connection)
                if self._roster.agent_at(host) is not None or self._roster.pod_at(host) is not None:
                    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    self._serve(connection, host, port)
                else:
                    _pass_on(connection, host, port)
            except (OSError, ValueError) as error:
                logger.debug("a tunnelled connection broke: %s", error)


def _read_connect(connection: socket.socket) -> tuple[str, int]:
    """The target of the request; raises ValueError when it is no CONNECT. Nothing follows it before our answer."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(_LONGEST_HEAD)
        if not data or len(head) > _LONGEST_HEAD:
            raise ValueError("the tunnel was asked without a whole request")
        head += data
    method, target, *_ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    host, _, port = target.rpartition(":")
    if method != "CONNECT" or not port.isdigit():
        raise ValueError(f"the tunnel was asked for {method} {target}")
    return host.strip("[]"), int(port)


def _pass_on(connection: socket.socket, host: str, port: int) -> None:
    """Dial for real and copy both ways until one side ends."""
    try:
        far = socket.create_connection((host, port), timeout=10)
    except OSError:
        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        raise
    with far:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.settimeout(None)
        far.settimeout(None)
        back = threading.Thread(target=_copy, args=(far, connection), daemon=True)
        back.start()
        _copy(connection, far)
        back.join(5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
