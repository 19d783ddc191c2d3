"""The store keeps what it acknowledged, numbers every change once, and remembers what happened since a version."""

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.simulator.problems import Problem
from cluster.simulator.store.history import Change
from cluster.simulator.store.objects import FIRST_VERSION, Store


def thing(name: str, value: int = 0, namespace: str = "n") -> dict[str, Any]:
    return {
        "kind": "Thing",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace},
        "value": value,
    }


changes = st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 9))), max_size=30)
"""(name, new value), None removes."""


@given(changes)
@settings(max_examples=60, deadline=None)
def test_what_was_committed_is_there_after_a_restart(steps: list[tuple[str, int | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "x.sqlite3")
        expected: dict[str, int] = {}
        versions = [store.version]
        for name, value in steps:
            before = store.get("things", "n", name)
            if value is not None:
                versions.append(store.put("things", thing(name, value)).version)
                expected[name] = value
            elif before is not None:
                versions.append(store.remove("things", before).version)
                del expected[name]
        store.commit()

        store.close()
        again = Store(Path(folder) / "x.sqlite3")
        assert {stored.name: stored.document["value"] for stored in again.listed("things")} == expected
        assert again.version == versions[-1]
        assert versions == sorted(set(versions))
        again.close()


def test_nobody_is_told_before_it_is_committed() -> None:
    store = Store()
    told: list[Change] = []
    store.announce = told.extend
    store.schedule_commit = lambda: None

    store.put("things", thing("a"))
    assert told == []
    store.commit()
    assert [change.stored.name for change in told] == ["a"]


def test_a_change_carries_what_was_before() -> None:
    store = Store()
    first = store.put("things", thing("a", 1))
    second = store.put("things", thing("a", 2))
    store.remove("things", second)

    changes = store.changes_since("things", FIRST_VERSION)
    assert [(c.before.version if c.before else None, c.gone) for c in changes] == [
        (None, False),
        (first.version, False),
        (second.version, True),
    ]
    assert store.changes_since("things", second.version)[0].stored.version > second.version


def test_a_forgotten_version_is_gone() -> None:
    store = Store(history_length=5)
    for value in range(20):
        store.put("things", thing("a", value))

    with pytest.raises(Problem) as caught:
        store.changes_since("things", FIRST_VERSION)
    assert caught.value.code == 410
    assert len(store.changes_since("things", store.version - 5)) == 5
    store.compact()
    with pytest.raises(Problem):
        store.changes_since("things", store.version - 1)
    assert store.changes_since("things", store.version) == []


def test_lists_are_ordered_by_namespace_and_name() -> None:
    store = Store()
    for namespace, name in (("b", "a"), ("a", "z"), ("a", "b")):
        store.put("things", thing(name, namespace=namespace))

    assert [(s.namespace, s.name) for s in store.listed("things")] == [("a", "b"), ("a", "z"), ("b", "a")]
    assert [s.name for s in store.listed("things", "a")] == ["b", "z"]


def test_a_write_that_cannot_be_kept_is_told_to_nobody(tmp_path: Path) -> None:
    store = Store(tmp_path / "x.sqlite3")
    told: list[Change] = []
    store.announce = told.extend
    store.schedule_commit = lambda: None
    store.put("things", {**thing("a"), "metadata": {"name": "a", "namespace": "n"}})
    journal = store._journal
    journal._connection.execute("PRAGMA query_only=ON")

    with pytest.raises(sqlite3.OperationalError):
        store.commit()
    assert told == []
    journal._connection.execute("PRAGMA query_only=OFF")
    store.commit()
    assert [change.stored.name for change in told] == ["a"]
    store.close()


def test_two_servers_cannot_share_a_file(tmp_path: Path) -> None:
    first = Store(tmp_path / "x.sqlite3")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Store(tmp_path / "x.sqlite3")
    first.close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    Store(tmp_path / "x.sqlite3").close()
    connection = sqlite3.connect(tmp_path / "x.sqlite3")
    connection.execute("UPDATE meta SET value = 99 WHERE key = 'schema'")
    connection.commit()
    connection.close()
    with pytest.raises(ValueError, match="newer simulator"):
        Store(tmp_path / "x.sqlite3")
