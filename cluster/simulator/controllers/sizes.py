"""How many pods the objects that manage pods are told to keep: ReplicaSets with their Deployments, and StatefulSets."""

from collections.abc import Callable, Mapping
from typing import Any

from cluster.documents import Document, controller_of, namespace_of, uid_of
from cluster.watch import WatchCache


class Sizes:
    """Reads caches that the controllers keep anyway."""

    def __init__(self, deployments: WatchCache, replica_sets: WatchCache, stateful_sets: WatchCache) -> None:
        self._caches = {
            "Deployment": deployments,
            "ReplicaSet": replica_sets,
            "StatefulSet": stateful_sets,
        }

    def listen(self, changed: Callable[[str], None]) -> None:
        """`changed(namespace)` when an object that has a size is new, other or gone."""

        def told(kind: str, new: Document | None, old: Document | None) -> None:
            document = new or old
            if document is not None and (new is None or old is None or new["spec"] != old["spec"]):
                changed(namespace_of(document))

        for cache in self._caches.values():
            cache.listen(told)

    def size_of(self, namespace: str, owner: Mapping[str, Any]) -> tuple[str, int] | None:
        """(uid of whoever decides, number of pods), or None when the owner has no size that we know."""
        found = self._find(namespace, owner)
        if found is None:
            return None
        above = controller_of(found)
        decides = self._find(namespace, above) if above is not None else None
        found = decides or found
        return uid_of(found), int(found["spec"].get("replicas", 1))

    def _find(self, namespace: str, owner: Mapping[str, Any]) -> Document | None:
        cache = self._caches.get(owner["kind"])
        found = cache.get(namespace, owner["name"]) if cache is not None else None
        return found if found is not None and uid_of(found) == owner["uid"] else None
