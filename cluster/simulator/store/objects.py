"""All objects in memory, ordered by version; every change is journalled, remembered for watchers and announced to them.

One thread (the server's event loop) uses a store. Documents in it are never changed in place: a change is a new document.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cluster.simulator.problems import too_old
from cluster.simulator.store.history import Change, History
from cluster.simulator.store.journal import Journal

Document = dict[str, Any]
FIRST_VERSION: Final = 1000
"""Versions start above small numbers, so that a client asking for version 1 is told 410, as by a server that has lived a while."""

_encode: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def type_prefix(document: Document) -> bytes:
    """How the bytes of a stored object begin; lists of built-in kinds leave it out of their items."""
    return encode({"kind": document["kind"], "apiVersion": document["apiVersion"]})[:-1] + b","


def encode(document: Any) -> bytes:
    """Compact JSON."""
    return _encode(document).encode()


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """One version of one object, serialised once."""

    namespace: str
    name: str
    version: int
    document: Document
    body: bytes


class Store:
    """`schedule_commit` is told once per batch that something waits for `commit()`."""

    def __init__(self, path: Path | None = None, *, history_length: int = 10_000) -> None:
        self._journal = Journal(path)
        self._objects: dict[str, dict[tuple[str, str], Stored]] = {}
        self._order: dict[str, list[tuple[str, str]]] = {}
        self.version = max(self._journal.version(), FIRST_VERSION)
        for (resource, namespace, name), version, document, body in self._journal.objects():
            stored = Stored(namespace, name, version, document, body)
            self._objects.setdefault(resource, {})[namespace, name] = stored
        self._history = History(self.version, history_length)
        self._uncommitted: list[Change] = []
        self._scheduled = False
        self.schedule_commit: Callable[[], None] = self.commit
        self.announce: Callable[[list[Change]], None] = lambda changes: None

    def get(self, resource: str, namespace: str, name: str) -> Stored | None:
        """The current version, or None."""
        return self._objects.get(resource, {}).get((namespace, name))

    def listed(self, resource: str, namespace: str = "") -> list[Stored]:
        """All objects of a resource, or those of a namespace, ordered by namespace and name."""
        objects = self._objects.get(resource)
        if not objects:
            return []
        order = self._order.get(resource)
        if order is None:
            order = self._order[resource] = sorted(objects)
        if namespace:
            return [objects[key] for key in order if key[0] == namespace]
        return [objects[key] for key in order]

    def resources(self) -> Iterable[str]:
        """The resources that hold at least one object."""
        return [resource for resource, objects in self._objects.items() if objects]

    def put(self, resource: str, document: Document) -> Stored:
        """Store a new object or a new version; the document's resourceVersion is set here."""
        metadata = document["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        objects = self._objects.setdefault(resource, {})
        before = objects.get((namespace, name))
        self.version += 1
        metadata = {**metadata, "resourceVersion": str(self.version)}
        document = {
            "kind": document["kind"],
            "apiVersion": document["apiVersion"],
            **document,
            "metadata": metadata,
        }
        stored = Stored(namespace, name, self.version, document, encode(document))
        objects[namespace, name] = stored
        if before is None:
            self._order.pop(resource, None)
        self._journal.put((resource, namespace, name), self.version, stored.body)
        self._remember(Change(self.version, resource, stored, before, gone=False))
        return stored

    def remove(self, resource: str, stored: Stored, document: Document | None = None) -> Stored:
        """Take an object away; its last state (`document`, else as stored) gets a version of its own."""
        del self._objects[resource][stored.namespace, stored.name]
        self._order.pop(resource, None)
        self.version += 1
        document = document or stored.document
        document = {**document, "metadata": {**document["metadata"], "resourceVersion": str(self.version)}}
        last = Stored(stored.namespace, stored.name, self.version, document, encode(document))
        self._journal.put((resource, stored.namespace, stored.name), self.version, None)
        self._remember(Change(self.version, resource, last, stored, gone=True))
        return last

    def _remember(self, change: Change) -> None:
        self._history.append(change)
        self._uncommitted.append(change)
        if not self._scheduled:
            self._scheduled = True
            self.schedule_commit()

    def commit(self) -> None:
        """Make everything so far durable, then tell the watchers; a no-op when nothing waits.

        Raises sqlite3.Error when the file cannot be written; the changes wait for the next try, and nobody is told of them.
        """
        self._scheduled = False
        if not self._uncommitted:
            return
        self._journal.commit(self.version)
        changes, self._uncommitted = self._uncommitted, []
        self.announce(changes)

    @property
    def has_uncommitted(self) -> bool:
        return bool(self._uncommitted)

    def changes_since(self, resource: str, version: int) -> list[Change]:
        """What happened to a resource after `version`. Raises 410 when that is no longer known."""
        oldest = self._history.oldest(resource)
        if version < oldest:
            raise too_old(version, oldest)
        return self._history.since(resource, version)

    def compact(self) -> None:
        """Forget all history, as etcd does every few minutes."""
        self._history = History(self.version, self._history.length)

    def close(self) -> None:
        self.commit()
        self._journal.close()
