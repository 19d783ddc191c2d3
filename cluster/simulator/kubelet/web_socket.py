"""The kubelet's side of a WebSocket that carries a command's streams (v5.channel.k8s.io): handshake, frames, channels."""

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Mapping
from io import BufferedIOBase
from typing import Any

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, CLOSE = 0, 1, 2, 3, 255
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BINARY, _CLOSE_FRAME, _PING, _PONG = 0x2, 0x8, 0x9, 0xA
_LONGEST_FRAME = 1 << 20
_GOODBYE_SECONDS = 60.0
_PIECE = 32 * 1024


class NotAWebSocket(Exception):
    """The request asks for no upgrade that we know."""


def handshake(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of the 101 answer. Raises NotAWebSocket."""
    key = headers.get("Sec-WebSocket-Key")
    offered = [one.strip() for one in (headers.get("Sec-WebSocket-Protocol") or "").split(",")]
    chosen = next((one for one in PROTOCOLS if one in offered), None)
    if headers.get("Upgrade", "").lower() != "websocket" or not key or chosen is None:
        raise NotAWebSocket(f"a WebSocket upgrade with one of the protocols {', '.join(PROTOCOLS)} is needed")
    accepted = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()  # noqa: S324 (RFC 6455)
    return {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accepted,
        "Sec-WebSocket-Protocol": chosen,
    }


class Channels:
    """Streams over one upgraded connection. One thread uses it; after `listen` another reads what comes in."""

    def __init__(self, reader: BufferedIOBase, writer: BufferedIOBase) -> None:
        self._reader, self._writer = reader, writer
        self._sending = threading.Lock()
        self._gone: threading.Event | None = None

    def listen(self) -> threading.Event:
        """From now on the client's pings are answered, without which it gives up after a minute; set when it has gone."""
        self._gone = threading.Event()
        threading.Thread(target=self._hear, args=(self._gone,), name="kubelet-listener", daemon=True).start()
        return self._gone

    def _hear(self, gone: threading.Event) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (frame := self._receive())[0] != _CLOSE_FRAME:
                if frame[0] == _PING:
                    self._send(_PONG, frame[1])
        gone.set()

    def write(self, channel: int, text: str) -> None:
        data = text.encode()
        for start in range(0, len(data), _PIECE):
            self._send(_BINARY, bytes([channel]) + data[start : start + _PIECE])

    def read_stdin(self) -> str:
        """All that comes in until the client closes its side."""
        received = b""
        while True:
            opcode, payload = self._receive()
            if opcode == _CLOSE_FRAME or (payload[:1] == bytes([CLOSE]) and payload[1:] == bytes([STDIN])):
                return received.decode("utf-8", "replace")
            if opcode == _PING:
                self._send(_PONG, payload)
            elif payload[:1] == bytes([STDIN]):
                received += payload[1:]

    def finish(self, status: dict[str, Any]) -> None:
        """How the command ended, then the end."""
        self._send(_BINARY, bytes([ERROR]) + json.dumps(status).encode())
        self._send(_CLOSE_FRAME, (1000).to_bytes(2, "big"))
        if self._gone is not None:
            self._gone.wait(_GOODBYE_SECONDS)
            return
        with contextlib.suppress(OSError, ValueError):
            while self._receive()[0] != _CLOSE_FRAME:
                pass  # the client says goodbye too, or goes

    def _send(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        head = bytes([0x80 | opcode])
        head += bytes([length]) if length < 126 else bytes([126]) + length.to_bytes(2, "big")
        with self._sending:
            self._writer.write(head + payload)
            self._writer.flush()

    def _receive(self) -> tuple[int, bytes]:
        """(opcode, payload) of one frame; a connection that ends is a closing frame. Raises ValueError for what is too long."""
        head = self._reader.read(2)
        if len(head) < 2:
            return _CLOSE_FRAME, b""
        length = head[1] & 0x7F
        if length > 125:
            length = int.from_bytes(self._reader.read(2 if length == 126 else 8), "big")
        if length > _LONGEST_FRAME:
            raise ValueError(f"a frame of {length} bytes: at most {_LONGEST_FRAME} are taken")
        mask = self._reader.read(4) if head[1] & 0x80 else bytes(4)
        payload = self._reader.read(length)
        return head[0] & 0xF, bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
