"""The one client of the Kubernetes API: verbs over pooled HTTP and plain JSON, for a real server and the simulated one alike."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import quote

from cluster.connection import Connection, connect_inside_pod, connect_with_kubeconfig
from cluster.documents import Document, format_time, name_of, namespace_of
from cluster.errors import Gone
from cluster.kinds import NODES, PODS, Kind
from cluster.retries import RetryPolicy
from cluster.transport import Query, Stream, Transport
from cluster.watch_stream import WatchStream

DEADLINE_SECONDS = 30.0
LIST_DEADLINE_SECONDS = 60.0
PAGE_SIZE = 500

Propagation = Literal["Background", "Foreground", "Orphan"]


@dataclass(frozen=True)
class ListResult:
    """All objects of a collection at one moment, and the version from which a watch goes on."""

    items: list[Document]
    resource_version: str


class ClusterClient:
    """Thread-safe. Each call has a deadline; errors are those of cluster/errors.py."""

    def __init__(
        self, connection: Connection, *, user_agent: str = "runai-portal", policy: RetryPolicy | None = None
    ) -> None:
        self.connection = connection
        self._transport = Transport(connection, user_agent, policy)

    @classmethod
    def connect(
        cls, kubeconfig: Path | None, *, context: str | None = None, user_agent: str = "runai-portal"
    ) -> "ClusterClient":
        """By a kubeconfig as kubectl would, or with None by the service account of the pod we run in."""
        connection = connect_with_kubeconfig(kubeconfig, context) if kubeconfig else connect_inside_pod()
        return cls(connection, user_agent=user_agent)

    def close(self) -> None:
        self.connection.close()

    # --- reading --------------------------------------------------------------------------------------------------

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
        return WatchStream(
            self._transport.stream(kind.path(namespace), query=query, silence_seconds=timeout_seconds + 15)
        )

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

    # --- writing --------------------------------------------------------------------------------------------------

    def create(
        self, kind: Kind, document: Mapping[str, Any], *, namespace: str | None = None, dry_run: bool = False
    ) -> Document:
        """The created object; raises AlreadyExists, Invalid. Not repeated after a cut connection: it may have worked."""
        where = namespace or namespace_of(document) or None
        return self._json(
            "POST", kind.path(where), query={"dryRun": "All" if dry_run else None}, body=document
        )

    def replace(self, kind: Kind, document: Mapping[str, Any], *, subresource: str | None = None) -> Document:
        """Put the whole object; raises Conflict when it was changed since it was read."""
        path = kind.path(namespace_of(document) or None, name_of(document), subresource)
        return self._json("PUT", path, body=document)

    def merge_patch(
        self,
        kind: Kind,
        name: str,
        patch: Mapping[str, Any],
        *,
        namespace: str | None = None,
        subresource: str | None = None,
    ) -> Document:
        """RFC 7396: what is named is set, null removes, lists are replaced whole."""
        return self._patch("merge-patch+json", kind, name, patch, namespace, subresource)

    def strategic_patch(
        self,
        kind: Kind,
        name: str,
        patch: Mapping[str, Any],
        *,
        namespace: str | None = None,
        subresource: str | None = None,
    ) -> Document:
        """Like a merge patch, but lists of built-in kinds are merged by key (conditions by type, containers by name)."""
        return self._patch("strategic-merge-patch+json", kind, name, patch, namespace, subresource)

    def json_patch(
        self,
        kind: Kind,
        name: str,
        patch: Sequence[Mapping[str, Any]],
        *,
        namespace: str | None = None,
        subresource: str | None = None,
    ) -> Document:
        """RFC 6902: a list of operations, `test` among them; not repeated after a cut connection."""
        return self._patch("json-patch+json", kind, name, patch, namespace, subresource, idempotent=False)

    def apply(
        self,
        kind: Kind,
        document: Mapping[str, Any],
        *,
        field_manager: str,
        force: bool = False,
        subresource: str | None = None,
    ) -> Document:
        """Server-side apply: we own what we name; raises Conflict naming the owner of a field that differs."""
        body = {"apiVersion": kind.api_version, "kind": kind.kind, **document}
        path = kind.path(namespace_of(document) or None, name_of(document), subresource)
        return self._json(
            "PATCH",
            path,
            query={"fieldManager": field_manager, "force": True if force else None},
            body=body,
            content_type="application/apply-patch+yaml",
        )

    def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
        propagation: Propagation = "Background",
    ) -> None:
        """Delete it; with `uid` only that very object (Conflict for a namesake). Raises NotFound."""
        body = _delete_options(uid, grace_seconds, propagation)
        self._json("DELETE", kind.path(namespace, name), body=body)

    def delete_collection(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        propagation: Propagation = "Background",
    ) -> None:
        """Delete everything the selectors name (all of the collection without any)."""
        self._transport.send(
            "DELETE",
            kind.path(namespace),
            query={"labelSelector": label_selector, "fieldSelector": field_selector},
            body=_delete_options(None, None, propagation),
            deadline_seconds=LIST_DEADLINE_SECONDS,
        )

    def bind(self, namespace: str, pod: str, *, uid: str, node: str) -> None:
        """Give a pod its node; raises Conflict when it has one already or is another pod of that name."""
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod, "namespace": namespace, "uid": uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        self._json("POST", PODS.path(namespace, pod, "binding"), body=body)

    # --- below the verbs ------------------------------------------------------------------------------------------

    def _patch(
        self,
        media_type: str,
        kind: Kind,
        name: str,
        patch: Any,
        namespace: str | None,
        subresource: str | None,
        *,
        idempotent: bool = True,
    ) -> Document:
        return self._json(
            "PATCH",
            kind.path(namespace, name, subresource),
            body=patch,
            content_type=f"application/{media_type}",
            idempotent=idempotent,
        )

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
    ) -> Document:
        answer = self._transport.send(
            method,
            path,
            query=query,
            body=body,
            content_type=content_type,
            deadline_seconds=deadline_seconds,
            idempotent=idempotent,
        )
        return cast("Document", json.loads(answer))

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


def _delete_options(uid: str | None, grace_seconds: int | None, propagation: Propagation) -> Document:
    options: Document = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
    if uid is not None:
        options["preconditions"] = {"uid": uid}
    if grace_seconds is not None:
        options["gracePeriodSeconds"] = grace_seconds
    return options
