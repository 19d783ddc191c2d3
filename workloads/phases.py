"""Pure: the phases of a workload, and which one the state of its pods means. How each looks: ui/statuses.py."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from workloads.pod_states import IMAGE_PROBLEMS, PodState


class Phase(StrEnum):
    """Where a workload stands; platform.md §16.2."""

    CREATING = "Creating"
    PENDING = "Pending"
    INITIALIZING = "Initializing"
    RUNNING = "Running"
    DEGRADED = "Degraded"
    RESUMING = "Resuming"
    SUSPENDING = "Suspending"
    STOPPED = "Stopped"
    DELETING = "Deleting"
    COMPLETED = "Completed"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


OVER = frozenset({Phase.COMPLETED, Phase.FAILED})
WAITING = frozenset({Phase.CREATING, Phase.PENDING, Phase.RESUMING})
ACTIVE = frozenset(
    {
        *WAITING,
        Phase.INITIALIZING,
        Phase.RUNNING,
        Phase.DEGRADED,
        Phase.SUSPENDING,
        Phase.DELETING,
        Phase.UNKNOWN,
    }
)
RANK: dict[Phase, int] = {
    Phase.CREATING: 0,
    Phase.RESUMING: 0,
    Phase.STOPPED: 0,
    Phase.PENDING: 1,
    Phase.INITIALIZING: 2,
    Phase.RUNNING: 3,
    Phase.DEGRADED: 3,
    Phase.COMPLETED: 4,
    Phase.FAILED: 4,
}
"""Order of an undisturbed life; phases that break it (Deleting, Suspending, Unknown) have none."""

Mark = tuple[Phase, datetime]


@dataclass(frozen=True)
class Status:
    """What is to be said about a workload. `since` None means: since now.

    `marks` are moments known from the pods' own stamps, in order: they tell of phases that passed unseen.
    """

    phase: Phase
    reason: str = ""
    message: str = ""
    since: datetime | None = None
    marks: tuple[Mark, ...] = ()
    refusal: Mapping[str, Any] | None = None


def status_of_pods(pods: Sequence[PodState], wanted: int) -> Status:
    """The phase of a workload that wants `wanted` pods at once and is neither stopped nor over."""
    active = [pod for pod in pods if not pod.is_finished and not pod.deleting]
    marks = marks_of(active)
    unplaced = [pod for pod in active if not pod.node]
    ready = [pod for pod in active if pod.ready]
    if not active:
        return Status(Phase.PENDING, "NoPods", "Its pods are being made.", marks=marks)
    if unplaced and ready:
        word = f"{len(ready)} of {max(wanted, len(active))} pods run. {unplaced[0].message}".strip()
        return Status(Phase.DEGRADED, unplaced[0].reason, word, marks=marks, refusal=_refusal(unplaced))
    if unplaced:
        return _waiting(unplaced, marks)
    if len(ready) < len(active):
        return _starting(active, len(ready), marks)
    if len(active) < wanted:
        return Status(
            Phase.DEGRADED,
            "PodsMissing",
            f"{len(active)} of {wanted} pods run.",
            _time(marks, Phase.RUNNING),
            marks,
        )
    message = "" if len(active) == 1 else f"{len(active)} of {wanted} pods run."
    return Status(Phase.RUNNING, "", message, _time(marks, Phase.RUNNING), marks)


def marks_of(pods: Iterable[PodState]) -> tuple[Mark, ...]:
    """When pods came, when all had a node, when all ran: the steps that are certain."""
    pods = list(pods)
    marks: list[Mark] = []
    created = [pod.created for pod in pods if pod.created]
    if created:
        marks.append((Phase.PENDING, min(created)))
    scheduled = [pod.scheduled for pod in pods if pod.scheduled]
    if pods and len(scheduled) == len(pods):
        marks.append((Phase.INITIALIZING, max(scheduled)))
    running = [moment for pod in pods if (moment := pod.became_ready or pod.started)]
    if pods and len(running) == len(pods):
        marks.append((Phase.RUNNING, max(running)))
    return tuple(marks)


def path_to(
    previous: Phase, since: datetime, status: Status, now: datetime
) -> list[tuple[Phase, str, datetime]]:
    """The phases from `previous` (entered at `since`) to the new one, each with the moment it was entered.

    Phases that passed between two looks are put in where the pods' stamps prove them. Moments never go backwards and
    never lie in the future: the stamps of Kubernetes are whole seconds, and another machine's clock.
    """
    if status.phase == previous:
        return []
    steps: list[tuple[Phase, str, datetime]] = []
    earliest = since
    end = min(max(status.since or now, earliest), max(now, earliest))
    if previous in RANK and status.phase in RANK and RANK[previous] < RANK[status.phase]:
        for phase, moment in status.marks:
            between = RANK[previous] < RANK[phase] < RANK[status.phase]
            if between and moment <= end:
                earliest = max(earliest, moment)
                steps.append((phase, "", earliest))
    return [*steps, (status.phase, status.reason, max(end, earliest))]


def _waiting(unplaced: Sequence[PodState], marks: tuple[Mark, ...]) -> Status:
    told = next((pod for pod in unplaced if pod.refusal), None) or next(
        (pod for pod in unplaced if pod.message), unplaced[0]
    )
    message = told.message or "The scheduler has not looked at it yet."
    return Status(
        Phase.PENDING, told.reason, message, _time(marks, Phase.PENDING), marks, refusal=_refusal(unplaced)
    )


def _starting(active: Sequence[PodState], ready: int, marks: tuple[Mark, ...]) -> Status:
    """Placed, not all ready: what the slowest pod is at."""
    slow = next((pod for pod in active if not pod.ready and pod.reason in IMAGE_PROBLEMS), None) or next(
        (pod for pod in active if not pod.ready and pod.reason), None
    )
    message = f"{ready} of {len(active)} pods ready"
    if slow is None:
        return Status(Phase.INITIALIZING, "", f"{message}.", _time(marks, Phase.INITIALIZING), marks)
    if slow.reason in IMAGE_PROBLEMS:
        message = f"The image {slow.image} cannot be pulled. {slow.message}".strip()
    elif slow.reason == "CrashLoopBackOff":
        message = f"{slow.name} crashed {slow.restarts} times and waits before the next start. {slow.message}".strip()
    else:
        message = f"{message}: {_STEPS.get(slow.reason, slow.message or slow.reason)}."
    return Status(Phase.INITIALIZING, slow.reason, message, _time(marks, Phase.INITIALIZING), marks)


_STEPS = {
    "ContainerCreating": "pulling the image and making the container",
    "PodInitializing": "running the first containers",
}


def _refusal(pods: Sequence[PodState]) -> Mapping[str, Any] | None:
    return next((pod.refusal for pod in pods if pod.refusal), None)


def _time(marks: tuple[Mark, ...], phase: Phase) -> datetime | None:
    return next((moment for name, moment in marks if name == phase), None)
