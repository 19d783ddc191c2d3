"""Pods by owner and by node, kept from a watch, with the pods just made that the watch has not shown yet."""

import threading
import time
from collections import defaultdict

from cluster.documents import Document, controller_of, namespace_of, uid_of

_ECHO_SECONDS = 30.0
"""How long a made pod is counted without having been seen."""


class PodIndex:
    """A listener for a WatchCache of pods; thread-safe. Without the assumed pods a controller would make them twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_owner: defaultdict[str, dict[str, Document]] = defaultdict(dict)
        self._by_node: defaultdict[str, dict[str, Document]] = defaultdict(dict)
        self._orphans: defaultdict[str, dict[str, Document]] = defaultdict(dict)
        self._assumed: defaultdict[str, dict[str, tuple[float, Document]]] = defaultdict(dict)

    def pod_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        with self._lock:
            if old is not None:
                self._remove(old)
            if new is not None:
                self._put(new)

    def assume(self, pod: Document) -> None:
        """Count a pod that was just made until the watch shows it."""
        owner = controller_of(pod)
        if owner is None:
            return
        with self._lock:
            if uid_of(pod) not in self._by_owner[owner["uid"]]:
                self._assumed[owner["uid"]][uid_of(pod)] = (time.monotonic(), pod)

    def of_owner(self, uid: str) -> list[Document]:
        """The pods a controller object manages, the assumed ones too."""
        with self._lock:
            now = time.monotonic()
            assumed = self._assumed.get(uid, {})
            for key, (since, _) in list(assumed.items()):
                if now - since > _ECHO_SECONDS:
                    del assumed[key]
            return [*self._by_owner.get(uid, {}).values(), *(pod for _, pod in assumed.values())]

    def orphans(self, namespace: str) -> list[Document]:
        """The pods of a namespace that no object manages."""
        with self._lock:
            return list(self._orphans.get(namespace, {}).values())

    def on_node(self, name: str) -> list[Document]:
        with self._lock:
            return list(self._by_node.get(name, {}).values())

    def nodes(self) -> list[str]:
        """Names of nodes that have pods."""
        with self._lock:
            return [name for name, pods in self._by_node.items() if pods]

    def _put(self, pod: Document) -> None:
        owner = controller_of(pod)
        if owner is not None:
            self._by_owner[owner["uid"]][uid_of(pod)] = pod
            self._assumed[owner["uid"]].pop(uid_of(pod), None)
        else:
            self._orphans[namespace_of(pod)][uid_of(pod)] = pod
        node = pod["spec"].get("nodeName")
        if node:
            self._by_node[node][uid_of(pod)] = pod

    def _remove(self, pod: Document) -> None:
        self._orphans[namespace_of(pod)].pop(uid_of(pod), None)
        owner = controller_of(pod)
        if owner is not None:
            for table in (self._by_owner, self._assumed):
                if owner["uid"] in table:
                    table[owner["uid"]].pop(uid_of(pod), None)
                    if not table[owner["uid"]]:
                        del table[owner["uid"]]
        node = pod["spec"].get("nodeName")
        if node and node in self._by_node:
            self._by_node[node].pop(uid_of(pod), None)
            if not self._by_node[node]:
                del self._by_node[node]
