"""Single requests over kept connections: whatever way the server sends its answer, and whenever it hangs up."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from cluster.client import ClusterClient
from cluster.connection import Connection, FixedToken, connect_with_token
from cluster.errors import ClusterUnavailable
from cluster.kinds import EVENTS, PODS
from cluster.transport import Transport
from tests.cluster.scripted_server import QUICK, Answer, Asked, ScriptedServer

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "n"}}
BODY = json.dumps(POD).encode()
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Listener:
    """Accepts connections one after another and says on each what it was told to, one piece per request."""

    def __init__(self, *connections: list[bytes]) -> None:
        self.requests: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(connections,), daemon=True)
        self._thread.start()

    def _serve(self, connections: tuple[list[bytes], ...]) -> None:
        for pieces in connections:
            accepted, _ = self._socket.accept()
            with accepted:
                for piece in pieces:
                    self.requests.append(accepted.recv(65536))
                    accepted.sendall(piece)

    def close(self) -> None:
        self._thread.join(5)
        self._socket.close()


@contextmanager
def asking(*connections: list[bytes], path: str = "") -> Iterator[tuple[ClusterClient, Listener]]:
    listener = Listener(*connections)
    client = ClusterClient(
        connect_with_token(f"http://127.0.0.1:{listener.port}{path}", "secret"), policy=QUICK
    )
    try:
        yield client, listener
    finally:
        client.close()
        listener.close()


def in_pieces(body: bytes, sizes: list[int]) -> bytes:
    """The body as chunks of these sizes, the last with the rest."""
    chunks = []
    for size in sizes:
        if 0 < size < len(body):
            chunks.append(body[:size])
            body = body[size:]
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in [*chunks, body]) + b"0\r\n\r\n"


@given(st.lists(st.integers(1, 80), max_size=6), st.booleans())
def test_an_answer_in_chunks_is_the_same_answer(sizes: list[int], named: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    told = in_pieces(BODY, sizes)
    if named:  # an extension and a trailer, which HTTP allows
        told = told.replace(b"\r\n", b";x=1\r\n", 1)[:-2] + b"Trailing: 1\r\n\r\n"
    with asking([head + told, WHOLE]) as (client, listener):
        assert client.get(PODS, "a", "n") == POD
        assert client.get(PODS, "a", "n") == POD
        assert len(listener.requests) == 2


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY),
        b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
        b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY),
    ],
)
def test_a_connection_that_the_server_ends_is_not_used_again(first: bytes) -> None:
    with asking([first], [WHOLE]) as (client, _):
        assert client.get(PODS, "a", "n") == POD
        assert client.get(PODS, "a", "n") == POD


def test_what_says_go_on_is_not_the_answer() -> None:
    with asking([b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE]) as (client, _):
        assert client.get(PODS, "a", "n") == POD


@pytest.mark.parametrize(
    "broken",
    [b"", b"HTTP/1.1 20", WHOLE[:-3], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab"],
)
def test_an_answer_that_breaks_off_is_read_again_but_a_create_is_not_sent_again(broken: bytes) -> None:
    with asking([broken], [WHOLE]) as (client, _):
        assert client.get(PODS, "a", "n") == POD
    with asking([broken]) as (client, listener):
        event = {"metadata": {"generateName": "e-", "namespace": "n"}}
        with pytest.raises(ClusterUnavailable):
            client.create(EVENTS, event)
        assert len(listener.requests) == 1


def test_what_is_no_http_is_unavailable() -> None:
    with (
        asking(*[[b"SSH-2.0-OpenSSH_9\r\n"]] * QUICK.attempts) as (client, _),
        pytest.raises(ClusterUnavailable),
    ):
        client.get(PODS, "a", "n")


def test_a_server_below_a_path_is_asked_there() -> None:
    with asking([WHOLE], path="/k8s/clusters/c-1") as (client, listener):
        client.get(PODS, "a", "n")

    head = listener.requests[0].decode().splitlines()
    assert head[0] == "GET /k8s/clusters/c-1/api/v1/namespaces/n/pods/a HTTP/1.1"
    assert f"Host: 127.0.0.1:{listener.port}" in head
    assert "Authorization: Bearer secret" in head


def test_a_token_cannot_smuggle_a_header() -> None:
    connection = connect_with_token("http://127.0.0.1:1", "secret\r\nX-Remote-User: root")
    listener = Listener([WHOLE])
    connection.host = f"http://127.0.0.1:{listener.port}"
    client = ClusterClient(connection, policy=QUICK)
    with pytest.raises(ClusterUnavailable, match="line break"):
        client.get(PODS, "a", "n")
    listener._socket.close()
    client.close()


def test_behind_a_proxy_the_pool_does_it() -> None:
    """A forward proxy is asked for the whole address, which only urllib3 does."""
    listener = Listener([WHOLE])
    pool = urllib3.ProxyManager(f"http://127.0.0.1:{listener.port}")
    client = ClusterClient(Connection("http://cluster.example", pool, FixedToken(None)), policy=QUICK)

    assert client.get(PODS, "a", "n") == POD
    assert listener.requests[0].startswith(b"GET http://cluster.example/api/v1/namespaces/n/pods/a ")
    client.close()
    listener.close()


def test_many_threads_share_the_connections() -> None:
    """Each answer reaches who asked for it."""

    def named(asked: Asked) -> Answer:
        return Answer(200, {**POD, "metadata": {"name": asked.path.rsplit("/", 1)[1]}})

    server = ScriptedServer()
    server.answers = [named] * 200
    client = server.client()

    def is_own(number: int) -> bool:
        return bool(client.get(PODS, f"p{number}", "n")["metadata"]["name"] == f"p{number}")

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(is_own, range(200)))
    assert len(server.connections) <= 8
    client.close()
    server.close()


def test_an_answer_in_drops_does_not_outlast_the_deadline() -> None:
    """Each piece comes in time, the whole would take a minute."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        while not done.is_set():
            accepted, _ = listener.accept()
            with accepted:
                accepted.recv(65536)
                accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not done.wait(0.05):
                    try:
                        accepted.sendall(b" ")
                    except OSError:
                        break

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    transport = Transport(
        connect_with_token(f"http://127.0.0.1:{listener.getsockname()[1]}", None), "tester/1", QUICK
    )
    begun = time.monotonic()
    with pytest.raises(ClusterUnavailable) as caught:
        transport.send("GET", "/version", deadline_seconds=0.4)
    done.set()
    listener.close()

    assert caught.value.reason == "Timeout"
    assert 0.3 < time.monotonic() - begun < 10
