"""Writes: one function for each thing a person can do with a workload."""

import secrets
import uuid
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from access import audit
from access.checks import require
from access.errors import InvalidInput, NameTaken
from access.permissions import Permission
from cluster import clock
from organization.models import Project, ProjectPhase
from ui import live
from workloads import history
from workloads.errors import NotPossibleNow
from workloads.kinds import KINDS
from workloads.models import DesiredPhase, Source, Workload
from workloads.phases import OVER, Phase
from workloads.spec import WorkloadSpec
from workloads.tasks import send_wish

ENTITY = "workload"
PREFIX_AT_MOST = 57
"""63 characters of a name, less a hyphen and five random ones."""


@transaction.atomic
def submit_workload(
    *,
    submitter: User,
    project: Project,
    spec: WorkloadSpec,
    source: str = Source.UI,
    name_is_prefix: bool = False,
    idempotency_key: str | None = None,
    dry_run: bool = False,
) -> Workload:
    """Accept a workload; a worker sends it to the cluster once the row is safely committed.

    The same idempotency key of the same person gives the first workload again. A dry run checks everything and keeps nothing.
    Raises NotAllowed, InvalidInput (unknown pools, project not ready), NameTaken.
    """
    require(submitter, Permission.SUBMIT_WORKLOADS, on=project.scope)
    earlier = _submitted_before(submitter, idempotency_key)
    if earlier is not None:
        return earlier
    _check_project(project, spec)
    name = (
        f"{spec.name[:PREFIX_AT_MOST].rstrip('-')}-{secrets.token_hex(3)[:5]}"
        if name_is_prefix
        else spec.name
    )
    if Workload.objects.filter(project=project, name=name, deleted_at__isnull=True).exists():
        raise NameTaken({"name": [f"{project.name} has a workload {name} already; choose another name."]})
    workload = _row(submitter, project, spec, name=name, source=source, idempotency_key=idempotency_key)
    if dry_run:
        return workload
    try:
        with transaction.atomic():
            workload.save(force_insert=True)
    except IntegrityError as error:
        raise NameTaken({"name": [f"{project.name} has a workload {name} already."]}) from error
    history.begin(workload)
    history.tell(
        workload,
        "Submitted",
        f"By {workload.submitted_by} ({workload.get_source_display()}).",
        at=workload.created_at,
    )
    _audit(submitter, "Create", workload, after=workload.spec)
    _send_when_committed(workload)
    return workload


@transaction.atomic
def adopt_workload(
    *,
    project: Project,
    spec: WorkloadSpec,
    workload_id: uuid.UUID,
    made_by: str,
    cr_uid: str,
    suspended: bool,
) -> Workload:
    """Accept what someone made in the cluster itself; whether they might was the API server's to say. The same id twice is one row.

    Raises InvalidInput (unknown pools, project not ready), NameTaken.
    """
    earlier = Workload.objects.filter(pk=workload_id).first()
    if earlier is not None:
        return earlier
    _check_project(project, spec)
    if Workload.objects.filter(project=project, name=spec.name, deleted_at__isnull=True).exists():
        raise NameTaken({"name": [f"{project.name} has a workload {spec.name} already."]})
    workload = _row(None, project, spec, name=spec.name, source=Source.KUBERNETES, idempotency_key=None)
    workload.pk, workload.submitted_by, workload.cr_uid = workload_id, made_by, cr_uid
    workload.desired_phase = DesiredPhase.STOPPED if suspended else DesiredPhase.RUNNING
    workload.sent_wish = workload.wish
    workload.message = "Made in the cluster."
    workload.save(force_insert=True)
    history.begin(workload)
    history.tell(
        workload, "Submitted", f"By {made_by} ({workload.get_source_display()}).", at=workload.created_at
    )
    _audit(None, "Create", workload, after=workload.spec)
    transaction.on_commit(lambda: live.publish("workloads", str(workload_id)))
    return workload


@transaction.atomic
def stop_workload(*, person: User, workload: Workload) -> Workload:
    """Its pods go, its spec stays; raises NotPossibleNow for one that is over, stopped or being deleted."""
    require(person, Permission.EDIT_WORKLOADS, on=workload.project.scope)
    workload = _locked(workload)
    if workload.desired_phase != DesiredPhase.RUNNING or workload.phase in OVER:
        raise NotPossibleNow(f"{workload.name} is {workload.phase}: there is nothing to stop.")
    workload.desired_phase, workload.stopped_by = DesiredPhase.STOPPED, person.get_username()
    return _wish(person, "Stop", workload, Phase.SUSPENDING, f"Stopped by {workload.stopped_by}.")


@transaction.atomic
def run_workload(*, person: User, workload: Workload) -> Workload:
    """Run a stopped workload, or one that is over from its start again; the present quota counts."""
    require(person, Permission.EDIT_WORKLOADS, on=workload.project.scope)
    workload = _locked(workload)
    over = workload.phase in OVER
    if workload.desired_phase == DesiredPhase.DELETED or not (
        over or workload.desired_phase == DesiredPhase.STOPPED
    ):
        raise NotPossibleNow(
            f"{workload.name} is {workload.phase}; only stopped or finished work can be run again."
        )
    workload.desired_phase, workload.stopped_by = DesiredPhase.RUNNING, ""
    if over:
        workload.attempt += 1
        workload.completed_at = None
    words = f"Run again by {person.get_username()}" + (f", attempt {workload.attempt}." if over else ".")
    return _wish(person, "Run", workload, Phase.RESUMING, words)


