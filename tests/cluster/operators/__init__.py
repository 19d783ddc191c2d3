"""Stand-ins for operators of other projects: each makes of its objects what the real one makes, with the same names, labels and owners."""

import contextlib
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Self

from cluster.client import ClusterClient
from cluster.documents import Document, condition_of, format_time, namespace_of, owner_reference
from cluster.errors import AlreadyExists, ClusterError, NotFound
from cluster.kinds import CRDS, GROUP_OWNERS, PODS, Kind
from tests.cluster.waiting import eventually


def kind_of(name: str, version: str = "") -> Kind:
    """The one of that name; the version where there are several."""
    return next(kind for kind in GROUP_OWNERS if kind.kind == name and kind.version.startswith(version))


def install(client: ClusterClient, kind: Kind, *columns: tuple[str, str], scale: bool = False) -> None:
    """The bare definition, with status, printer columns (title, path) and on demand the number of replicas as a subresource."""
    try:
        client.create(CRDS, definition(kind, *columns, scale=scale))
    except AlreadyExists:
        return

    def is_served() -> bool:
        try:
            client.list(kind)
        except NotFound:
            return False
        return True

    assert eventually(is_served)


def definition(kind: Kind, *columns: tuple[str, str], scale: bool = False) -> Document:
    """No schema of its fields: they are the operator's business."""
    paths = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    shown = [{"name": name, "type": "string", "jsonPath": path} for name, path in columns]
    age = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}, **({"scale": paths} if scale else {})},
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        "additionalPrinterColumns": [*shown, age],
    }
    names = {
        "kind": kind.kind,
        "listKind": f"{kind.kind}List",
        "plural": kind.plural,
        "singular": kind.kind.lower(),
    }
    return {
        "apiVersion": CRDS.api_version,
        "kind": CRDS.kind,
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {"group": kind.group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


class Operator:
    """A thread that looks at every object of its kind in a namespace a few times a second; a context manager."""

    kind: Kind

    def __init__(self, client: ClusterClient, namespace: str) -> None:
        self.client, self.namespace = client, namespace
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{self.kind.kind}-operator", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def reconcile(self, owner: Document) -> None:
        raise NotImplementedError

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            try:
                owners = self.client.list(self.kind, self.namespace).items
            except ClusterError:
                continue  # not there for a moment
            for owner in owners:
                with contextlib.suppress(ClusterError):  # the next look repairs it
                    self.reconcile(owner)

    def make(self, kind: Kind, document: Document) -> None:
        with contextlib.suppress(AlreadyExists):
            self.client.create(kind, document)

    def remove(self, kind: Kind, name: str, **how: Any) -> None:
        with contextlib.suppress(NotFound):
            self.client.delete(kind, name, self.namespace, **how)

    def found(self, kind: Kind, selector: str) -> list[Document]:
        return self.client.list(kind, self.namespace, label_selector=selector).items

    def tell(self, owner: Document, status: dict[str, Any]) -> None:
        if status != owner.get("status"):
            self.client.replace(self.kind, {**owner, "status": status}, subresource="status")


def child(owner: Document, kind: Kind, name: str, labels: dict[str, str], **fields: Any) -> Document:
    """An object that the owner controls and that goes with it."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": name,
            "namespace": namespace_of(owner),
            "labels": labels,
            "ownerReferences": [owner_reference(owner)],
        },
        **fields,
    }


def pod_of(owner: Document, name: str, template: Document, labels: dict[str, str]) -> Document:
    """What the template says, with the labels that the operator adds."""
    metadata = template.get("metadata") or {}
    pod = child(owner, PODS, name, {**metadata.get("labels", {}), **labels}, spec=template["spec"])
    pod["metadata"]["annotations"] = dict(metadata.get("annotations") or {})
    return pod


def reached(conditions: list[Any] | None, kinds: Iterable[str], reason: str) -> list[Any]:
    """With each of the conditions that was not there before."""
    found = list(conditions or [])
    for kind in kinds:
        if condition_of({"status": {"conditions": found}}, kind) is None:
            told = {"type": kind, "status": "True", "reason": f"{reason}{kind}"}
            found.append({**told, "lastTransitionTime": format_time(datetime.now(UTC))})
    return found
