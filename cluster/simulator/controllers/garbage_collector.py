"""The garbage collector: what is owned goes with its owner, in the way its deletion asked for."""

import logging
import threading
from collections import defaultdict
from typing import Any

from cluster.client import ClusterClient
from cluster.documents import Document, OwnerReference, is_deleting, name_of, namespace_of, owners_of, uid_of
from cluster.errors import Conflict, NotFound
from cluster.kinds import (
    CONFIG_MAPS,
    CRDS,
    SECRETS,
    SERVICES,
    Kind,
    kind_named,
)
from cluster.simulator.controllers.definitions import kind_of
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_BUILT_IN = (CONFIG_MAPS, SECRETS, SERVICES)
"""Kinds that may be owned or own, besides those that other controllers watch already."""

Item = tuple[Kind, str, str]
"""(kind, namespace, name)."""


class GarbageCollector:
    """Knows who owns whom from watches; asks the API before it deletes, because watches of different kinds run apart."""

    def __init__(self, client: ClusterClient, shared: list[WatchCache]) -> None:
        self._client = client
        self._shared = shared
        self._own: dict[Kind, WatchCache] = {}
        self._lock = threading.Lock()
        self._dependents: defaultdict[str, dict[Item, Document]] = defaultdict(dict)
        self._queue: WorkQueue[Item] = WorkQueue("garbage-collector", self._reconcile, threads=2)
        self._definitions = WatchCache(client, CRDS, on_change=self._definition_changed)
        self._caches: dict[Kind, WatchCache] = {cache.kind: cache for cache in shared}
        for cache in shared:
            cache.listen(self._listener(cache.kind))

    def start(self) -> None:
        for kind in _BUILT_IN:
            self._watch(kind)
        self._definitions.start()
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        self._definitions.stop()
        with self._lock:
            own = list(self._own.values())
        for cache in own:
            cache.stop()

    # --- what is there --------------------------------------------------------------------------------------------

    def _watch(self, kind: Kind) -> None:
        with self._lock:
            if kind in self._caches:
                return
            cache = WatchCache(self._client, kind, on_change=self._listener(kind))
            self._own[kind] = self._caches[kind] = cache
        cache.start()

    def _definition_changed(self, event: str, new: Document | None, old: Document | None) -> None:
        """Custom resources are collected like the rest: each served kind is watched while its definition stands."""
        definition = new or old
        if definition is None:
            return
        kind = kind_of(definition)
        if kind is None:
            return
        if new is not None and not is_deleting(new):
            self._watch(kind)
            return
        with self._lock:
            gone = self._own.pop(kind, None)
            self._caches.pop(kind, None)
        if gone is not None:
            threading.Thread(target=gone.stop, daemon=True).start()  # this thread must go on hearing

    def _listener(self, kind: Kind) -> Any:
        def changed(event: str, new: Document | None, old: Document | None) -> None:
            self._changed(kind, new, old)

        return changed

    def _changed(self, kind: Kind, new: Document | None, old: Document | None) -> None:
        document = new or old
        if document is None:
            return
        item = (kind, namespace_of(document), name_of(document))
        with self._lock:
            if old is not None:
                for owner in owners_of(old):
                    self._dependents[owner["uid"]].pop(item, None)
                    if not self._dependents[owner["uid"]]:
                        del self._dependents[owner["uid"]]
            if new is not None:
                for owner in owners_of(new):
                    self._dependents[owner["uid"]][item] = new
            orphans = list(self._dependents.get(uid_of(document), {})) if new is None else []
        for dependent in orphans:
            self._queue.add(dependent)
        if new is None:
            self._ask_waiting_owners(document)
        elif is_deleting(new) and {ORPHAN, FOREGROUND} & set(new["metadata"].get("finalizers") or []):
            self._queue.add(item)
        elif old is None and owners_of(new):
            self._queue.add(item)  # its owner may have gone while nobody looked

    def _ask_waiting_owners(self, gone: Document) -> None:
        """An owner that is deleted in the foreground waits for its dependents: one has just gone."""
        for owner in owners_of(gone):
            kind = self._kind(owner["apiVersion"], owner["kind"])
            if kind is not None:
                self._queue.add((kind, namespace_of(gone) if kind.namespaced else "", owner["name"]))

    def _kind(self, api_version: str, kind: str) -> Kind | None:
        known = kind_named(api_version, kind)
        if known is not None:
            return known
        with self._lock:
            return next(
                (one for one in self._caches if (one.api_version, one.kind) == (api_version, kind)), None
            )

    # --- one object -----------------------------------------------------------------------------------------------

    def _reconcile(self, item: Item) -> None:
        kind, namespace, name = item
        cache = self._caches.get(kind)
        document = cache.get(namespace, name) if cache else None
        if document is None:
            return
        try:
            finalizers = document["metadata"].get("finalizers") or []
            if is_deleting(document):
                if ORPHAN in finalizers:
                    self._let_dependents_go(kind, document)
                elif FOREGROUND in finalizers:
                    self._delete_dependents_first(kind, document)
                return
            if owners_of(document) and self._has_no_owner_left(document):
                self._client.delete(kind, name, namespace or None, uid=uid_of(document))
                logger.info("%s %s/%s went with its owner", kind.kind, namespace, name)
        except NotFound:
            logger.debug("%s %s/%s is gone", kind.kind, namespace, name)
        except Conflict:
            self._queue.add_after(item, 0.1)

    def _has_no_owner_left(self, document: Document) -> bool:
        return all(self._is_gone(document, owner) for owner in owners_of(document))

    def _is_gone(self, document: Document, owner: OwnerReference) -> bool:
        kind = self._kind(owner["apiVersion"], owner["kind"])
        if kind is None:
            return False  # a kind nobody here knows: it is not ours to judge
        cache = self._caches.get(kind)
        namespace = namespace_of(document) if kind.namespaced else None
        known = cache.get(namespace, owner["name"]) if cache else None
        if known is not None and uid_of(known) == owner["uid"]:
            return False
        try:
            return uid_of(self._client.get(kind, owner["name"], namespace)) != str(owner["uid"])
        except NotFound:
            return True

    def _dependents_of(self, document: Document) -> list[tuple[Item, Document]]:
        with self._lock:
            return list(self._dependents.get(uid_of(document), {}).items())

    def _let_dependents_go(self, kind: Kind, document: Document) -> None:
        for (dependent_kind, namespace, name), dependent in self._dependents_of(document):
            kept = [owner for owner in owners_of(dependent) if owner["uid"] != uid_of(document)]
            patch = {"metadata": {"uid": uid_of(dependent), "ownerReferences": kept or None}}
            self._client.merge_patch(dependent_kind, name, patch, namespace=namespace or None)
        self._take_finalizer_off(kind, document, ORPHAN)

    def _delete_dependents_first(self, kind: Kind, document: Document) -> None:
        blocking = 0
        for (dependent_kind, namespace, name), dependent in self._dependents_of(document):
            reference = next(owner for owner in owners_of(dependent) if owner["uid"] == uid_of(document))
            blocking += bool(reference.get("blockOwnerDeletion"))
            if is_deleting(dependent) or len(owners_of(dependent)) > 1:
                continue
            try:
                self._client.delete(
                    dependent_kind, name, namespace or None, uid=uid_of(dependent), propagation="Foreground"
                )
            except NotFound:
                logger.debug("%s was gone", name)
        if blocking == 0:
            self._take_finalizer_off(kind, document, FOREGROUND)

    def _take_finalizer_off(self, kind: Kind, document: Document, finalizer: str) -> None:
        kept = [one for one in document["metadata"].get("finalizers") or [] if one != finalizer]
        patch = {"metadata": {"uid": uid_of(document), "finalizers": kept or None}}
        self._client.merge_patch(kind, name_of(document), patch, namespace=namespace_of(document) or None)
