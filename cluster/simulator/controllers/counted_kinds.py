"""The kinds that quotas count: what they are, and a watch on each that tells when there is less of it."""

import logging
import threading
from collections.abc import Callable

from cluster.client import ClusterClient
from cluster.documents import Document, namespace_of
from cluster.errors import NotFound
from cluster.kinds import ALL_KINDS, CRDS, PODS, Kind
from cluster.simulator.controllers.definitions import kind_of
from cluster.simulator.limits.usage import NOT_COUNTED, counted
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)
_OTHERS = "count/"
_LIST_SECONDS = 30.0


def storage_of(kind: Kind) -> str:
    """`pods`, `jobs.batch`: as quotas name it."""
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


_KNOWN = {
    storage_of(kind): kind for kind in ALL_KINDS if kind.namespaced and storage_of(kind) not in NOT_COUNTED
}


class CountedKinds:
    """Watches begin when the first quota names the kind and stay; that of the pods belongs to the caller.

    `less(namespace)` is called when something has gone or has become another.
    """

    def __init__(self, client: ClusterClient, less: Callable[[str], None]) -> None:
        self._client, self._less = client, less
        self._lock = threading.Lock()
        self._watches: dict[Kind, WatchCache] = {}

    def stop(self) -> None:
        with self._lock:
            watches = list(self._watches.values())
        for watch in watches:
            watch.stop()

    def of(self, hard: dict[str, str]) -> dict[str, Kind]:
        """By storage name, what these limits are about; each is watched from now on."""
        found = {name: kind for name, kind in _KNOWN.items() if any(counted(name, one) for one in hard)}
        for name in hard:
            storage = name.removeprefix(_OTHERS)
            if name.startswith(_OTHERS) and storage not in found:
                kind = self._custom(storage)
                if kind is not None:
                    found[storage] = kind
        for kind in found.values():
            self._watch(kind)
        return found

    def _custom(self, storage: str) -> Kind | None:
        """Definitions have the name of what they define; what nobody defines is not counted."""
        if "." not in storage:
            return None
        try:
            kind = kind_of(self._client.get(CRDS, storage))
        except NotFound:
            logger.debug("a quota counts %s, which there is not", storage)
            return None
        return kind if kind is not None and kind.namespaced else None

    def _watch(self, kind: Kind) -> None:
        with self._lock:
            if kind == PODS or kind in self._watches:
                return
            watch = self._watches[kind] = WatchCache(self._client, kind, on_change=self._changed)
        watch.start()
        watch.synced(_LIST_SECONDS)  # what goes from now on is told

    def _changed(self, event: str, new: Document | None, old: Document | None) -> None:
        if old is not None and (new is None or new.get("spec") != old.get("spec")):
            self._less(namespace_of(old))
