"""What the client makes of the answers of an API server, good and bad."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster import reading
from cluster.client import ClusterClient
from cluster.connection import ConfigurationUnusable, Connection, connect_with_kubeconfig, connect_with_token
from cluster.errors import (
    AlreadyExists,
    ClusterError,
    ClusterUnavailable,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Unauthorized,
)
from cluster.kinds import JOBS, NODES, PODS
from tests.cluster.scripted_server import QUICK, Answer, ScriptedServer, line, status

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "namespace": "n", "uid": "u1", "resourceVersion": "7"},
}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[ClusterClient]:
    connected = server.client()
    yield connected
    connected.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(404, "NotFound"), NotFound),
        (status(409, "AlreadyExists"), AlreadyExists),
        (status(409, "Conflict"), Conflict),
        (status(410, "Expired"), Gone),
        (status(403, "Forbidden"), Forbidden),
        (status(401, "Unauthorized"), Unauthorized),
        (status(400, "BadRequest"), Invalid),
        (status(422, "Invalid"), Invalid),
        (status(405, "MethodNotAllowed"), ClusterError),
    ],
)
def test_refusals_become_errors_and_are_not_sent_again(server, client, answer, error):
    server.answers = [answer]

    with pytest.raises(ClusterError) as caught:
        client.get(PODS, "a", "n")

    assert type(caught.value) is error
    assert (caught.value.code, caught.value.message) == (answer.code, "as told")
    assert len(server.asked) == 1


def test_a_refused_object_names_its_fields(server, client):
    causes = [{"reason": "FieldValueRequired", "message": "Required value", "field": "spec.containers"}]
    server.answers = [status(422, "Invalid", "Pod a is invalid", causes=causes)]

    with pytest.raises(Invalid) as caught:
        client.create(PODS, POD)

    assert [(cause.field, cause.message) for cause in caught.value.causes] == [
        ("spec.containers", "Required value")
    ]


def test_the_page_of_a_proxy_in_between_is_quoted_in_the_error(server, client):
    server.answers = [Answer(403, b"<h1>go away</h1>")]

    with pytest.raises(Forbidden, match="go away"):
        client.get(PODS, "a", "n")


@pytest.mark.parametrize("failure", [status(500, "InternalError"), status(504, "Timeout"), Answer(cut=True)])
def test_a_read_is_repeated_until_the_server_is_back(server, client, failure):
    server.answers = [failure, failure, Answer(200, POD)]

    assert client.get(PODS, "a", "n") == POD
    assert len(server.asked) == 3


def test_a_create_whose_name_the_server_chooses_is_not_repeated_when_it_may_have_worked(server, client):
    server.answers = [Answer(cut=True)]

    with pytest.raises(ClusterUnavailable):
        client.create(PODS, {"metadata": {"generateName": "a-", "namespace": "n"}})

    assert len(server.asked) == 1


def test_a_create_is_repeated_when_the_server_was_too_busy_to_begin(server, client):
    server.answers = [
        Answer(429, {"kind": "Status", "code": 429}, {"Retry-After": "0"}),
        Answer(503, {"kind": "Status", "code": 503}, {"Retry-After": "0"}),
        Answer(201, POD),
    ]

    assert client.create(PODS, POD) == POD


def test_the_wait_a_busy_server_asks_for_is_kept(server, client):
    server.answers = [Answer(429, {"kind": "Status", "code": 429}, {"Retry-After": "0.3"}), Answer(200, POD)]
    begun = time.monotonic()

    client.get(PODS, "a", "n")

    assert time.monotonic() - begun >= 0.3


def test_a_server_that_stays_down_is_reported_after_the_last_attempt(server, client):
    server.answers = [status(503, "ServiceUnavailable", "still starting")] * 9

    with pytest.raises(ClusterUnavailable, match="still starting"):
        client.get(PODS, "a", "n")

    assert len(server.asked) == QUICK.attempts


def test_nobody_listening_is_unavailable(server):
    url = server.url
    client = ClusterClient(
        connect_with_token(url.replace(str(server.http.server_port), "1"), None), policy=QUICK
    )

    with pytest.raises(ClusterUnavailable) as caught:
        client.create(PODS, POD)

    assert caught.value.reason == "ConnectionFailed"


def test_a_server_that_does_not_answer_meets_the_deadline(server, client):
    release = threading.Event()

    def hang(asked):
        release.wait(5)
        return Answer(200, POD)

    server.answers = [hang]
    begun = time.monotonic()
    try:
        with pytest.raises(ClusterUnavailable) as caught:
            client._transport.send("GET", "/api/v1/pods", deadline_seconds=0.2)
    finally:
        release.set()

    assert caught.value.reason == "Timeout"
    assert time.monotonic() - begun < 3


class RotatingToken:
    """The file has a newer token than the one in memory."""

    def __init__(self) -> None:
        self.token = "old"
        self.renewals = 0

    def authorization(self) -> str:
        return f"Bearer {self.token}"

    def renew(self, refused: str | None) -> bool:
        self.renewals += 1
        changed = self.token != "new"
        self.token = "new"
        return changed


def _only_the_new_token(asked):
    return Answer(200, POD) if asked.headers["Authorization"] == "Bearer new" else status(401, "Unauthorized")


def test_a_rotated_token_is_read_again_after_a_401(server, client):
    credentials = RotatingToken()
    rotated = ClusterClient(Connection(server.url, client.connection.pool, credentials), policy=QUICK)
    server.answers = [_only_the_new_token, _only_the_new_token]

    assert rotated.create(PODS, POD) == POD
    assert credentials.renewals == 1


def test_a_token_that_stays_refused_is_not_tried_for_ever(server, client):
    credentials = RotatingToken()
    rotated = ClusterClient(Connection(server.url, client.connection.pool, credentials), policy=QUICK)
    server.answers = [status(401, "Unauthorized"), status(401, "Unauthorized")]

    with pytest.raises(Unauthorized):
        rotated.get(PODS, "a", "n")

    assert len(server.asked) == 2


def test_a_watch_reads_a_rotated_token_again_too(server, client):
    rotated = ClusterClient(Connection(server.url, client.connection.pool, RotatingToken()), policy=QUICK)
    server.answers = [status(401, "Unauthorized"), Answer(chunks=[line("ADDED", POD)])]

    events = list(rotated.watch(PODS, resource_version="1", timeout_seconds=5))

    assert [event.type for event in events] == ["ADDED"]
    assert server.asked[1].headers["Authorization"] == "Bearer new"


def test_a_list_is_read_page_by_page(server, client):
    first = {"metadata": {"resourceVersion": "7", "continue": "more"}, "items": [{"metadata": {"name": "a"}}]}
    second = {"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "b"}}]}
    server.answers = [Answer(200, first), Answer(200, second)]

    result = client.list(NODES, label_selector="x=y")

    assert [item["metadata"]["name"] for item in result.items] == ["a", "b"]
    assert result.items[0]["kind"] == "Node"
    assert result.resource_version == "7"
    assert server.asked[1].query == {"limit": "500", "continue": "more", "labelSelector": "x=y"}


def test_a_list_whose_pages_expire_is_begun_anew(server, client):
    first = {"metadata": {"resourceVersion": "7", "continue": "more"}, "items": [{"metadata": {"name": "a"}}]}
    whole = {"metadata": {"resourceVersion": "9"}, "items": []}
    server.answers = [Answer(200, first), status(410, "Expired"), Answer(200, whole)]

    result = client.list(NODES)

    assert (result.items, result.resource_version) == ([], "9")
    assert "limit" not in server.asked[2].query


def test_connections_are_used_again_also_after_errors(server, client):
    server.answers = [status(404, "NotFound"), Answer(200, POD)] * 10

    for _ in range(10):
        with pytest.raises(NotFound):
            client.get(PODS, "a", "n")
        client.get(PODS, "a", "n")

    assert len(server.connections) == 1


def test_after_no_answer_no_connection_of_before_is_trusted(server, client):
    """Behind an address that has moved on, every kept connection is dead, and each would cost a deadline of its own."""
    together, held = threading.Barrier(3), threading.Event()

    def in_company(asked):
        together.wait(10)
        return Answer(200, POD)

    def never(asked):
        held.wait(10)
        return Answer(200, POD)

    server.answers = [in_company] * 3 + [never, Answer(200, POD)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: client.get(PODS, "a", "n"), range(3)))
    kept = set(server.connections)
    try:
        with pytest.raises(ClusterUnavailable, match="no answer"):
            client._transport.send("GET", PODS.path("n", "a"), deadline_seconds=0.2)
        client.get(PODS, "a", "n")
    finally:
        held.set()

    assert len(kept) == 3
    assert len(server.connections - kept) == 1


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="not on every system")
def test_what_nobody_acknowledges_is_given_up_before_the_deadline(server, client):
    client.connection.pool.clear()
    line = client.connection.wire().take(5)
    waits = line.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    line.close()

    assert 0 < waits / 1000 < reading.DEADLINE_SECONDS / 2


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308, 300])
def test_a_way_elsewhere_is_no_success(server, client, code):
    """A sign-in page of something in between: nothing was deleted, and nothing is watched."""
    page = Answer(code, b"<html>please sign in</html>", headers={"Location": "https://login.example"})
    server.answers = [page, page, page]

    with pytest.raises(ClusterError, match=f"answered {code}: <html>please sign in"):
        client.delete_collection(PODS, "n")
    with pytest.raises(ClusterError, match=f"answered {code}"):
        client.logs("n", "a")
    with pytest.raises(ClusterError, match=f"answered {code}"):
        client.watch(PODS, resource_version="1", timeout_seconds=5)
    assert len(server.asked) == 3


def test_a_watch_that_ends_gives_its_connection_back(server, client):
    server.answers = [Answer(chunks=[line("ADDED", POD)])] * 3

    for _ in range(3):
        list(client.watch(PODS, resource_version="1", timeout_seconds=5))

    assert len(server.connections) == 1


def test_each_verb_asks_as_the_api_wants_it(server, client):
    server.answers = [Answer(200, POD)] * 9

    client.create(PODS, POD, dry_run=True)
    client.replace(PODS, POD, subresource="status")
    client.merge_patch(JOBS, "j", {"spec": {"suspend": True}}, namespace="n")
    client.strategic_patch(PODS, "a", {}, namespace="n", subresource="status")
    client.json_patch(PODS, "a", [{"op": "test", "path": "/x", "value": 1}], namespace="n")
    client.apply(PODS, POD, field_manager="me", force=True)
    client.delete(PODS, "a", "n", uid="u1", grace_seconds=3)
    client.delete_collection(PODS, "n", label_selector="x=y")
    client.bind("n", "a", uid="u1", node="node-1")

    seen = [
        (asked.method, asked.path, asked.query, asked.headers.get("Content-Type")) for asked in server.asked
    ]
    assert seen == [
        ("POST", "/api/v1/namespaces/n/pods", {"dryRun": "All"}, "application/json"),
        ("PUT", "/api/v1/namespaces/n/pods/a/status", {}, "application/json"),
        ("PATCH", "/apis/batch/v1/namespaces/n/jobs/j", {}, "application/merge-patch+json"),
        ("PATCH", "/api/v1/namespaces/n/pods/a/status", {}, "application/strategic-merge-patch+json"),
        ("PATCH", "/api/v1/namespaces/n/pods/a", {}, "application/json-patch+json"),
        (
            "PATCH",
            "/api/v1/namespaces/n/pods/a",
            {"fieldManager": "me", "force": "true"},
            "application/apply-patch+yaml",
        ),
        ("DELETE", "/api/v1/namespaces/n/pods/a", {}, "application/json"),
        ("DELETE", "/api/v1/namespaces/n/pods", {"labelSelector": "x=y"}, "application/json"),
        ("POST", "/api/v1/namespaces/n/pods/a/binding", {}, "application/json"),
    ]
    assert server.asked[6].body["preconditions"] == {"uid": "u1"}
    assert server.asked[6].body["gracePeriodSeconds"] == 3
    assert server.asked[8].body["metadata"]["uid"] == "u1"
    assert server.asked[8].body["target"]["name"] == "node-1"


def test_logs_and_pages_come_as_text(server, client):
    server.answers = [Answer(200, "zwölf\n".encode()), Answer(200, b"up 1\n"), Answer(200, b"cpu 1\n")]

    assert client.logs("n", "a", tail_lines=5, previous=True) == "zwölf\n"
    assert client.proxy_get(PODS, "exporter", "metrics", namespace="gpu-operator", port=9400) == "up 1\n"
    assert client.node_page("node-1", "metrics/resource") == "cpu 1\n"
    assert server.asked[0].query == {"tailLines": "5", "previous": "true"}
    assert server.asked[1].path == "/api/v1/namespaces/gpu-operator/pods/exporter:9400/proxy/metrics"
    assert server.asked[2].path == "/api/v1/nodes/node-1/proxy/metrics/resource"


def test_a_watch_in_the_middle_of_an_event_is_cut_off(server, client):
    server.answers = [Answer(chunks=[line("ADDED", POD), b'{"type": "ADD'], cut=True)]

    events = iter(client.watch(PODS, resource_version="1", timeout_seconds=5))

    assert next(events).type == "ADDED"
    with pytest.raises(ClusterUnavailable):
        next(events)


def test_an_error_event_raises_what_it_says(server, client):
    server.answers = [Answer(chunks=[line("ERROR", status(410, "Expired").document)])]

    with pytest.raises(Gone):
        list(client.watch(PODS, resource_version="1", timeout_seconds=5))


def test_events_come_while_the_watch_goes_on(server, client):
    seen = threading.Event()
    server.answers = [Answer(chunks=[line("ADDED", POD), lambda: seen.wait(5), line("DELETED", POD)])]

    watch = iter(client.watch(PODS, resource_version="1", timeout_seconds=30))
    first = next(watch)
    seen.set()

    assert [first.type, next(watch).type] == ["ADDED", "DELETED"]


def test_a_kubeconfig_is_read_by_the_official_library(server, tmp_path: Path):
    config = tmp_path / "config"
    token = tmp_path / "token"
    token.write_text("first")
    config.write_text(
        f"""
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "{server.url}"}}}}]
users: [{{name: u, user: {{tokenFile: "{token}"}}}}]
"""
    )
    client = ClusterClient.connect(config)
    server.answers = [Answer(200, POD), status(401, "Unauthorized"), Answer(200, POD)]

    client.get(PODS, "a", "n")
    token.write_text("second")
    client.get(PODS, "a", "n")

    assert [asked.headers["Authorization"] for asked in server.asked] == [
        "Bearer first",
        "Bearer first",
        "Bearer second",
    ]
    client.close()


def test_an_unusable_kubeconfig_says_why(tmp_path: Path):
    with pytest.raises(ConfigurationUnusable, match="nowhere"):
        connect_with_kubeconfig(tmp_path / "nowhere")


def test_an_object_without_its_namespace_is_asked_wrongly(client):
    with pytest.raises(ValueError, match="namespace"):
        client.get(PODS, "a")
