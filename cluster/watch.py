"""A cache of one collection, kept true by list-then-watch in a thread of its own.

Ours instead of the library's informer, which builds typed objects and logs a traceback at each disconnect.
"""

import logging
import random
import threading
import time
from collections.abc import Callable

from cluster.client import ClusterClient
from cluster.documents import Document, key_of, uid_of
from cluster.errors import ClusterError, ClusterUnavailable, Gone
from cluster.kinds import Kind
from cluster.retries import RetryPolicy
from cluster.watch_stream import WatchStream

logger = logging.getLogger(__name__)

Key = tuple[str, str]
"""(namespace, name)."""
ChangeHandler = Callable[[str, Document | None, Document | None], None]
"""Called with (type, new, old): ADDED has no old, DELETED no new; MODIFIED both."""

_RECONNECT = RetryPolicy(first_wait=0.2, longest_wait=10.0)
_STEADY_SECONDS = 10.0
"""A watch that lasted so long was a good one: the next failure is the first again."""
_ABSENT_SECONDS = (1.0, 30.0)
"""Between two questions for a kind that a cluster need not have: when somebody hints that it has come, and of our own accord."""
_WATCH_SECONDS = (240, 300)
"""A watch is asked to end after a random time in this range, so that a thousand watches do not end together."""


