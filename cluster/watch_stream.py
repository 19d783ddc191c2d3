"""One watch request: its answer as events."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from cluster.documents import Document
from cluster.errors import ClusterUnavailable, error_from_status
from cluster.transport import Stream


@dataclass(frozen=True)
class WatchEvent:
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK (whose document holds only a resourceVersion)."""

    type: str
    document: Document


class WatchStream:
    """Iterate it in one thread; `close` from any thread ends it. Also a context manager."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[WatchEvent]:
        """Ends when the server ends the watch; raises Gone for an old version, ClusterUnavailable when it is cut off."""
        try:
            for line in self._stream.lines():
                if line.strip():
                    yield _event(line)
        finally:
            self._stream.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._stream.release()

    def close(self) -> None:
        self._stream.close()


def _event(line: bytes) -> WatchEvent:
    try:
        event = json.loads(line)
        kind, document = event["type"], event["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise ClusterUnavailable(f"the watch broke off inside an event: {line[:80]!r}") from error
    if kind == "ERROR":
        raise error_from_status(document)
    return WatchEvent(kind, document)
