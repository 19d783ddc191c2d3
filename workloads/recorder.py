"""Writes what the cluster holds of a workload into its rows. Level-triggered: the same state again changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from cluster import clock, labels
from cluster.documents import annotations_of, condition_of, is_deleting, labels_of
from organization.models import Node
from ui import live
from workloads import history
from workloads.custom_resources import attempt_of, is_suspended
from workloads.kinds import KINDS
from workloads.manifests import Order
from workloads.models import DesiredPhase, EventKind, Workload, WorkloadPod
from workloads.objects import Objects
from workloads.phases import OVER, WAITING, Phase, Status, path_to
from workloads.pod_states import PodState

COPIED = (
    "phase",
    "reason",
    "message",
    "node",
    "pool",
    "image",
    "ready",
    "holds",
    "gpu_milli",
    "attempt",
    "restarts",
    "exit_code",
)


@dataclass
class Recorded:
    """What came of it: the row as saved, its status, and the pods whose logs are to be kept now."""

    workload: Workload
    status: Status
    pods_to_keep: list[int] = field(default_factory=list)


@transaction.atomic
def record(workload_id: str, objects: Objects, order: Order | None, problem: str = "") -> Recorded | None:
    """`order` is what the custom resource asks for, None when it is gone or cannot be read; `problem` is what keeps the
    controller from making its children. None for an unknown workload.
    """
    workload = Workload.objects.select_for_update().filter(pk=workload_id).first()
    if workload is None:
        return None
    states = [PodState.read(pod) for pod in objects.pods]
    recorded = Recorded(workload, Status(Phase(workload.phase), workload.reason, workload.message))
    recorded.pods_to_keep = _record_pods(workload, states)
    if objects.resource is not None:
        _follow_resource(workload, objects.resource)
    if workload.deleted_at is not None:
        return recorded
    status = status_of(workload, objects, order, states)
    if problem and status.phase in WAITING:
        status = Status(Phase.PENDING, "Refused", problem)
    recorded.status = status
    _record_status(workload, status)  # before the sums: a span that ends tells what was held in it
    _record_sums(workload, states)
    if status.phase is Phase.DELETING and objects.is_empty and workload.is_sent:
        _bury(workload)
    return recorded


def status_of(
    workload: Workload, objects: Objects, order: Order | None, states: Sequence[PodState]
) -> Status:
    """What is to be said, from what is wanted and what is there."""
    kind = KINDS[workload.kind]
    left = sum(1 for pod in states if not pod.is_finished)
    resource = objects.resource
    if workload.desired_phase == DesiredPhase.DELETED or (resource is not None and is_deleting(resource)):
        message = f"{left} pods left." if left else workload.message
        return Status(Phase.DELETING, message=message)
    if resource is None or order is None or not workload.is_sent or is_stale(workload, resource):
        return Status(Phase(workload.phase), workload.reason, workload.message, workload.phase_since)
    current = [child for child in objects.children if _attempt_of(child) == order.attempt]
    over = bool(current) and all(kind.is_over(child) for child in current)
    if workload.desired_phase == DesiredPhase.STOPPED and not over:
        return _stopping(workload, left)
    if objects.children and not current:
        return Status(Phase.RESUMING, message="The pods of the earlier attempt are being removed.")
    observed = kind.observe(order, current, [pod for pod in states if pod.attempt == order.attempt])
    return _before_pods(workload, resource, observed)


def _stopping(workload: Workload, left: int) -> Status:
    by = f"Stopped by {workload.stopped_by}." if workload.stopped_by else "Stopped in the cluster."
    if left:
        return Status(Phase.SUSPENDING, message=f"{left} {'pod' if left == 1 else 'pods'} left.")
    return Status(Phase.STOPPED, message=by)


def _before_pods(workload: Workload, resource: Mapping[str, Any], observed: Status) -> Status:
    """Until pods exist it is still Creating (or Resuming), and the custom resource may say why nothing goes on."""
    if observed.reason != "NoPods" and observed.phase is not Phase.CREATING:
        return observed
    told = condition_of(resource, "Scheduled")
    if told is not None and told.get("status") == "False":
        return Status(Phase.PENDING, str(told.get("reason") or ""), str(told.get("message") or ""))
    again = workload.phase in (Phase.RESUMING, Phase.SUSPENDING, Phase.STOPPED) or workload.attempt > 1
    if workload.phase in (Phase.CREATING, Phase.RESUMING, Phase.SUSPENDING, Phase.STOPPED, *OVER):
        return Status(Phase.RESUMING if again else Phase.CREATING, message=observed.message)
    return observed


def is_stale(workload: Workload, resource: Mapping[str, Any]) -> bool:
    """Whether the watch has not yet brought what was last written."""
    return int(resource["metadata"].get("generation") or 0) < workload.cr_generation


def _attempt_of(child: Mapping[str, Any]) -> int:
    text = labels_of(child).get(labels.ATTEMPT, "1")
    return int(text) if text.isdecimal() else 1


def _follow_resource(workload: Workload, resource: Mapping[str, Any]) -> None:
    """Once the cluster knows our wish, a change made there is a wish of its own, and the row follows."""
    if not workload.is_sent or workload.desired_phase == DesiredPhase.DELETED or is_stale(workload, resource):
        return
    wanted = DesiredPhase.STOPPED if is_suspended(resource) else DesiredPhase.RUNNING
    attempt = attempt_of(resource)
    if (wanted, attempt) == (workload.desired_phase, workload.attempt):
        return
    workload.desired_phase, workload.attempt = wanted, attempt
    workload.stopped_by = (
        annotations_of(resource).get(labels.SUSPENDED_BY, "")[:254] if wanted == DesiredPhase.STOPPED else ""
    )
    workload.save(update_fields=["desired_phase", "attempt", "stopped_by"])


def _record_pods(workload: Workload, states: Sequence[PodState]) -> list[int]:
    """Bring the pod rows to what the cluster has; returns the rows whose logs are to be kept now."""
    now = clock.now()
    rows = {row.uid: row for row in workload.pods.all()}
    pools = _pools_of_nodes(workload, {state.node for state in states if state.node and not state.pool})
    keep = []
    for state in states:
        row = rows.pop(state.uid, None)
        fresh = {
            **{name: getattr(state, name) for name in COPIED},
            "pool": state.pool or pools.get(state.node, ""),
            "phase": "Terminating" if state.deleting and not state.is_finished else state.phase,
            "scheduled_at": state.scheduled,
            "started_at": state.started,
            "finished_at": state.finished,
        }
        if row is None:
            row = WorkloadPod(
                workload=workload, uid=state.uid, name=state.name, created_at=state.created or now
            )
        elif all(getattr(row, name) == value for name, value in fresh.items()) and row.gone_at is None:
            if state.is_finished and not row.log_kept:
                keep.append(row.pk)
            continue
        for name, value in fresh.items():
            setattr(row, name, value)
        row.gone_at = None
        row.save()
        if (state.is_finished or state.deleting) and not row.log_kept:
            keep.append(row.pk)
    for row in rows.values():
        if row.gone_at is None:
            row.gone_at, row.holds, row.ready = now, False, False
            if row.phase not in ("Succeeded", "Failed"):
                row.phase = "Deleted"
                row.finished_at = row.finished_at or now
            row.save()
    return keep


def _pools_of_nodes(workload: Workload, nodes: set[str]) -> dict[str, str]:
    """The pools of nodes, for pods that may go to several pools and so carry no pool label."""
    if not nodes:
        return {}
    found = Node.objects.filter(cluster_id=workload.cluster_id, name__in=nodes, pool__isnull=False)
    return dict(found.values_list("name", "pool__name"))


def _record_sums(workload: Workload, states: Sequence[PodState]) -> None:
    """What its pods hold now."""
    holding = [state for state in states if state.holds]
    active = [state for state in states if not state.is_finished]
    pool = workload.pods.filter(holds=True).exclude(pool="").values_list("pool", flat=True).first()
    fresh: dict[str, Any] = {
        "allocated_gpu_milli": sum(state.gpu_milli for state in holding),
        "allocated_cpu_milli": sum(state.cpu_milli for state in holding),
        "allocated_memory_bytes": sum(state.memory_bytes for state in holding),
        "running_pods": sum(1 for state in active if state.ready),
        "current_pool": pool or _pool_without_pods(workload),
    }
    interruption = _last_interruption(states)
    is_new = _moment_of(interruption) > _moment_of(workload.interruption)
    if is_new:
        fresh["interruption"] = interruption
    elif workload.phase == Phase.RUNNING and workload.lost_place and not interruption:
        fresh["interruption"] = {**workload.lost_place, "over": True}  # the history keeps the rest
    if all(getattr(workload, name) == value for name, value in fresh.items()):
        return
    if is_new:
        sentence = str(interruption.get("message") or "Its pods were taken back.")
        history.tell(workload, "Interrupted", sentence, kind=EventKind.WARNING, source="runai-scheduler")
    for name, value in fresh.items():
        setattr(workload, name, value)
    workload.updated_at = clock.now()
    workload.save(update_fields=[*fresh, "updated_at"])
    live.publish("workloads", workload.pk)


def _last_interruption(states: Sequence[PodState]) -> dict[str, Any]:
    """What the pod that was taken back last was told, with its name; empty when none was.

    The reason is written before the eviction, and off again where a disruption budget keeps the pod: it counts once the pod goes.
    """
    told = [
        {**state.eviction, "pod": state.name}
        for state in states
        if state.eviction and (state.deleting or state.is_finished)
    ]
    return max(told, key=_moment_of, default={})


def _moment_of(interruption: Mapping[str, Any] | None) -> str:
    """As the scheduler wrote it; the pods of one decision have one moment."""
    return str((interruption or {}).get("at") or "")


def _pool_without_pods(workload: Workload) -> str:
    """What is over stays where it ran; what waits is where it must go, if there is only one such pool."""
    if workload.phase in OVER and workload.current_pool:
        return workload.current_pool
    return str(workload.node_pools[0]) if len(workload.node_pools) == 1 else ""


def _record_status(workload: Workload, status: Status) -> None:
    refusal = dict(status.refusal) if status.refusal and status.phase in (*WAITING, Phase.DEGRADED) else None
    extra: dict[str, Any] = {}
    if refusal != workload.refusal:
        extra["refusal"] = refusal
    if status.phase in OVER and workload.completed_at is None:
        extra["completed_at"] = max(status.since or clock.now(), workload.created_at)
    for name, value in extra.items():
        setattr(workload, name, value)
    if extra:
        workload.save(update_fields=list(extra))
    steps = path_to(Phase(workload.phase), workload.phase_since, status, clock.now())
    same_words = (workload.reason, workload.message) == (status.reason, status.message[:1000])
    if steps or not same_words:
        if not steps:
            workload.reason = status.reason[:80]
        history.move(workload, steps, message=status.message)
    elif extra:
        live.publish("workloads", workload.pk)


def _bury(workload: Workload) -> None:
    """Nothing is left in the cluster: the name is free, the row stays in the list of the deleted."""
    now = max(clock.now(), workload.phase_since)
    workload.deleted_at = now
    workload.save(update_fields=["deleted_at"])
    workload.spans.filter(ended_at__isnull=True).update(ended_at=now)
    history.tell(workload, "Deleted", "Nothing of it is left in the cluster.", at=now)
    live.publish("workloads", workload.pk)