class WatchCache:
    """The newest known state of a collection. Documents are shared, so readers must not change them.

    After a break the cache serves what it knew last; `healthy` and `last_contact` say so.
    """

    def __init__(
        self,
        client: ClusterClient,
        kind: Kind,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        on_change: ChangeHandler | None = None,
        optional: bool = False,
    ) -> None:
        """`optional`: a cluster that does not know the kind has none of it; it is asked again from time to time."""
        self.kind = kind
        self._optional = optional
        self._client = client
        self._namespace = namespace
        self._selectors = {"label_selector": label_selector, "field_selector": field_selector}
        self._listeners: list[ChangeHandler] = [on_change] if on_change else []
        self._items: dict[Key, Document] = {}
        self._lock = threading.Lock()
        self._synced = threading.Event()
        self._stopping = threading.Event()
        self._hinted = threading.Event()
        self._failing = False
        self._stream: WatchStream | None = None
        self._thread: threading.Thread | None = None
        self._last_contact: float | None = None
        self.resource_version = ""

    # --- for the owner --------------------------------------------------------------------------------------------

    def listen(self, handler: ChangeHandler) -> None:
        """One more listener; before `start`, so that it hears everything."""
        if self._thread is not None:
            raise RuntimeError(
                f"the watch of {self.kind.plural} has been started: a listener now would miss the past"
            )
        self._listeners.append(handler)

    def start(self) -> None:
        """Begin; call once. The first list happens in the thread: wait with `synced`."""
        if self._thread is not None:
            raise RuntimeError(f"the watch of {self.kind.plural} was started before")
        self._thread = threading.Thread(target=self._run, name=f"watch-{self.kind.plural}", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread, also in the middle of a silent watch; waits up to `timeout` seconds for it."""
        self._stopping.set()
        self._hinted.set()
        stream = self._stream
        if stream is not None:
            stream.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def hint(self) -> None:
        """The kind seems to be there: one that was not is asked for soon."""
        self._hinted.set()

    def synced(self, timeout: float = 0.0) -> bool:
        """Whether the first list is in, waiting up to `timeout` seconds for it."""
        return self._synced.wait(timeout)

    # --- for readers ----------------------------------------------------------------------------------------------

    def items(self) -> list[Document]:
        """A snapshot of all documents, in no special order."""
        with self._lock:
            return list(self._items.values())

    def get(self, namespace: str | None, name: str) -> Document | None:
        with self._lock:
            return self._items.get((namespace or "", name))

    def __len__(self) -> int:
        return len(self._items)

    @property
    def last_contact(self) -> float | None:
        """`time.monotonic()` of the last answer or event from the server; None before the first."""
        return self._last_contact

    @property
    def healthy(self) -> bool:
        """Listed once, the thread alive, and nothing has failed since the last answer."""
        alive = self._thread is not None and self._thread.is_alive()
        return alive and self._synced.is_set() and not self._failing

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        failures = 0
        listed = False
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                if listed:
                    self._look_back()
                else:
                    self._list()
                    listed = True
                self._watch()
                failure = None
            except Gone:
                # the server does not know the versions between: only a list can tell what was missed
                failure = f"version {self.resource_version} is gone; listing"
                listed = False
            except ClusterError as error:
                if self._optional and error.code == 404:
                    self._have_none()
                    listed, failures = False, 0
                    continue
                failure = error.message
                self._failing = True
            except Exception as error:
                # a cache whose thread has died would serve the past for ever: begin from nothing instead
                logger.exception("watch of %s", self.kind.plural)
                failure = repr(error)
                self._failing, listed = True, False
            if self._stopping.is_set():
                return
            if time.monotonic() - begun >= _STEADY_SECONDS:
                failures = 0
            if failure is not None:
                logger.warning("watch of %s: %s (failure %d)", self.kind.plural, failure, failures + 1)
            # a watch that ends as soon as it has begun is no failure, but asking again without a pause would be a storm
            failures += 1
            if failures > 1 or failure is not None:
                self._pause(failures)

    def _have_none(self) -> None:
        """The kind is not there: as good as an empty list, until it is asked for again."""
        with self._lock:
            before, self._items = self._items, {}
        self._heard()
        self._tell_differences(before, {})
        self._synced.set()
        soonest, latest = _ABSENT_SECONDS
        self._stopping.wait(soonest)
        self._hinted.wait(latest - soonest)
        self._hinted.clear()

    def _pause(self, failures: int) -> None:
        self._stopping.wait(_RECONNECT.wait(failures))

    def _heard(self) -> None:
        self._last_contact = time.monotonic()
        self._failing = False

    def _look_back(self) -> None:
        """Raises Gone when the server's versions have gone back, as after a restored backup.

        Its watch would be silent up to the version we know, without an error, and what is otherwise below it would never be told.
        """
        now = self._client.version_of(self.kind, self._namespace, **self._selectors)
        if now.isdigit() and self.resource_version.isdigit() and int(now) < int(self.resource_version):
            raise Gone(f"the server is at version {now}, before {self.resource_version}")

    def _list(self) -> None:
        result = self._client.list(self.kind, self._namespace, **self._selectors)
        fresh = {key_of(item): item for item in result.items}
        with self._lock:
            before = self._items
            self._items = fresh
        self.resource_version = result.resource_version
        self._heard()
        self._tell_differences(before, fresh)
        self._synced.set()

    def _tell_differences(self, before: dict[Key, Document], fresh: dict[Key, Document]) -> None:
        """Handlers hear what a gap has hidden, as if they had seen it."""
        for key, old in before.items():
            new = fresh.get(key)
            if new is None or uid_of(new) != uid_of(old):  # a namesake is another object
                self._tell("DELETED", None, old)
        for key, new in fresh.items():
            known = before.get(key)
            if known is None or uid_of(known) != uid_of(new):
                self._tell("ADDED", new, None)
            elif known["metadata"].get("resourceVersion") != new["metadata"].get("resourceVersion"):
                self._tell("MODIFIED", new, known)

    def _watch(self) -> None:
        stream = self._client.watch(
            self.kind,
            namespace=self._namespace,
            resource_version=self.resource_version,
            **self._selectors,
            timeout_seconds=random.randint(*_WATCH_SECONDS),  # noqa: S311 (spreading, no secret)
        )
        self._stream = stream
        with stream:
            if self._stopping.is_set():
                return
            self._heard()
            try:
                for event in stream:
                    self._heard()
                    self._take(event.type, event.document)
                    if self._stopping.is_set():
                        return
            except ClusterUnavailable as error:
                # stalled, or quiet: a kube-apiserver sends no bookmarks for a kind that has not changed since it started
                if error.reason != "Timeout":
                    raise
                logger.debug("watch of %s heard nothing for long: asking anew", self.kind.plural)

    def _take(self, kind: str, document: Document) -> None:
        self.resource_version = str(document["metadata"]["resourceVersion"])
        if kind == "BOOKMARK":
            return
        key = key_of(document)
        with self._lock:
            old = self._items.get(key)
            if kind == "DELETED":
                self._items.pop(key, None)
            else:
                self._items[key] = document
        if kind != "DELETED" and old is not None and _same_version(old, document):
            return  # told before
        if kind == "DELETED":
            self._tell("DELETED", None, document)
        elif old is None:
            self._tell("ADDED", document, None)
        else:
            self._tell("MODIFIED", document, old)

    def _tell(self, kind: str, new: Document | None, old: Document | None) -> None:
        for listener in self._listeners:
            try:
                listener(kind, new, old)
            except Exception:
                # one broken listener must not end the cache that others read
                logger.exception("a listener of %s failed", self.kind.plural)


def _same_version(one: Document, other: Document) -> bool:
    return uid_of(one) == uid_of(other) and (
        one["metadata"].get("resourceVersion") == other["metadata"].get("resourceVersion")
    )