@transaction.atomic
def delete_workload(*, person: User | None, workload: Workload, why: str = "") -> Workload:
    """Everything of it goes from the cluster; the row stays in the list of the deleted for some days.

    `person` None is the product itself (auto-deletion); asking twice is harmless.
    """
    if person is not None:
        require(person, Permission.DELETE_WORKLOADS, on=workload.project.scope)
    workload = _locked(workload)
    if workload.desired_phase == DesiredPhase.DELETED:
        return workload
    workload.desired_phase = DesiredPhase.DELETED
    words = why or f"Delete asked by {person.get_username() if person else 'the portal'}."
    return _wish(person, "Delete", workload, Phase.DELETING, words)


def copied_spec(workload: Workload) -> dict[str, Any]:
    """What a form starts from to submit a similar workload: the spec, and a name that is free."""
    return {"name": free_name(workload.project, workload.name), "spec": workload.spec}


def free_name(project: Project, wanted: str) -> str:
    """`wanted`, or the first of wanted-2, wanted-3, … that no living workload of the project has."""
    stem = wanted[: PREFIX_AT_MOST - 3].rstrip("-")
    taken = set(
        Workload.objects.filter(project=project, deleted_at__isnull=True, name__startswith=stem).values_list(
            "name", flat=True
        )
    )
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


def _submitted_before(submitter: User, key: str | None) -> Workload | None:
    return Workload.objects.filter(submitter=submitter, idempotency_key=key).first() if key else None


def _check_project(project: Project, spec: WorkloadSpec) -> None:
    if project.phase == ProjectPhase.DELETING:
        raise InvalidInput({"projectId": [f"{project.name} is being deleted."]})
    known = set(project.cluster.node_pools.values_list("name", flat=True))
    unknown = [name for name in spec.node_pools if name not in known]
    if unknown:
        have = ", ".join(sorted(known))
        raise InvalidInput(
            {"nodePools": [f"{project.cluster.name} has no pool {', '.join(unknown)}; it has {have}."]}
        )


def _row(
    submitter: User | None,
    project: Project,
    spec: WorkloadSpec,
    *,
    name: str,
    source: str,
    idempotency_key: str | None,
) -> Workload:
    now, resources = clock.now(), spec.resources
    pods = KINDS[spec.kind].pods_at_once(spec)
    pools = list(spec.node_pools or project.default_node_pools or ["default"])
    return Workload(
        project=project,
        cluster=project.cluster,
        name=name,
        kind=spec.kind,
        spec={**spec.to_json(), "nodePools": pools},
        submitter=submitter,
        submitted_by=submitter.get_username() if submitter else "",
        source=source,
        priority_class=spec.priority_class,
        preemptibility=spec.preemptibility.value,
        node_pools=pools,
        image=spec.image,
        phase=Phase.CREATING,
        message="Waiting to be sent to the cluster.",
        phase_since=now,
        created_at=now,
        updated_at=now,
        requested_pods=pods,
        requested_gpu_milli=pods * resources.gpu.milli,
        requested_cpu_milli=pods * resources.cpu_milli,
        requested_memory_bytes=pods * resources.memory_bytes,
        idempotency_key=idempotency_key,
    )


def _locked(workload: Workload) -> Workload:
    return (
        Workload.objects.select_for_update(of=("self",))
        .select_related("project", "cluster")
        .get(pk=workload.pk)
    )


def _wish(person: User | None, action: str, workload: Workload, phase: Phase, words: str) -> Workload:
    """Write what is wanted now, show the phase that leads there, and send it."""
    before = {"phase": workload.phase}
    workload.wish += 1
    workload.save(
        update_fields=["desired_phase", "stopped_by", "attempt", "completed_at", "wish"],
    )
    history.move(workload, [(phase, "", max(clock.now(), workload.phase_since))], message=words)
    _audit(person, action, workload, before=before, after={"desiredPhase": workload.desired_phase})
    _send_when_committed(workload)
    return workload


def _audit(person: User | None, action: str, workload: Workload, **values: Any) -> None:
    audit.record(
        person,
        action,
        entity_type=ENTITY,
        entity_id=workload.pk,
        entity_name=workload.name,
        scope=workload.project.scope,
        **values,
    )


def _send_when_committed(workload: Workload) -> None:
    workload_id = str(workload.pk)
    live.publish("workloads", workload_id)
    transaction.on_commit(lambda: send_soon(workload_id))


def send_soon(workload_id: str) -> None:
    """Hand the wish to a worker; when the broker is away the periodic sending finds it."""
    try:
        send_wish.apply_async((workload_id,), queue="cluster", retry=False)
    except send_wish.OperationalError:  # kombu's: no connection to the broker
        return
