"""Writes a workload's custom resource: what its people want goes into the cluster, at least once, with names that make twice harmless."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from cluster import clock, labels
from cluster.documents import Document, labels_of, name_of, uid_of
from cluster.errors import AlreadyExists, ClusterError, ClusterUnavailable, Conflict, Invalid, NotFound
from organization.connections import client_of
from ui import live
from workloads import history
from workloads.custom_resources import Identity, attempt_of, is_suspended, to_custom_resource
from workloads.kinds import KINDS
from workloads.models import DesiredPhase, Workload
from workloads.phases import Phase
from workloads.spec import WorkloadSpec

log = structlog.get_logger(__name__)
CLAIM_SECONDS = 60
"""A worker that dies in the middle of a sending is followed by another one after this time."""
LONGEST_PAUSE_SECONDS = 60
OBJECTS_AT_MOST = 20
WISHES_AT_ONCE = 5
"""Wishes that came while one was being sent are sent in the same go."""


class NameInUse(Exception):
    """An object of that name stands in the namespace and is not this workload's."""


def send_wish(workload_id: str) -> None:
    """Bring the cluster to what is wanted. Claimed by compare-and-set: two workers do not send the same wish at once."""
    for _ in range(WISHES_AT_ONCE):
        workload = rows().filter(pk=workload_id).first()
        if workload is None or workload.is_sent or not _claim(workload):
            return
        try:
            _send(workload)
        except (Invalid, NameInUse) as error:
            _give_up(workload, error)
        except ClusterError as error:
            _try_later(workload, error)
            return


def rows() -> QuerySet[Workload]:
    """Rows with everything the custom resource tells about them."""
    return Workload.objects.select_related("project", "cluster")


def identity_of_row(workload: Workload) -> Identity:
    """Reads the project, its department and the cluster: select them."""
    return Identity(
        workload_id=str(workload.pk),
        name=workload.name,
        namespace=workload.project.namespace,
        project=workload.project.name,
        project_id=str(workload.project_id),
        department_id=str(workload.project.department_id),
        tenant_id=str(workload.cluster.tenant_id),
        cluster_id=str(workload.cluster_id),
        submitted_by=workload.submitted_by,
        created=workload.created_at,
    )


def custom_resource(workload: Workload) -> Document:
    """What the cluster is to hold for this row."""
    kind = KINDS[workload.kind]
    spec = WorkloadSpec.from_json(workload.name, workload.spec, kind)
    stopped = workload.desired_phase == DesiredPhase.STOPPED
    return to_custom_resource(
        spec, identity_of_row(workload), kind, suspend=stopped, attempt=workload.attempt
    )


def read_objects(workload_id: str) -> dict[str, Any]:
    """The custom resource and its children, for the page that shows them as YAML."""
    workload = Workload.objects.select_related("project", "cluster").get(pk=workload_id)
    kind, namespace = KINDS[workload.kind], workload.project.namespace
    client = client_of(workload.cluster)
    selector = f"{labels.WORKLOAD_ID}={workload.pk}"
    try:
        found = [
            document
            for one in (kind.resource, *kind.child_kinds)
            for document in client.list(one, namespace, label_selector=selector).items[:OBJECTS_AT_MOST]
        ]
    except ClusterError as error:
        return {"objects": [], "error": error.message}
    return {"objects": found, "error": ""}


def _claim(workload: Workload) -> bool:
    now = timezone.now()
    return (
        Workload.objects.filter(
            pk=workload.pk, wish=workload.wish, attempts=workload.attempts, next_attempt_at__lte=now
        ).update(attempts=F("attempts") + 1, next_attempt_at=now + timedelta(seconds=CLAIM_SECONDS))
        == 1
    )


def _send(workload: Workload) -> None:
    if workload.desired_phase == DesiredPhase.DELETED:
        _remove(workload)
        _sent(workload)
        return
    wanted = custom_resource(workload)
    found = _create_or_read(workload, wanted)
    if is_suspended(found) != is_suspended(wanted) or attempt_of(found) != attempt_of(wanted):
        change = {"spec": {name: wanted["spec"][name] for name in ("suspend", "attempt")}}
        note = {"metadata": {"annotations": {labels.SUSPENDED_BY: workload.stopped_by or None}}}
        found = client_of(workload.cluster).merge_patch(
            KINDS[workload.kind].resource, workload.name, change | note, namespace=workload.project.namespace
        )
    _sent(workload, cr_uid=uid_of(found), cr_generation=int(found["metadata"].get("generation") or 0))


def _create_or_read(workload: Workload, wanted: Document) -> Document:
    client, kind = client_of(workload.cluster), KINDS[workload.kind].resource
    namespace = workload.project.namespace
    if workload.cr_uid:
        return client.get(kind, workload.name, namespace)
    try:
        return client.create(kind, wanted, namespace=namespace)
    except AlreadyExists:
        found = client.get(kind, workload.name, namespace)
        if _is_of(found, workload):
            return found
        raise NameInUse(
            f"{kind.kind} {name_of(found)} stands in {namespace} already and belongs to another workload."
        ) from None


def _remove(workload: Workload) -> None:
    client, kind = client_of(workload.cluster), KINDS[workload.kind].resource
    namespace = workload.project.namespace
    try:
        found = client.get(kind, workload.name, namespace)
        if _is_of(found, workload):
            client.delete(kind, workload.name, namespace, uid=uid_of(found), propagation="Background")
    except (NotFound, Conflict):
        return  # gone, or another one of that name by now


def _is_of(resource: Mapping[str, Any], workload: Workload) -> bool:
    return labels_of(resource).get(labels.WORKLOAD_ID) == str(workload.pk)


def _sent(workload: Workload, **fields: Any) -> None:
    """The row knows that the cluster knows; a wish that came meanwhile stays unsent."""
    Workload.objects.filter(pk=workload.pk).update(
        sent_wish=workload.wish, attempts=0, last_error="", next_attempt_at=timezone.now(), **fields
    )
    live.publish("workloads", workload.pk)


def _try_later(workload: Workload, error: ClusterError) -> None:
    """Never lost: the pause doubles up to a minute, and the page says what is in the way."""
    attempt = workload.attempts + 1
    pause = min(LONGEST_PAUSE_SECONDS, 2 ** min(attempt, 10))
    if isinstance(error, NotFound) and workload.cr_uid:
        # its custom resource was deleted in the cluster, which is the truth: nothing is left to stop or to run
        _sent(workload)
        return
    text = (
        f"{workload.cluster.name} does not answer"
        if isinstance(error, ClusterUnavailable)
        else "Not accepted yet"
    )
    Workload.objects.filter(pk=workload.pk).update(
        next_attempt_at=timezone.now() + timedelta(seconds=pause),
        last_error=f"{text}: {error.message}"[:1000],
    )
    log.warning("wish not sent", workload=str(workload.pk), attempt=attempt, error=error.message)
    live.publish("workloads", workload.pk)


@transaction.atomic
def _give_up(workload: Workload, error: Exception) -> None:
    """The cluster refuses for good: the workload has failed, and says why."""
    message = str(error)[:1000]
    history.move(
        Workload.objects.select_for_update().get(pk=workload.pk),
        [(Phase.FAILED, "NameInUse" if isinstance(error, NameInUse) else "Refused", clock.now())],
        message=message,
    )
    Workload.objects.filter(pk=workload.pk).update(
        sent_wish=workload.wish, attempts=0, last_error=message, completed_at=clock.now()
    )
