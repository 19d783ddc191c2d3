"""Standard training: a batch/v1 Job whose pods each start as soon as they fit. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.documents import Document, condition_of, parse_time
from cluster.kinds import JOBS, TRAINING_WORKLOADS, Kind
from workloads.json_fields import Errors, JsonFields
from workloads.kinds.kind import Child
from workloads.manifests import Order, child_metadata, pod_template
from workloads.phases import Phase, Status, marks_of, status_of_pods
from workloads.pod_states import PodState
from workloads.spec import WorkloadSpec, without_none
from workloads.spec_rules import check_range

BACKOFF_LIMIT = 6
PODS_AT_MOST = 1000
_OUT_OF_MEMORY = "OOMKilled"


@dataclass(frozen=True)
class TrainingOptions:
    """`completions` None: as many as run at once."""

    parallelism: int = 1
    completions: int | None = None
    backoff_limit: int = BACKOFF_LIMIT

    def to_json(self) -> dict[str, Any]:
        return without_none(
            {
                "parallelism": self.parallelism,
                "completions": self.completions,
                "backoffLimit": self.backoff_limit,
            }
        )

    def check(self, errors: Errors) -> None:
        check_range(self.parallelism, 1, PODS_AT_MOST, "parallelism", errors, "pods")
        check_range(self.completions, 1, 10**6, "completions", errors, "pods")
        check_range(self.backoff_limit, 1, 100, "backoffLimit", errors, "tries")
        if self.completions is not None and self.parallelism > self.completions:
            errors.setdefault("parallelism", []).append(
                f"Not more at once ({self.parallelism}) than are to complete ({self.completions})."
            )


class Training:
    """A single program, or several alike, that runs to its end."""

    key = "training"
    label = "Training"
    icon = "flask"
    plural = "trainings"
    category = "Train"
    resource = TRAINING_WORKLOADS
    child_kinds: tuple[Kind, ...] = (JOBS,)
    default_priority = "low"

    def read_options(self, fields: JsonFields) -> TrainingOptions:
        parallelism, backoff = fields.whole("parallelism"), fields.whole("backoffLimit")
        return TrainingOptions(
            parallelism=1 if parallelism is None else parallelism,
            completions=fields.whole("completions"),
            backoff_limit=BACKOFF_LIMIT if backoff is None else backoff,
        )

    def pods_at_once(self, spec: WorkloadSpec) -> int:
        return _options(spec).parallelism

    def children(self, order: Order) -> Sequence[Child]:
        options = _options(order.spec)
        job: Document = {
            "apiVersion": JOBS.api_version,
            "kind": JOBS.kind,
            "metadata": child_metadata(order),
            "spec": {
                "parallelism": options.parallelism,
                "completions": options.completions or options.parallelism,
                "backoffLimit": options.backoff_limit,
                "suspend": order.suspended,
                # what the scheduler takes back is no failed try of the program
                "podFailurePolicy": {
                    "rules": [
                        {
                            "action": "Ignore",
                            "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                        }
                    ]
                },
                "template": pod_template(order),
            },
        }
        return [Child(JOBS, job)]

    def adjust(self, wanted: Document, found: Mapping[str, Any]) -> Document | None:
        """Only what may change in a living Job: whether it is suspended, and how many pods it runs at once."""
        changes = {
            field: wanted["spec"][field]
            for field in ("suspend", "parallelism")
            if (found["spec"].get(field) or False) != wanted["spec"][field]
        }
        return {"spec": changes} if changes and not self.is_over(found) else None

    def is_over(self, child: Mapping[str, Any]) -> bool:
        return any(_is_true(child, kind) for kind in ("Complete", "Failed"))

    def observe(
        self, order: Order, children: Sequence[Mapping[str, Any]], pods: Sequence[PodState]
    ) -> Status:
        job = children[0] if children else None
        if job is None:
            return Status(Phase.CREATING, message="Its Job is being made.")
        if _is_true(job, "Complete"):
            return _ended(Phase.COMPLETED, job, pods, "Complete", "")
        if _is_true(job, "Failed"):
            return _ended(Phase.FAILED, job, pods, "Failed", _failure(order, job, pods))
        done = int((job.get("status") or {}).get("succeeded") or 0)
        target = int(job["spec"].get("completions") or 1)
        wanted = max(1, min(int(job["spec"].get("parallelism") or 1), target - done))
        status = status_of_pods(pods, wanted)
        if status.reason == "NoPods":
            return _between_pods(order, pods) or status
        return status


def _options(spec: WorkloadSpec) -> TrainingOptions:
    if not isinstance(spec.options, TrainingOptions):
        raise TypeError(f"{spec.name} is no training")
    return spec.options


def _is_true(job: Mapping[str, Any], kind: str) -> bool:
    condition = condition_of(job, kind)
    return condition is not None and condition.get("status") == "True"


def _ended(
    phase: Phase, job: Mapping[str, Any], pods: Sequence[PodState], condition: str, message: str
) -> Status:
    status = job.get("status") or {}
    found = condition_of(job, condition) or {}
    text = status.get("completionTime") or found.get("lastTransitionTime")
    reason = "" if phase is Phase.COMPLETED else str(found.get("reason") or "")
    return Status(phase, reason, message, parse_time(str(text)) if text else None, marks_of(pods))


def _between_pods(order: Order, pods: Sequence[PodState]) -> Status | None:
    """Pods have ended and the Job has not said yet what follows: its end, the next pods, or another try after a pause."""
    failed = [pod for pod in pods if pod.phase == "Failed"]
    if failed and len(failed) <= _options(order.spec).backoff_limit:
        return Status(Phase.PENDING, "BackOff", _retry(order, failed))
    ended = [pod for pod in pods if pod.is_finished]
    if not ended:
        return None
    marks = marks_of(ended)
    since = next((moment for phase, moment in marks if phase is Phase.RUNNING), None)
    return Status(Phase.RUNNING, "Ending", "Its pods have ended.", since, marks)


def _failure(order: Order, job: Mapping[str, Any], pods: Sequence[PodState]) -> str:
    failed = [pod for pod in pods if pod.phase == "Failed"]
    found = condition_of(job, "Failed") or {}
    if not failed:
        return str(found.get("message") or "The Job has failed.")
    limit = _options(order.spec).backoff_limit
    tries = int((job.get("status") or {}).get("failed") or len(failed))
    return f"{_cause(failed[-1])}, {tries} failed {'try' if tries == 1 else 'tries'}, {limit + 1} allowed."


def _retry(order: Order, failed: Sequence[PodState]) -> str:
    limit = _options(order.spec).backoff_limit
    return (
        f"Try {len(failed)} of {limit + 1} failed: {_cause(failed[-1])}. The next one starts after a pause."
    )


def _cause(pod: PodState) -> str:
    if pod.reason == _OUT_OF_MEMORY:
        return f"Out of memory, exit code {pod.exit_code}"
    if pod.exit_code is None:
        return pod.message or pod.reason or "The pod failed without an exit code"
    name = f"{pod.reason}, exit" if pod.reason not in ("", "Error") else "Exit"
    return f"{name} code {pod.exit_code}"


TRAINING = Training()
