"""A watch misses nothing: it goes on where a list ended, tells what enters and leaves a selection, and says when it cannot."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import Gone
from cluster.kinds import CONFIG_MAPS, PODS
from tests.cluster.servers import ClusterApi, served


def config_map(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}


def told(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(line["type"], line["object"]["metadata"]["name"]) for line in lines]


def version(api: ClusterApi) -> str:
    return str(api.send("GET", api.place("configmaps")).body["metadata"]["resourceVersion"])


def test_a_watch_goes_on_where_a_list_ended(api: ClusterApi) -> None:
    api.send("POST", api.place("configmaps"), config_map("a"))
    since = version(api)
    api.send("POST", api.place("configmaps"), config_map("b"))
    api.send("PATCH", api.place("configmaps", "a"), {"data": {"k": "v"}}, "application/merge-patch+json")
    api.send("DELETE", api.place("configmaps", "b"))

    lines = api.lines(api.place("configmaps") + f"?watch=1&resourceVersion={since}&timeoutSeconds=1")
    assert told(lines) == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
    versions = [int(line["object"]["metadata"]["resourceVersion"]) for line in lines]
    assert versions == sorted(set(versions))
    assert versions[0] > int(since)


def test_a_watch_without_a_version_begins_with_what_is(api: ClusterApi) -> None:
    api.send("POST", api.place("configmaps"), config_map("a"))
    lines = api.lines(api.place("configmaps") + "?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Da")

    assert told(lines) == [("ADDED", "a")]


def test_entering_and_leaving_a_selection_is_adding_and_deleting(api: ClusterApi) -> None:
    api.send("POST", api.place("configmaps"), config_map("a", colour="red"))
    since = version(api)
    for colour in ("blue", "green", "blue", "red"):
        api.send(
            "PATCH",
            api.place("configmaps", "a"),
            {"metadata": {"labels": {"colour": colour}}},
            "application/merge-patch+json",
        )

    path = (
        api.place("configmaps")
        + f"?watch=1&resourceVersion={since}&timeoutSeconds=1&labelSelector=colour%3Dblue"
    )
    lines = api.lines(path)
    assert [line["type"] for line in lines] == ["ADDED", "DELETED", "ADDED", "DELETED"]


def test_changes_arrive_while_the_watch_is_open(api: ClusterApi) -> None:
    since = version(api)
    found: list[dict[str, Any]] = []
    path = api.place("configmaps") + f"?watch=1&resourceVersion={since}&timeoutSeconds=20"
    reader = threading.Thread(target=lambda: found.extend(api.lines(path, most=3)))
    reader.start()
    for name in "abc":
        api.send("POST", api.place("configmaps"), config_map(name))
    reader.join(30)

    assert told(found) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]


def test_initial_events_end_with_a_marked_bookmark(api: ClusterApi) -> None:
    api.send("POST", api.place("configmaps"), config_map("a"))
    path = "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1"
    lines = api.lines(api.place("configmaps") + path)

    assert lines[-1]["type"] == "BOOKMARK"
    assert lines[-1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert ("ADDED", "a") in told(lines[:-1])


def test_bookmarks_come_when_asked_for(api: ClusterApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.simulator.server.streaming.BOOKMARK_SECONDS", 0.3)
    since = version(api)
    path = api.place("configmaps") + f"?watch=1&resourceVersion={since}&timeoutSeconds=2"

    marks = api.lines(path + "&allowWatchBookmarks=true")
    assert marks
    assert {line["type"] for line in marks} == {"BOOKMARK"}
    assert int(marks[-1]["object"]["metadata"]["resourceVersion"]) >= int(since)
    assert api.lines(path) == []


def test_a_version_that_is_forgotten_is_gone(tmp_path: Path) -> None:
    with served(tmp_path, history_length=10) as server:
        assert server.settings.kubeconfig is not None
        api = ClusterApi("short memory", server.settings.kubeconfig)
        api.namespace = "default"
        since = version(api)
        for number in range(30):
            api.send("POST", api.place("configmaps"), config_map(f"c{number}"))

        (told,) = api.lines(api.place("configmaps") + f"?watch=1&resourceVersion={since}&timeoutSeconds=60")
        assert (told["type"], told["object"]["code"], told["object"]["reason"]) == ("ERROR", 410, "Expired")
        with pytest.raises(Gone):
            list(
                api.client.watch(CONFIG_MAPS, namespace="default", resource_version=since, timeout_seconds=1)
            )
        latest = version(api)
        assert (
            api.lines(api.place("configmaps") + f"?watch=1&resourceVersion={latest}&timeoutSeconds=1") == []
        )
        api.close()


def test_a_watch_can_be_read_as_a_table(api: ClusterApi) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    api.client.create(PODS, pod, namespace=api.namespace)
    headers = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    with api.http.stream("GET", api.place("pods") + "?watch=1&timeoutSeconds=1", headers=headers) as answer:
        first = json.loads(next(answer.iter_lines()))

    assert first["object"]["kind"] == "Table"
    assert first["object"]["rows"][0]["cells"][:3] == ["p", "0/1", "Pending"]


def test_the_watches_of_a_definition_end_with_it(api: ClusterApi) -> None:
    name = f"things.w{api.namespace}.test"
    group = name.partition(".")[2]
    version_entry = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object"}},
    }
    spec = {
        "group": group,
        "scope": "Namespaced",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [version_entry],
    }
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": spec,
    }
    assert api.send("POST", definitions, definition).status == 201
    ended = threading.Event()

    def read() -> None:
        api.lines(api.place("things", group=group) + "?watch=1&timeoutSeconds=60")
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    api.send("DELETE", f"{definitions}/{name}")
    assert ended.wait(20)
    thread.join()
    assert api.send("GET", api.place("things", group=group)).status == 404
