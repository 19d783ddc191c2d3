"""Which pods wait for their claims to be bound: nothing of a pod starts before. Used under the roster's lock."""

from cluster.documents import Document, is_deleting, key_of, namespace_of, uid_of
from cluster.simulator.volumes import claims_of_pod, phase_of


class Mounts:
    def __init__(self) -> None:
        self._waiting: dict[str, Document] = {}
        self._bound: set[tuple[str, str]] = set()

    def hold_back(self, pod: Document) -> bool:
        """Whether the pod has to wait; it is remembered then. One that has begun before, or is to go, waits for nothing."""
        begun = bool((pod.get("status") or {}).get("startTime"))
        missing = [name for name in claims_of_pod(pod) if (namespace_of(pod), name) not in self._bound]
        if not missing or begun or is_deleting(pod):
            self.forget(uid_of(pod))
            return False
        self._waiting[uid_of(pod)] = pod
        return True

    def forget(self, uid: str) -> None:
        self._waiting.pop(uid, None)

    def claim_changed(self, new: Document | None, old: Document | None) -> list[Document]:
        """The pods that may start now."""
        if new is not None and phase_of(new) == "Bound":
            self._bound.add(key_of(new))
            namespace = namespace_of(new)
            return [pod for pod in self._waiting.values() if namespace_of(pod) == namespace]
        claim = new or old
        if claim is not None:
            self._bound.discard(key_of(claim))
        return []
