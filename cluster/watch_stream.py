"""One watch request: its answer as events."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from cluster.documents import Document, read_json
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


_TYPES = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK"})


def _event(line: bytes) -> WatchEvent:
    """Everything that is not an event as the API writes it ends the watch: what it would have told is then asked for again."""
    try:
        event = read_json(line)
    except (ValueError, RecursionError) as error:
        raise _broken_off(line) from error
    kind, document = (event.get("type"), event.get("object")) if isinstance(event, dict) else (None, None)
    if not isinstance(document, dict):
        raise _broken_off(line)
    if kind == "ERROR":
        raise error_from_status(document)
    metadata = document.get("metadata")
    if (
        kind not in _TYPES
        or not isinstance(metadata, dict)
        or not _is_version(metadata.get("resourceVersion"))
    ):
        raise _broken_off(line)
    if kind != "BOOKMARK" and not metadata.get("name"):
        raise _broken_off(line)
    return WatchEvent(kind, document)


def _is_version(value: object) -> bool:
    return isinstance(value, str) and value not in ("", "0")


def _broken_off(line: bytes) -> ClusterUnavailable:
    return ClusterUnavailable(f"the watch broke off: no event: {line[:80]!r}", reason="UnreadableAnswer")
