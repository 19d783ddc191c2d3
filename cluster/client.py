"""The one client of the Kubernetes API: verbs over pooled HTTP and plain JSON, for a real server and the simulated one alike."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from cluster.connection import connect_inside_pod, connect_with_kubeconfig
from cluster.documents import Document, is_deleting, name_of, namespace_of, uid_of
from cluster.errors import AlreadyExists, ClusterError, ClusterUnavailable, Conflict, NotFound
from cluster.kinds import PODS, SERVICE_ACCOUNTS, Kind
from cluster.outcomes import was_bound, was_created, was_replaced
from cluster.reading import LIST_DEADLINE_SECONDS, ClusterReader, ListResult
from cluster.volley import Volley

__all__ = ["ClusterClient", "ListResult", "Propagation"]

Propagation = Literal["Background", "Foreground", "Orphan"]


class ClusterClient(ClusterReader):
    """Thread-safe. Each call has a deadline; errors are those of cluster/errors.py."""

    @classmethod
    def connect(
        cls, kubeconfig: Path | None, *, context: str | None = None, user_agent: str = "runai-portal"
    ) -> "ClusterClient":
        """By a kubeconfig as kubectl would, or with None by the service account of the pod we run in."""
        connection = connect_with_kubeconfig(kubeconfig, context) if kubeconfig else connect_inside_pod()
        return cls(connection, user_agent=user_agent)

    def close(self) -> None:
        self.connection.close()

    # --- writing --------------------------------------------------------------------------------------------------

    def create(
        self, kind: Kind, document: Mapping[str, Any], *, namespace: str | None = None, dry_run: bool = False
    ) -> Document:
        """The created object; raises AlreadyExists, Invalid.

        When an answer was lost it is sent again, and what stands there then counts as ours if it is what we sent. An object whose
        name the server chooses is not sent again: there would be two.
        """
        where = namespace or namespace_of(document) or None
        name = (document.get("metadata") or {}).get("name")
        query = {"dryRun": "All" if dry_run else None}
        try:
            return self._json("POST", kind.path(where), query=query, body=document, idempotent=bool(name))
        except AlreadyExists as error:
            found = self._after_loss(error, kind, str(name), where)
            if found is None or not was_created(document, found):
                raise
            return found

    def replace(self, kind: Kind, document: Mapping[str, Any], *, subresource: str | None = None) -> Document:
        """Put the whole object; raises Conflict when it was changed since it was read."""
        where = namespace_of(document) or None
        try:
            return self._json("PUT", kind.path(where, name_of(document), subresource), body=document)
        except Conflict as error:
            found = self._after_loss(error, kind, name_of(document), where)
            if found is None or not was_replaced(document, found, subresource):
                raise
            return found

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
        try:
            self._json("DELETE", kind.path(namespace, name), body=body)
        except (NotFound, Conflict) as error:
            if not error.unsure:
                raise
            # a try whose answer was lost has done it: what we meant is gone, or a namesake stands there by now

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
        body = _binding(namespace, pod, uid, node)
        try:
            self._json("POST", PODS.path(namespace, pod, "binding"), body=body, idempotent=True)
        except Conflict as error:
            found = self._after_loss(error, PODS, pod, namespace)
            if found is None or not was_bound(found, uid, node):
                raise

    def binding_request(self, namespace: str, pod: str, *, uid: str, node: str) -> bytes:
        """What `bind` sends, for a volley."""
        body = _binding(namespace, pod, uid, node)
        return self._transport.compose("POST", PODS.path(namespace, pod, "binding"), body)

    def volley(self, width: int) -> Volley | None:
        """For many requests at once; None where each has to go through the pool. Whoever asked for it closes it."""
        wire = self.connection.wire()
        return Volley(wire, width=width) if wire is not None else None

    def request_token(self, namespace: str, account: str, *, seconds: int) -> str:
        """A new bearer token of a service account that lasts so long (real time; servers refuse less than 600)."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        answer = self._json("POST", SERVICE_ACCOUNTS.path(namespace, account, "token"), body=body)
        return str(answer["status"]["token"])

    def evict(self, namespace: str, pod: str, *, uid: str, grace_seconds: int | None = None) -> None:
        """Delete this very pod unless a disruption budget keeps it (ClusterUnavailable with code 429, naming the budget).

        Raises NotFound when it is gone and Conflict when another has its name. Not sent again, since a budget's "not now" looks
        like a busy server's; an eviction whose answer was lost is looked for instead.
        """
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": namespace},
            "deleteOptions": _delete_options(uid, grace_seconds, "Background"),
        }
        try:
            self._json("POST", PODS.path(namespace, pod, "eviction"), body=body)
        except ClusterUnavailable as error:
            if error.code == 429 or not self._is_going(namespace, pod, uid):
                raise

    def _is_going(self, namespace: str, pod: str, uid: str) -> bool:
        """Whether this very pod is gone, or on its way; False also when the cluster does not say."""
        try:
            found = self.get(PODS, pod, namespace)
        except NotFound:
            return True
        except ClusterError:
            return False
        return uid_of(found) != uid or is_deleting(found)

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
            conflicts=idempotent and not _names_a_version(patch),
        )

    def _after_loss(
        self, error: ClusterError, kind: Kind, name: str, namespace: str | None
    ) -> Document | None:
        """What stands there now, if the error may be about our own earlier try; None when it is not, or cannot be read."""
        if not error.unsure:
            return None
        try:
            return self.get(kind, name, namespace)
        except ClusterError:
            return None


def _binding(namespace: str, pod: str, uid: str, node: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": pod, "namespace": namespace, "uid": uid},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }


def _names_a_version(patch: Mapping[str, Any]) -> bool:
    """Whether a conflict is what the caller wants to hear of: the object is another one, or was changed."""
    metadata = patch.get("metadata") or {}
    return "resourceVersion" in metadata or "uid" in metadata


def _delete_options(uid: str | None, grace_seconds: int | None, propagation: Propagation) -> Document:
    options: Document = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
    if uid is not None:
        options["preconditions"] = {"uid": uid}
    if grace_seconds is not None:
        options["gracePeriodSeconds"] = grace_seconds
    return options
