"""Reading from the Kubernetes API: objects, collections, watches, logs, and pages behind its proxies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

from cluster.connection import Connection
from cluster.documents import Document, format_time, read_json
from cluster.errors import ClusterUnavailable, Gone
from cluster.kinds import NODES, PODS, Kind
from cluster.retries import RetryPolicy
from cluster.transport import Query, Stream, Transport
from cluster.watch_stream import WatchStream

DEADLINE_SECONDS = 30.0
LIST_DEADLINE_SECONDS = 60.0
PAGE_SIZE = 500
LONGEST_SILENCE_SECONDS = 100
"""On a watch: servers send a bookmark each minute. Without one the connection has stalled somewhere, and is made anew."""


@dataclass(frozen=True)
class ListResult:
    """All objects of a collection at one moment, and the version from which a watch goes on."""

    items: list[Document]
    resource_version: str


class ClusterReader:
    """The half of the client that changes nothing."""

    def __init__(
        self, connection: Connection, *, user_agent: str = "runai-portal", policy: RetryPolicy | None = None
    ) -> None:
        self.connection = connection
        self._transport = Transport(connection, user_agent, policy)

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Document:
        """One object; raises NotFound."""
        return self._json("GET", kind.path(namespace, name))

    def list(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", field_selector: str = ""
    ) -> ListResult:
        """The whole collection, read in pages; one that expires on the way is begun anew, unpaged."""
        try:
            return self._list(kind, namespace, label_selector, field_selector, limit=PAGE_SIZE)
        except Gone:
            return self._list(kind, namespace, label_selector, field_selector, limit=None)

    def version_of(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", field_selector: str = ""
    ) -> str:
        """The collection's version at this moment; next to nothing of it is read."""
        query: Query = {"labelSelector": label_selector, "fieldSelector": field_selector, "limit": 1}
        return str(self._json("GET", kind.path(namespace), query=query)["metadata"]["resourceVersion"])

    def watch(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        timeout_seconds: int,
    ) -> WatchStream:
        """Changes after `resource_version` as they happen, bookmarks included; raises Gone when that is too old."""
        query: Query = {
            "watch": True,
            "resourceVersion": resource_version,
            "allowWatchBookmarks": True,
            "timeoutSeconds": timeout_seconds,
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
        }
        silence = min(timeout_seconds + 15, LONGEST_SILENCE_SECONDS)
        return WatchStream(self._transport.stream(kind.path(namespace), query=query, silence_seconds=silence))

    def logs(
        self,
        namespace: str,
        pod: str,
        *,
        container: str | None = None,
        tail_lines: int | None = None,
        since_time: datetime | None = None,
        timestamps: bool = False,
        previous: bool = False,
        limit_bytes: int | None = None,
    ) -> str:
        """What a container has written so far."""
        query = _log_query(container, tail_lines, since_time, timestamps, previous, limit_bytes)
        return self._text(PODS.path(namespace, pod, "log"), query)

    def follow_logs(
        self,
        namespace: str,
        pod: str,
        *,
        container: str | None = None,
        tail_lines: int | None = None,
        timestamps: bool = False,
        silence_seconds: float = 300,
    ) -> Stream:
        """A log as it is written: iterate `.lines()`, then close and release the stream."""
        query = {**_log_query(container, tail_lines, None, timestamps, False, None), "follow": True}
        return self._transport.stream(
            PODS.path(namespace, pod, "log"), query=query, accept="*/*", silence_seconds=silence_seconds
        )

    def proxy_get(
        self, kind: Kind, name: str, path: str, *, namespace: str | None = None, port: int | None = None
    ) -> str:
        """A page that a node or pod serves, fetched through the API server (nodes/proxy, pods/proxy)."""
        address = f"{name}:{port}" if port else name
        return self._text(
            f"{kind.path(namespace, address, 'proxy')}/{quote(path.lstrip('/'), safe='/?=&')}", {}
        )

    def node_page(self, node: str, path: str) -> str:
        """A page of a node's kubelet, such as metrics/resource."""
        return self.proxy_get(NODES, node, path)

    def version(self) -> str:
        """The server's version, such as v1.36.3."""
        return str(self._json("GET", "/version")["gitVersion"])

    def _list(
        self,
        kind: Kind,
        namespace: str | None,
        label_selector: str,
        field_selector: str,
        *,
        limit: int | None,
    ) -> ListResult:
        items: list[Document] = []
        token: str | None = None
        while True:
            query: Query = {
                "labelSelector": label_selector,
                "fieldSelector": field_selector,
                "limit": limit,
                "continue": token,
            }
            page = self._json(
                "GET", kind.path(namespace), query=query, deadline_seconds=LIST_DEADLINE_SECONDS
            )
            for item in page.get("items") or []:
                # items of a list leave these out, objects of a watch do not
                item.setdefault("apiVersion", kind.api_version)
                item.setdefault("kind", kind.kind)
                items.append(item)
            token = page["metadata"].get("continue") or None
            if token is None:
                return ListResult(items, str(page["metadata"]["resourceVersion"]))

    def _json(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        content_type: str = "application/json",
        deadline_seconds: float = DEADLINE_SECONDS,
        idempotent: bool | None = None,
        conflicts: bool = False,
    ) -> Document:
        answer = self._transport.send(
            method,
            path,
            query=query,
            body=body,
            content_type=content_type,
            deadline_seconds=deadline_seconds,
            idempotent=idempotent,
            conflicts=conflicts,
        )
        try:
            document = read_json(answer)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            text = answer[:80].decode("utf-8", "replace")
            raise ClusterUnavailable(
                f"{method} {path}: the answer is no object: {text!r}", reason="UnreadableAnswer"
            )
        return cast("Document", document)

    def _text(self, path: str, query: Query) -> str:
        answer = self._transport.send(
            "GET", path, query=query, accept="*/*", deadline_seconds=DEADLINE_SECONDS
        )
        return answer.decode("utf-8", "replace")


def _log_query(
    container: str | None,
    tail_lines: int | None,
    since_time: datetime | None,
    timestamps: bool,  # noqa: FBT001 (private, mirrors the API's parameters)
    previous: bool,  # noqa: FBT001 (as above)
    limit_bytes: int | None,
) -> dict[str, str | int | bool | None]:
    return {
        "container": container,
        "tailLines": tail_lines,
        "sinceTime": format_time(since_time) if since_time else None,
        "timestamps": True if timestamps else None,
        "previous": True if previous else None,
        "limitBytes": limit_bytes,
    }
