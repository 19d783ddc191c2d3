"""Custom resources that people made with kubectl: taken in as submissions, or told in their status why not."""

import uuid
from typing import Any

import structlog

from access.errors import InvalidInput
from cluster import labels
from cluster.client import ClusterClient
from cluster.documents import Document, annotations_of, is_deleting, labels_of, name_of, namespace_of, uid_of
from cluster.errors import NotFound
from organization.models import Project
from workloads.custom_resources import is_suspended, spec_of
from workloads.kinds.kind import WorkloadKind
from workloads.launcher import identity_of_row
from workloads.models import Workload
from workloads.services import adopt_workload

log = structlog.get_logger(__name__)
NOT_OURS_YET = f"!{labels.WORKLOAD_ID}"
"""Selects what no submission has made."""
MADE_BY = "kubectl"
"""Where the resource does not say who made it."""
_IDS = uuid.UUID("6f1cf7a4-8d0c-5b57-9d3a-6f0c0d9f7f10")


def adopt(cluster_id: str, client: ClusterClient, kind: WorkloadKind, namespace: str, name: str) -> None:
    """Row first, then the labels that tie the resource to it; a crash in between is made good by doing the same again."""
    try:
        resource = client.get(kind.resource, name, namespace)
    except NotFound:
        return
    if is_deleting(resource) or labels_of(resource).get(labels.WORKLOAD_ID):
        return
    try:
        workload = _accept(cluster_id, kind, resource)
    except InvalidInput as error:
        _refuse(client, kind, resource, error)
        return
    identity = identity_of_row(workload)
    change: dict[str, Any] = {
        "metadata": {"labels": identity.labels(kind.key), "annotations": identity.annotations()},
        "spec": {"nodePools": {"value": workload.node_pools}},
    }
    client.merge_patch(kind.resource, name, change, namespace=namespace)
    log.info("adopted", workload=str(workload.pk), name=name, namespace=namespace)


def _accept(cluster_id: str, kind: WorkloadKind, resource: Document) -> Workload:
    namespace = namespace_of(resource)
    found = Project.objects.select_related("cluster", "department").filter(
        cluster_id=cluster_id, namespace=namespace
    )
    project = found.first()
    if project is None:
        raise InvalidInput({"metadata.namespace": [f"The namespace {namespace} belongs to no project."]})
    return adopt_workload(
        project=project,
        spec=spec_of(resource, kind),
        workload_id=uuid.uuid5(_IDS, uid_of(resource)),
        made_by=annotations_of(resource).get(labels.SUBMITTED_BY) or MADE_BY,
        cr_uid=uid_of(resource),
        suspended=is_suspended(resource),
    )


def _refuse(client: ClusterClient, kind: WorkloadKind, resource: Document, error: InvalidInput) -> None:
    """Written only when it says something new: its echo in the watch then ends here."""
    status = {"phase": "Failed", "reason": type(error).__name__, "message": str(error)[:1000]}
    before = resource.get("status") or {}
    if all(before.get(field) == value for field, value in status.items()):
        return
    client.merge_patch(
        kind.resource,
        name_of(resource),
        {"status": status},
        namespace=namespace_of(resource),
        subresource="status",
    )
