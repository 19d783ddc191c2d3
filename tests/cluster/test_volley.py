"""Many requests at once from one thread: each is answered once, whatever becomes of the others and of their connections."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cluster import volley as module
from cluster.client import ClusterClient
from cluster.connection import connect_with_token
from cluster.kinds import PODS
from cluster.volley import Shot, Volley
from tests.cluster.scripted_server import Answer, Asked, ScriptedServer, status
from tests.cluster.waiting import eventually

SOON = 10.0
"""Seconds for what happens at once on any machine."""


class Shooter:
    """Sends bindings and remembers the status that each was answered with, in the order of the answers."""

    def __init__(self, client: ClusterClient, volley: Volley) -> None:
        self._client, self._volley = client, volley
        self.begun: list[str] = []
        self.ended: list[tuple[str, int | None]] = []

    def fire(self, *pods: str, may_begin: Callable[[str], bool] = lambda _: True) -> None:
        self._volley.submit([self._shot(pod, may_begin) for pod in pods])

    def results(self, count: int) -> dict[str, int | None]:
        assert eventually(lambda: len(self.ended) >= count)
        found = dict(self.ended)
        assert len(found) == len(self.ended), "nobody is answered twice"
        return found

    def _shot(self, pod: str, may_begin: Callable[[str], bool]) -> Shot:
        def begin() -> bytes | None:
            if not may_begin(pod):
                return None
            self.begun.append(pod)
            return self._client.binding_request("n", pod, uid=f"u-{pod}", node="n1")

        return Shot(begin, lambda told: self.ended.append((pod, told)))


@contextmanager
def shooting(url: str, width: int = 4) -> Iterator[tuple[Shooter, Volley]]:
    client = ClusterClient(connect_with_token(url, "secret"))
    volley = client.volley(width)
    assert volley is not None
    try:
        yield Shooter(client, volley), volley
    finally:
        volley.close()
        client.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    made = ScriptedServer()
    yield made
    made.close()


def names(count: int) -> list[str]:
    return [f"p-{number:03}" for number in range(count)]


def pod_of(asked: Asked) -> str:
    return asked.path.split("/")[-2]


def test_each_is_sent_once_as_bind_sends_it_over_a_few_kept_connections(server: ScriptedServer) -> None:
    server.answers = [Answer(201, {})] * 101
    with shooting(server.url) as (shooter, _):
        shooter.fire(*names(100))
        assert shooter.results(100) == dict.fromkeys(names(100), 201)
    quick = sorted(server.asked, key=pod_of)
    assert [pod_of(one) for one in quick] == names(100)
    assert shooter.begun == names(100), "in the order in which they came"
    assert len(server.connections) <= 4

    client = server.client()
    client.bind("n", "p-000", uid="u-p-000", node="n1")
    client.close()
    slow, first = server.asked[-1], quick[0]
    assert (slow.method, slow.path, slow.body) == (first.method, first.path, first.body)
    assert slow.headers["Authorization"] == first.headers["Authorization"]


def test_no_more_are_under_way_than_it_is_wide(server: ScriptedServer) -> None:
    inside, most, lock, go = 0, 0, threading.Lock(), threading.Event()

    def answer(asked: Asked) -> Answer:
        return Answer(201, {}, chunks=[hold, b"{}"])

    def hold() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        assert go.wait(SOON)
        with lock:
            inside -= 1

    server.answers = [answer] * 20
    with shooting(server.url, width=3) as (shooter, _):
        shooter.fire(*names(20))
        assert eventually(lambda: inside == 3)
        go.set()
        assert set(shooter.results(20).values()) == {201}
    assert most == 3


def test_what_fails_is_told_so_and_the_others_go_on(server: ScriptedServer) -> None:
    told: dict[str, Answer] = {
        "p-001": Answer(cut=True),
        "p-003": status(409, "Conflict"),
        "p-005": status(503, "ServiceUnavailable"),
        "p-007": Answer(201, chunks=[b"{"], cut=True),
        "p-009": Answer(201, {}, headers={"Connection": "close"}),
    }
    server.answers = [lambda asked: told.get(pod_of(asked), Answer(201, {}))] * 30
    with shooting(server.url) as (shooter, _):
        shooter.fire(*names(30))
        found = shooter.results(30)
    expected = dict.fromkeys(names(30), 201) | {"p-001": None, "p-003": 409, "p-005": 503, "p-007": None}
    assert found == expected
    assert len(server.asked) == 30, "nothing is tried twice here"


def test_go_on_is_no_answer_and_noise_is_none(server: ScriptedServer) -> None:
    said = [
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
        b"what?\r\n\r\n",
    ]
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        accepted, _ = listener.accept()
        with accepted:
            for piece in said:
                accepted.recv(65536)
                accepted.sendall(piece)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with shooting(f"http://127.0.0.1:{listener.getsockname()[1]}", width=1) as (shooter, _):
        shooter.fire("a", "b")
        assert shooter.results(2) == {"a": 201, "b": None}
    thread.join(SOON)
    listener.close()


def test_where_nobody_listens_all_are_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with shooting(f"http://127.0.0.1:{port}") as (shooter, _):
        shooter.fire(*names(500))
        assert set(shooter.results(500).values()) == {None}


def test_one_that_is_never_answered_is_given_up(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.3)
    go = threading.Event()
    silent = Answer(201, {}, chunks=[lambda: go.wait(SOON)])
    server.answers = [lambda asked: silent if pod_of(asked) == "p-000" else Answer(201, {})] * 10
    with shooting(server.url, width=2) as (shooter, _):
        shooter.fire(*names(10))
        found = shooter.results(10)
        go.set()
    assert found == dict.fromkeys(names(10), 201) | {"p-000": None}


def test_a_turn_may_be_declined_and_mistakes_of_one_are_not_the_others(server: ScriptedServer) -> None:
    server.answers = [Answer(201, {})] * 10

    def choose(pod: str) -> bool:
        if pod == "p-004":
            raise KeyError(pod)
        return pod != "p-002"

    with shooting(server.url) as (shooter, _):
        shooter.fire(*names(6), may_begin=choose)
        found = shooter.results(5)
    assert found == {"p-000": 201, "p-001": 201, "p-003": 201, "p-004": None, "p-005": 201}


def test_after_close_nothing_is_begun_and_what_is_under_way_ends(server: ScriptedServer) -> None:
    go, reached = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        assert go.wait(SOON)

    server.answers = [Answer(201, {}, chunks=[hold, b"{}"])] * 10
    with shooting(server.url, width=1) as (shooter, volley):
        shooter.fire(*names(5))
        assert reached.wait(SOON)
        threading.Timer(0.2, go.set).start()
        volley.close()
        shooter.fire("late")
    assert shooter.ended == [("p-000", 201)]
    assert shooter.begun == ["p-000"]


def test_its_connections_are_lent_to_others_while_it_rests(server: ScriptedServer) -> None:
    server.answers = [Answer(201, {}), Answer(200, {"metadata": {"name": "a"}}), Answer(201, {})]
    client = server.client()
    volley = client.volley(4)
    assert volley is not None
    shooter = Shooter(client, volley)
    shooter.fire("a")
    shooter.results(1)
    assert eventually(lambda: not volley.is_busy)
    client.get(PODS, "a", "n")
    shooter.fire("b")
    shooter.results(2)
    volley.close()
    client.close()
    assert len(server.connections) == 1


def test_a_connection_that_the_server_has_closed_meanwhile_is_not_used(server: ScriptedServer) -> None:
    server.answers = [Answer(201, {}, headers={"Connection": "close"}), Answer(201, {})]
    with shooting(server.url) as (shooter, _):
        shooter.fire("a")
        shooter.results(1)
        shooter.fire("b")
        assert shooter.results(2) == {"a": 201, "b": 201}


def test_a_mistake_of_its_own_leaves_nobody_waiting(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = [Answer(201, {})] * 40
    with shooting(server.url) as (shooter, volley):
        hear, heard = volley._hear, []

        def stumble(flight: object) -> None:
            heard.append(flight)
            if len(heard) == 10:
                raise KeyError("flight")
            hear(flight)  # type: ignore[arg-type]

        monkeypatch.setattr(volley, "_hear", stumble)
        shooter.fire(*names(40))
        found = shooter.results(40)
    assert set(found.values()) == {201, None}
