"""Reads the ConfigMaps and Secrets that pods name, one by one and by name alone.

A node may read no other: the node authorizer of a real cluster (kubernetes/plugin/pkg/auth/authorizer/node) allows it what
the pods bound to it refer to, never a list of all. As a kubelet with the strategy `Get` does, they are read when a pod
comes, before each start of its containers, and again and again while one is missing.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

from cluster import clock
from cluster.client import ClusterClient
from cluster.errors import Forbidden, NotFound
from cluster.kinds import CONFIG_MAPS, SECRETS
from cluster.retries import RetryPolicy
from cluster.simulator.kubelet.references import (
    Contents,
    Findings,
    Reference,
    Unread,
    absent,
    contents_of,
)
from cluster.simulator.work_queue import WorkQueue

AGAIN = RetryPolicy(first_wait=1.0, longest_wait=10.0)
"""Product seconds between two looks for what is missing: at first soon, as the kubelet's volume manager does, then as rarely
as its workers come back to a pod after an error …"""
_AT_LEAST = 0.5
"""… but real seconds at the least, however fast the clock goes."""
_THREADS = 4
_REMEMBERED = 256
ROOT_AUTHORITY: Reference = ("configmap", "kube-root-ca.crt")
"""Each pod with a token names it, and it is written once for a namespace …"""
_UNCHANGED_SECONDS = 60.0
"""… so one reading of it serves all pods for a while, where thousands start."""
_KINDS = {"configmap": CONFIG_MAPS, "secret": SECRETS}


@dataclass(frozen=True)
class _Errand:
    namespace: str
    references: frozenset[Reference]
    asked: float
    looks: int = 0
    """How many have found something missing."""


@dataclass(frozen=True)
class _Reading:
    began: float
    found: Contents | Unread


class Supplies:
    """`report(uid, findings)` takes what was read and says whether to look again."""

    def __init__(
        self,
        client: ClusterClient,
        report: Callable[[str, Findings], bool],
        *,
        again: RetryPolicy = AGAIN,
    ) -> None:
        self._client = client
        self._again = again
        self._report = report
        self._errands: dict[str, _Errand] = {}
        self._lock = threading.Lock()
        self._readings: OrderedDict[tuple[str, Reference], _Reading] = OrderedDict()
        """The newest, while any pod waits for its own."""
        self._authorities: dict[str, _Reading] = {}
        """By namespace: of ROOT_AUTHORITY alone."""
        self._queue: WorkQueue[str] = WorkQueue("kubelet-supplies", self._look, threads=_THREADS)

    def start(self) -> None:
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()

    def due(self, uid: str, namespace: str, references: frozenset[Reference]) -> None:
        """Read what the pod names as it is from now on."""
        self._errands[uid] = _Errand(namespace, references, monotonic())
        self._queue.add(uid)

    def forget(self, uid: str) -> None:
        self._errands.pop(uid, None)
        with self._lock:
            if not self._errands:
                self._readings.clear()

    def _look(self, uid: str) -> None:
        errand = self._errands.get(uid)
        if errand is None:
            return
        findings = {one: self._find(errand, one) for one in errand.references}
        if self._errands.get(uid) is not errand:
            return  # asked for anew meanwhile
        if self._report(uid, findings):
            again = self._errands[uid] = replace(errand, asked=monotonic(), looks=errand.looks + 1)
            wait = clock.real_seconds(self._again.wait(again.looks))
            self._queue.add_after(uid, max(_AT_LEAST, wait))
        else:
            self.forget(uid)

    def _find(self, errand: _Errand, reference: Reference) -> Contents | Unread:
        """A reading that began after the pod had come serves it as well as its own: many pods that start together name the same."""
        if reference == ROOT_AUTHORITY:
            return self._authority(errand.namespace)
        key = (errand.namespace, reference)
        with self._lock:
            known = self._readings.get(key)
        if known is not None and known.began >= errand.asked:
            return known.found
        reading = _Reading(monotonic(), self._read(errand.namespace, reference))
        with self._lock:
            self._readings[key] = reading
            self._readings.move_to_end(key)
            while len(self._readings) > _REMEMBERED:
                self._readings.popitem(last=False)
        return reading.found

    def _authority(self, namespace: str) -> Contents | Unread:
        known = self._authorities.get(namespace)
        if known is not None and known.began > monotonic() - _UNCHANGED_SECONDS:
            return known.found
        reading = _Reading(monotonic(), self._read(namespace, ROOT_AUTHORITY))
        if isinstance(reading.found, Contents):
            with self._lock:
                if len(self._authorities) >= _REMEMBERED:
                    self._authorities.clear()
                self._authorities[namespace] = reading
        return reading.found

    def _read(self, namespace: str, reference: Reference) -> Contents | Unread:
        sort, name = reference
        try:
            return contents_of(self._client.get(_KINDS[sort], name, namespace))
        except NotFound:
            return absent(reference)
        except Forbidden as refusal:  # the pod tells it, as it would on a real node
            return Unread(refusal.message)
