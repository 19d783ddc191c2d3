"""What a cluster holds of each workload: documents of the watches, by workload id. Thread-safe; asks nobody."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster import labels
from cluster.documents import Document, key_of, labels_of, uid_of
from cluster.kinds import PODS, Kind

REMEMBERED_UIDS = 50_000
"""Of objects that are gone: their last events still find the workload."""

Key = tuple[str, str, str]
"""(plural, namespace, name)."""

Versions = frozenset[tuple[Key, str]]
"""Objects and their resource versions."""


@dataclass
class Objects:
    """Of one workload."""

    resource: Document | None = None
    children: list[Document] = field(default_factory=list)
    pods: list[Document] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return self.resource is None and not self.children and not self.pods


class ObjectsByWorkload:
    """Fed by the change handlers of the watches."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._documents: dict[str, dict[Key, tuple[Kind, Document]]] = {}
        self._owners: OrderedDict[str, str] = OrderedDict()

    def take(self, kind: Kind, new: Document | None, old: Document | None) -> str | None:
        """Keep a change; returns the id of the workload it is about."""
        document = new or old
        workload_id = labels_of(document).get(labels.WORKLOAD_ID) if document else None
        if document is None or not workload_id:
            return None
        key = (kind.plural, *key_of(document))
        with self._lock:
            of_workload = self._documents.setdefault(workload_id, {})
            if new is not None:
                of_workload[key] = (kind, new)
                self._remember(uid_of(new), workload_id)
            else:
                known = of_workload.get(key)
                if known is not None and uid_of(known[1]) == uid_of(
                    document
                ):  # not a namesake that came since
                    del of_workload[key]
            if not of_workload:
                del self._documents[workload_id]
        return workload_id

    def put(self, kind: Kind, written: Document, *, instead_of: Document) -> bool:
        """Keep the answer of our own write before the watch brings it, unless the watch has brought something newer."""
        workload_id = labels_of(instead_of).get(labels.WORKLOAD_ID, "")
        key = (kind.plural, *key_of(instead_of))
        with self._lock:
            of_workload = self._documents.get(workload_id, {})
            if key not in of_workload or of_workload[key][1] is not instead_of:
                return False
            of_workload[key] = (kind, written)
            return True

    def of(self, workload_id: str, resource_kind: Kind) -> Objects:
        """A snapshot; documents are shared: read, never change them."""
        found = Objects()
        with self._lock:
            documents = list(self._documents.get(workload_id, {}).values())
        for kind, document in documents:
            if kind is resource_kind:
                found.resource = document
            elif kind is PODS:
                found.pods.append(document)
            else:
                found.children.append(document)
        found.pods.sort(key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), key_of(pod)))
        return found

    def versions(self, workload_id: str) -> Versions:
        """Which objects there are, in which version: equal ones mean that nothing has changed."""
        with self._lock:
            documents = list(self._documents.get(workload_id, {}).values())
        return frozenset(version_of(kind, document) for kind, document in documents)

    def owner_of(self, uid: str) -> str | None:
        """The workload that an object with this uid belongs or belonged to."""
        with self._lock:
            return self._owners.get(uid)

    def ids(self) -> list[str]:
        with self._lock:
            return list(self._documents)

    def _remember(self, uid: str, workload_id: str) -> None:
        self._owners[uid] = workload_id
        self._owners.move_to_end(uid)
        while len(self._owners) > REMEMBERED_UIDS:
            self._owners.popitem(last=False)


def version_of(kind: Kind, document: Mapping[str, Any]) -> tuple[Key, str]:
    return (kind.plural, *key_of(document)), str(document["metadata"].get("resourceVersion", ""))


def regarding_uid(event: Mapping[str, Any]) -> str:
    """The uid of the object an event of events.k8s.io/v1 is about."""
    return str((event.get("regarding") or {}).get("uid") or "")
