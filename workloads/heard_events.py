"""What the cluster's parts say about our objects, copied into the histories of the workloads."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from cluster import clock
from cluster.documents import Document, namespace_of, parse_time
from cluster.events import last_seen
from workloads import history
from workloads.models import EventKind, Workload, WorkloadEvent
from workloads.objects import ObjectsByWorkload, regarding_uid

AT_ONCE = 500
TRIES = 5
"""An event may be heard before its object: it is looked up again this often."""
KEPT_AT_MOST = 20_000


class HeardEvents:
    """Filled by the watch of events, emptied by the thread that writes."""

    def __init__(self, objects: ObjectsByWorkload) -> None:
        self._objects = objects
        self._heard: deque[tuple[Document, int]] = deque(maxlen=KEPT_AT_MOST)

    def take(self, _type: str, new: Document | None, _old: Document | None) -> None:
        """The change handler of the watch; an event that is dropped by the cluster stays in the history."""
        if new is not None:
            self._heard.append((new, 0))

    def __len__(self) -> int:
        return len(self._heard)

    def record(self) -> None:
        """Write a batch. What is about nothing of ours is passed over."""
        late: list[tuple[Document, int]] = []
        found: list[tuple[str, Document]] = []
        for _ in range(min(len(self._heard), AT_ONCE)):
            event, tries = self._heard.popleft()
            owner = self._objects.owner_of(regarding_uid(event))
            if owner is not None:
                found.append((owner, event))
            elif tries < TRIES and namespace_of(event).startswith("runai-"):
                late.append((event, tries + 1))
        self._heard.extend(late)
        if not found:
            return
        lines = [(owner, _line(event)) for owner, event in found]
        rows = {str(row.pk): row for row in Workload.objects.filter(pk__in={owner for owner, _ in lines})}
        told = _told_before(rows)
        with transaction.atomic():
            for owner, line in lines:
                # after a restart the cluster tells everything again
                if owner in rows and line["at"] > told.get((owner, _mark(line)), _NEVER):
                    history.tell(rows[owner], line.pop("reason"), line.pop("message"), **line)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _told_before(rows: Mapping[str, Workload]) -> dict[tuple[str, str], datetime]:
    """(workload id, fingerprint) -> when it was told last."""
    known = WorkloadEvent.objects.filter(workload__in=rows.values())
    return {
        (str(pk), mark): at for pk, mark, at in known.values_list("workload_id", "fingerprint", "last_at")
    }


def _mark(line: Mapping[str, Any]) -> str:
    return history.fingerprint(
        line["reason"], line["message"], source=line["source"], about=line["about"], kind=line["kind"]
    )


def _line(event: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of history.tell."""
    regarding = event.get("regarding") or {}
    series = event.get("series") or {}
    return {
        "reason": str(event.get("reason") or "Event"),
        "message": str(event.get("note") or ""),
        "at": _moment(last_seen(event)),
        "kind": EventKind.WARNING.value if event.get("type") == "Warning" else EventKind.NORMAL.value,
        "source": str(event.get("reportingController") or "cluster"),
        "about": f"{regarding.get('kind', '')}/{regarding.get('name', '')}",
        "count": int(series.get("count") or event.get("deprecatedCount") or 1),
    }


def _moment(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError:
        return clock.now()
