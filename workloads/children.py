"""Brings the children of one custom resource to what is wanted."""

from cluster import labels
from cluster.client import ClusterClient
from cluster.documents import Document, is_deleting, labels_of, name_of, namespace_of, uid_of
from cluster.errors import AlreadyExists, NotFound
from cluster.kinds import Kind
from workloads.kinds.kind import Child, WorkloadKind
from workloads.manifests import Order
from workloads.objects import Objects


def ensure_children(client: ClusterClient, kind: WorkloadKind, order: Order, found: Objects) -> str:
    """Create what is missing, adjust what differs, remove what an earlier attempt left; returns what is in the way."""
    present = {(one["kind"], name_of(one)): one for one in found.children}
    for wanted in kind.children(order):
        existing = present.get((wanted.kind.kind, name_of(wanted.document)))
        if existing is None:
            problem = _create(client, wanted)
            if problem:
                return problem
        elif labels_of(existing).get(labels.ATTEMPT, "1") != str(order.attempt):
            _remove(client, wanted.kind, existing)
        else:
            patch = None if is_deleting(existing) else kind.adjust(wanted.document, existing)
            if patch:
                client.merge_patch(wanted.kind, name_of(existing), patch, namespace=namespace_of(existing))
    return ""


def _create(client: ClusterClient, wanted: Child) -> str:
    """AlreadyExists with our id means that the watch is late; with another it is a conflict people must see."""
    try:
        client.create(wanted.kind, wanted.document)
    except AlreadyExists:
        name, namespace = name_of(wanted.document), namespace_of(wanted.document)
        existing = client.get(wanted.kind, name, namespace)
        mine = labels_of(wanted.document)[labels.WORKLOAD_ID]
        if labels_of(existing).get(labels.WORKLOAD_ID) != mine:
            return f"{wanted.kind.kind} {name} stands in {namespace} already and is not this workload's."
    return ""


def _remove(client: ClusterClient, kind: Kind, existing: Document) -> None:
    if is_deleting(existing):
        return
    try:
        client.delete(kind, name_of(existing), namespace_of(existing), uid=uid_of(existing))
    except NotFound:
        return
