"""A node reads what its pods name, by name, and nothing else."""

import threading
from typing import Any

import pytest

from cluster.errors import ClusterUnavailable, Forbidden, NotFound
from cluster.kinds import CONFIG_MAPS, SECRETS
from cluster.retries import RetryPolicy
from cluster.simulator.kubelet.references import Contents, Unread
from cluster.simulator.kubelet.supplies import Supplies
from tests.cluster.waiting import eventually

PLAIN = frozenset({("configmap", "settings")})
BOTH = PLAIN | {("secret", "keys")}


class Shelf:
    """The API server as far as a node may read: single objects by their names. Counts what is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        self.answers: dict[str, Any] = {}
        self.open = threading.Event()
        self.open.set()

    def get(self, kind: Any, name: str, namespace: str | None = None) -> dict[str, Any]:
        self.open.wait(60)
        self.asked.append((kind.plural, name, namespace))
        answer = self.answers.get(name, NotFound("not found"))
        if isinstance(answer, Exception):
            raise answer
        return {"kind": kind.kind, "data": answer}


class Reports:
    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.again = False

    def __call__(self, uid: str, findings: Any) -> bool:
        self.heard.append((uid, findings))
        return self.again


@pytest.fixture
def parts():
    shelf, reports = Shelf(), Reports()
    supplies = Supplies(shelf, reports, again=RetryPolicy(first_wait=0.1, longest_wait=0.1))
    supplies.start()
    yield shelf, reports, supplies
    supplies.stop()


def test_only_what_a_pod_names_is_read(parts):
    shelf, reports, supplies = parts
    shelf.answers = {"settings": {"a": "b"}, "keys": {"t": "aGk="}}

    supplies.due("u", "n", BOTH)

    assert eventually(lambda: reports.heard)
    assert reports.heard == [
        (
            "u",
            {
                ("configmap", "settings"): Contents({"a": "b"}, frozenset({"a"})),
                ("secret", "keys"): Contents({"t": "hi"}, frozenset({"t"})),
            },
        )
    ]
    assert sorted(shelf.asked) == [
        (CONFIG_MAPS.plural, "settings", "n"),
        (SECRETS.plural, "keys", "n"),
    ]


def test_what_is_missing_is_looked_for_again_while_the_pod_waits(parts):
    shelf, reports, supplies = parts
    reports.again = True
    supplies.due("u", "n", PLAIN)
    assert eventually(lambda: reports.heard)
    assert reports.heard[0] == (
        "u",
        {("configmap", "settings"): Unread('configmap "settings" not found', absent=True)},
    )

    reports.again = False
    shelf.answers = {"settings": {}}

    assert eventually(lambda: ("u", {("configmap", "settings"): Contents()}) in reports.heard)


def test_many_pods_that_come_together_share_a_reading(parts):
    shelf, reports, supplies = parts
    shelf.answers = {"settings": {}}
    shelf.open.clear()
    for number in range(100):
        supplies.due(f"u{number}", "n", PLAIN)
    shelf.open.set()

    assert eventually(lambda: len(reports.heard) == 100)
    # the first of each thread began before the others had come
    assert len(shelf.asked) <= 8


def test_a_pod_that_comes_later_is_not_served_with_an_old_reading(parts):
    shelf, reports, supplies = parts
    shelf.answers = {"settings": {"a": "old"}}
    supplies.due("u", "n", PLAIN)
    assert eventually(lambda: len(reports.heard) == 1)

    shelf.answers = {"settings": {"a": "new"}}
    supplies.due("v", "n", PLAIN)

    assert eventually(lambda: len(reports.heard) == 2)
    assert reports.heard[1][1]["configmap", "settings"].texts == {"a": "new"}


def test_the_authority_of_a_namespace_is_read_once_for_all_its_pods(parts):
    shelf, reports, supplies = parts
    named = frozenset({("configmap", "kube-root-ca.crt")})
    supplies.due("early", "n", named)
    assert eventually(lambda: reports.heard)

    shelf.answers = {"kube-root-ca.crt": {"ca.crt": "…"}}  # it was missing, which is not remembered
    for number in range(5):
        supplies.due(f"u{number}", "n", named)
        assert eventually(lambda number=number: len(reports.heard) == number + 2)
    supplies.due("elsewhere", "m", named)
    assert eventually(lambda: len(reports.heard) == 7)

    assert [namespace for _, _, namespace in shelf.asked] == ["n", "n", "m"]


def test_a_refusal_is_what_the_pod_is_told(parts):
    shelf, reports, supplies = parts
    shelf.answers = {"settings": Forbidden("configmaps is forbidden")}

    supplies.due("u", "n", PLAIN)

    assert eventually(lambda: reports.heard)
    assert reports.heard[0][1] == {("configmap", "settings"): Unread("configmaps is forbidden")}


def test_a_server_that_does_not_answer_is_asked_again(parts):
    shelf, reports, supplies = parts
    shelf.answers = {"settings": ClusterUnavailable("away")}
    supplies.due("u", "n", PLAIN)
    assert eventually(lambda: shelf.asked)
    assert not reports.heard

    shelf.answers = {"settings": {}}

    assert eventually(lambda: reports.heard)


def test_a_pod_that_is_gone_is_not_looked_after(parts):
    _, reports, supplies = parts
    reports.again = True
    supplies.due("u", "n", PLAIN)
    assert eventually(lambda: reports.heard)

    supplies.forget("u")
    supplies.due("v", "n", PLAIN)

    assert eventually(lambda: [uid for uid, _ in reports.heard].count("v") >= 2)
    assert [uid for uid, _ in reports.heard].count("u") == 1
