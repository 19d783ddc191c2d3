"""The simulator's watches say what the real server's say: each event, in each form, with and without WatchList."""

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cluster.kinds import CONFIG_MAPS, NAMESPACES
from tests.cluster.api.comparing import differences
from tests.cluster.conftest import with_namespace
from tests.cluster.servers import ClusterApi

pytestmark = pytest.mark.control_plane
INITIAL = "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
AGE = ".object.rows[0].cells[2]"
CELLS = ".object.rows[0].cells:"
"""Of a bookmark: the real server prints an object without a name, which nobody shows."""
FORMS = {
    "whole": "application/json",
    "metadata": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    "table": "application/json;as=Table;g=meta.k8s.io;v=v1",
}


@pytest.fixture
def servers(simulator: ClusterApi, control_plane: ClusterApi) -> Iterator[tuple[ClusterApi, ClusterApi]]:
    name = f"t-{secrets.token_hex(4)}"
    for server in (control_plane, simulator):
        with_namespace(server, name)
    yield control_plane, simulator
    for server in (control_plane, simulator):
        server.client.delete(NAMESPACES, name)


def live(server: ClusterApi) -> str:
    """What happens: one object comes, changes, leaves a selector, comes back to it, goes. The version before all that."""
    since = server.client.list(CONFIG_MAPS, server.namespace).resource_version
    for name, team in (("a", "red"), ("b", "blue")):
        marks = {"team": team, "mine": "yes"}  # a cluster makes ConfigMaps of its own
        metadata = {"name": name, "namespace": server.namespace, "labels": marks}
        server.client.create(CONFIG_MAPS, {"metadata": metadata, "data": {"n": "1"}})
    change(server, data={"n": "2"})
    change(server, metadata={"labels": {"team": "blue"}})
    change(server, metadata={"labels": {"team": "red"}})
    server.client.delete(CONFIG_MAPS, "a", server.namespace)
    return since


def change(server: ClusterApi, **patch: Any) -> None:
    server.client.merge_patch(CONFIG_MAPS, "a", patch, namespace=server.namespace)


def events(server: ClusterApi, query: str, form: str, since: str) -> list[dict[str, Any]]:
    path = f"{server.place('configmaps')}?watch=1&timeoutSeconds=2&{query.replace('SINCE', since)}"
    path += "" if "elector" in query else "&labelSelector=mine"
    with server.http.stream("GET", path, headers={"accept": FORMS[form]}) as answer:
        text = "".join(answer.iter_text())
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "query",
    [
        "resourceVersion=SINCE",
        "resourceVersion=SINCE&labelSelector=team%3Dred",
        "resourceVersion=SINCE&fieldSelector=metadata.name%3Da",
        "resourceVersion=",
        "resourceVersion=0",
        f"resourceVersion={INITIAL}",
        f"resourceVersion=0{INITIAL}",
        f"resourceVersion=SINCE&labelSelector=team%3Dblue{INITIAL}",
    ],
)
def test_both_servers_tell_the_same(servers: tuple[ClusterApi, ClusterApi], query: str, form: str) -> None:
    with ThreadPoolExecutor(2) as both:
        real, simulated = both.map(lambda server: events(server, query, form, live(server)), servers)

    # bookmarks come when they come; the one that ends the beginning has its place
    real, simulated = ([one for one in told if is_wanted(one)] for told in (real, simulated))
    assert [one["type"] for one in simulated] == [one["type"] for one in real]
    found = [
        f"{number} {one['type']}: {line}"
        for number, (one, other) in enumerate(zip(real, simulated, strict=True))
        for line in differences(one, other)
        if not line.startswith(AGE) and not (one["type"] == "BOOKMARK" and line.startswith(CELLS))
    ]
    assert not found, "\n".join(["", *found])


def is_wanted(event: dict[str, Any]) -> bool:
    if event["type"] != "BOOKMARK":
        return True
    return "k8s.io/initial-events-end" in json.dumps(event)
