"""Events (events.k8s.io/v1): reading those of an object, and writing ours so that repeats are counted, not piled up."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cluster.client import ClusterClient
from cluster.documents import Document, format_micro_time, name_of, namespace_of, uid_of
from cluster.errors import NotFound
from cluster.kinds import EVENTS

NOTE_LIMIT_BYTES = 1024
"""Longer notes are refused by the API server."""
_REMEMBERED = 4096


def events_about(client: ClusterClient, namespace: str, uid: str) -> list[Document]:
    """The events regarding one object, oldest first (by the last time each was seen)."""
    found = client.list(EVENTS, namespace).items
    return sorted(
        (event for event in found if (event.get("regarding") or {}).get("uid") == uid), key=last_seen
    )


def last_seen(event: Mapping[str, Any]) -> str:
    """RFC 3339 text, comparable as such; old core events carry it elsewhere."""
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("eventTime")
        or event.get("deprecatedLastTimestamp")
        or event["metadata"].get("creationTimestamp")
        or ""
    )


@dataclass
class _Written:
    name: str
    count: int


class EventRecorder:
    """Writes events as one reporting controller; thread-safe."""

    def __init__(self, client: ClusterClient, *, controller: str, instance: str) -> None:
        self._client = client
        self._controller = controller
        self._instance = instance
        self._lock = threading.Lock()
        self._written: OrderedDict[tuple[str, str, str], _Written] = OrderedDict()

    def record(
        self,
        regarding: Mapping[str, Any],
        *,
        reason: str,
        note: str,
        action: str,
        at: datetime,
        kind: Literal["Normal", "Warning"] = "Normal",
        instance: str | None = None,
    ) -> Document:
        """Tell about `regarding`; the same reason and note again only raises the count of the first event."""
        if len(note.encode()) > NOTE_LIMIT_BYTES:
            note = note.encode()[: NOTE_LIMIT_BYTES - 4].decode("utf-8", "ignore") + " …"
        key = (uid_of(regarding), reason, note)
        namespace = namespace_of(regarding) or "default"
        with self._lock:
            known = self._written.get(key)
            count = known.count + 1 if known else 1
        if known is not None:
            series = {"series": {"count": count, "lastObservedTime": format_micro_time(at)}}
            try:
                event = self._client.merge_patch(EVENTS, known.name, series, namespace=namespace)
            except NotFound:  # events are dropped after an hour or so
                count = 1
            else:
                self._remember(key, known.name, count)
                return event
        event = self._event(regarding, namespace, reason, note)
        event |= {
            "eventTime": format_micro_time(at),
            "reportingInstance": instance or self._instance,
            "action": action,
            "type": kind,
        }
        event = self._client.create(EVENTS, event)
        self._remember(key, name_of(event), count)
        return event

    def _remember(self, key: tuple[str, str, str], name: str, count: int) -> None:
        with self._lock:
            self._written[key] = _Written(name, count)
            self._written.move_to_end(key)
            while len(self._written) > _REMEMBERED:
                self._written.popitem(last=False)

    def _event(self, regarding: Mapping[str, Any], namespace: str, reason: str, note: str) -> Document:
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {
                "name": f"{name_of(regarding)[:200]}.{secrets.token_hex(8)}",
                "namespace": namespace,
            },
            "reportingController": self._controller,
            "reason": reason,
            "regarding": {
                "apiVersion": regarding["apiVersion"],
                "kind": regarding["kind"],
                "name": name_of(regarding),
                "namespace": namespace_of(regarding),
                "uid": uid_of(regarding),
                "resourceVersion": regarding["metadata"].get("resourceVersion", ""),
            },
            "note": note,
        }
