"""Watches: who is told of which change; a change is serialised once and its bytes are shared by all watchers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cluster.simulator.store.history import Change
from cluster.simulator.store.objects import Stored, encode

BOOKMARK_SECONDS = 60.0
LONGEST_QUEUE = 100_000
"""Changes a client may be behind before its watch is ended; it then lists again."""

Matches = Callable[[dict[str, Any]], bool]
Render = Callable[[Stored], bytes]


@dataclass(eq=False)
class Watcher:
    """One open watch. `matches` is None when everything of the namespace is wanted."""

    storage: str
    namespace: str
    matches: Matches | None
    render: Render
    form: str
    """Watchers of the same form share the bytes of an event."""
    render_first: Render | None = None
    """Of its first event, where that says more than those after it: a table's columns."""
    name: str = ""
    pending: list[bytes] = field(default_factory=list)
    version: int = 0
    awake: asyncio.Event = field(default_factory=asyncio.Event)
    too_slow: bool = False
    ended: bool = False

    def tell(self, change: Change, lines: dict[str, bytes]) -> None:
        """Queue what the change means to this watcher; `lines` holds what other watchers were told of the same change."""
        if self.namespace and change.stored.namespace != self.namespace:
            return
        if self.name and change.stored.name != self.name:
            return
        kind = self._kind_of(change)
        if not kind:
            return
        stored = change.stored if kind != "DELETED" or change.gone else _as_it_left(change)
        self.pending.append(self.line(kind, stored, lines))

    def line(self, kind: str, stored: Stored, lines: dict[str, bytes]) -> bytes:
        """The event for this watcher; found in `lines`, or put there."""
        render, key = self.render, f"{kind} {self.form}"
        if self.render_first is not None:
            render, key, self.render_first = self.render_first, f"first {key}", None
        if key not in lines:
            lines[key] = event_line(kind, render(stored))
        return lines[key]

    def _kind_of(self, change: Change) -> str:
        if self.matches is None:
            is_in, was_in = not change.gone, change.before is not None
        else:
            is_in = not change.gone and self.matches(change.stored.document)
            was_in = change.before is not None and self.matches(change.before.document)
        if is_in:
            return "MODIFIED" if was_in else "ADDED"
        return "DELETED" if was_in else ""


def _as_it_left(change: Change) -> Stored:
    """What leaves a selection is told as it was inside, with the version of its leaving."""
    before = change.before
    assert before is not None  # noqa: S101 (it was inside)
    metadata = {**before.document["metadata"], "resourceVersion": str(change.version)}
    document = {**before.document, "metadata": metadata}
    return Stored(before.namespace, before.name, change.version, document, encode(document))


def event_line(kind: str, body: bytes) -> bytes:
    """One line of a watch stream."""
    return b'{"type":"' + kind.encode() + b'","object":' + body + b"}\n"


class Hub:
    """All open watches by storage name."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[Watcher]] = {}

    def add(self, watcher: Watcher) -> None:
        self._watchers.setdefault(watcher.storage, set()).add(watcher)

    def discard(self, watcher: Watcher) -> None:
        self._watchers.get(watcher.storage, set()).discard(watcher)

    def announce(self, changes: list[Change]) -> None:
        """Give committed changes to the watches they concern, and wake each once."""
        woken: set[Watcher] = set()
        for change in changes:
            lines: dict[str, bytes] = {}
            for watcher in self._watchers.get(change.resource, ()):
                watcher.tell(change, lines)
                watcher.version = change.version
                woken.add(watcher)
        for watcher in woken:
            if len(watcher.pending) > LONGEST_QUEUE:
                watcher.too_slow = True
            if watcher.pending:
                watcher.awake.set()

    def end_all(self, storage: str | None = None) -> None:
        """End the watches of a resource that is no longer served, or all when the server stops."""
        for watched, watchers in self._watchers.items():
            if storage in (None, watched):
                for watcher in watchers:
                    watcher.ended = True
                    watcher.awake.set()


def bookmark(
    shape: str, api_version: str, kind: str, version: int, *, initial_events_end: bool = False
) -> bytes:
    """An event that only says how far the client has seen: an object with nothing but its version, in the watch's shape."""
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if initial_events_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    document: dict[str, Any] = {"kind": kind, "apiVersion": api_version, "metadata": metadata}
    if shape != "object":
        document |= {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    if shape == "Table":
        table = {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": {"resourceVersion": str(version)},
        }
        document = {**table, "columnDefinitions": None, "rows": [{"cells": [], "object": document}]}
    return event_line("BOOKMARK", encode(document))
