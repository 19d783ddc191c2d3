"""The SQLite file behind the store: what was acknowledged is in it, so a killed process loses nothing.

Writes are collected and committed together; `synchronous=NORMAL` keeps a commit free of disk flushes (a power cut may lose the last
moment, a killed process loses nothing).
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
PUT = "INSERT OR REPLACE INTO objects (resource, namespace, name, version, body) VALUES (?, ?, ?, ?, ?)"
DELETE = "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?"
VERSION = "INSERT OR REPLACE INTO meta (key, value) VALUES ('version', ?)"

Key = tuple[str, str, str]
"""(resource, namespace, name); the namespace is empty for cluster-scoped objects."""


class Journal:
    """Pending changes by key; only the last change of a key within a batch is written."""

    def __init__(self, path: Path | None) -> None:
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        run = self._connection.execute
        run("PRAGMA locking_mode=EXCLUSIVE")  # two servers on one file would not know of each other's objects
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=NORMAL")
        run("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID")
        run(
            "CREATE TABLE IF NOT EXISTS objects (resource TEXT, namespace TEXT, name TEXT, version INTEGER, body BLOB,"
            " PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID"
        )
        found = run("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        if found is None:
            run("INSERT INTO meta (key, value) VALUES ('schema', ?)", (SCHEMA_VERSION,))
        elif found[0] > SCHEMA_VERSION:
            raise ValueError(
                f"{path} was written by a newer simulator (format {found[0]}, this one reads {SCHEMA_VERSION})"
            )
        self._pending: dict[Key, tuple[int, bytes | None]] = {}

    def version(self) -> int:
        """The last resourceVersion that was committed, 0 in a new file."""
        found = self._connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        return int(found[0]) if found else 0

    def objects(self) -> Iterator[tuple[Key, int, dict[str, Any], bytes]]:
        """Every stored object: key, version, document, the bytes."""
        rows = self._connection.execute("SELECT resource, namespace, name, version, body FROM objects")
        for resource, namespace, name, version, body in rows:
            yield (resource, namespace, name), version, json.loads(body), body

    def put(self, key: Key, version: int, body: bytes | None) -> None:
        """Remember a write (None: the object is gone) for the next commit."""
        self._pending[key] = (version, body)

    def commit(self, version: int) -> None:
        """Write all pending changes in one transaction; `version` is the last one handed out."""
        if not self._pending:
            return
        puts = [(*key, number, body) for key, (number, body) in self._pending.items() if body is not None]
        gone = [key for key, (_, body) in self._pending.items() if body is None]
        run = self._connection
        run.execute("BEGIN IMMEDIATE")
        try:
            run.executemany(PUT, puts)
            run.executemany(DELETE, gone)
            run.execute(VERSION, (version,))
            run.execute("COMMIT")
        except sqlite3.Error:
            run.execute("ROLLBACK")
            raise
        self._pending.clear()

    def close(self) -> None:
        self._connection.close()
