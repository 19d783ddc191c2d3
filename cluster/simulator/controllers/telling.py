"""Events of the controllers, written behind their work: what cannot be written is let go, and nobody waits for it."""

import logging
import queue
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import Document
from cluster.errors import ClusterError
from cluster.events import EventRecorder

logger = logging.getLogger(__name__)
_WAITING_AT_MOST = 5_000
Kind = Literal["Normal", "Warning"]


@dataclass(frozen=True)
class _Told:
    regarding: Document
    kind: Kind
    reason: str
    note: str
    at: datetime


class Teller:
    """Tells as one controller. A daemon thread writes; it begins with the first thing to tell."""

    def __init__(self, client: ClusterClient, controller: str) -> None:
        self._recorder = EventRecorder(client, controller=controller, instance="simulated")
        self._waiting: queue.Queue[_Told] = queue.Queue(_WAITING_AT_MOST)
        self._thread = threading.Thread(target=self._write, name=f"{controller}-events", daemon=True)
        self._begin = threading.Lock()

    def tell(self, regarding: Document, reason: str, note: str, *, kind: Kind = "Normal") -> None:
        with self._begin:
            if not self._thread.is_alive():
                self._thread.start()
        try:
            self._waiting.put_nowait(_Told(regarding, kind, reason, note, clock.now()))
        except queue.Full:
            logger.debug("too much to tell: %s is let go", reason)

    def warn(self, regarding: Document, reason: str, note: str) -> None:
        self.tell(regarding, reason, note, kind="Warning")

    def _write(self) -> None:
        while True:
            told = self._waiting.get()
            try:
                self._recorder.record(
                    told.regarding,
                    reason=told.reason,
                    note=told.note,
                    action=told.reason,
                    at=told.at,
                    kind=told.kind,
                )
            except ClusterError as error:  # its namespace may be going
                logger.debug("%s is not told: %s", told.reason, error)
