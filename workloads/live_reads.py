"""Things only the cluster knows, asked for by a page: a worker reads them while the page waits a moment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
import yaml
from celery.exceptions import CeleryError
from celery.exceptions import TimeoutError as NoAnswer
from kombu.exceptions import OperationalError
from redis import RedisError

from workloads.launcher import custom_resource
from workloads.models import Workload, WorkloadPod
from workloads.tasks import read_log, read_objects

log = structlog.get_logger(__name__)
WAIT_SECONDS = 5.0
LOG_LINES = 500
NO_ANSWER = (NoAnswer, CeleryError, OSError, RedisError, OperationalError, RuntimeError)
"""No worker in time, or no Redis: Celery raises RuntimeError when its result store is away, and works again when it is back."""
_STAMP = re.compile(r"^(\d{4}-\d\d-\d\d[T ](\d\d:\d\d:\d\d)[.,\d]*(?:Z|[+-]\d\d:?\d\d)?)\s+(.*)$")
_BAD = re.compile(r"\b(error|exception|traceback|fatal|critical)\b", re.IGNORECASE)
_WAIT = re.compile(r"\b(warn|warning)\b", re.IGNORECASE)


@dataclass(frozen=True)
class LogTail:
    """`state` is the sentence below the lines: where they come from, or why there are none."""

    text: str
    state: str

    @property
    def lines(self) -> list[dict[str, str]]:
        return [line_of(line) for line in self.text.splitlines()]


def log_of(pod: WorkloadPod, *, previous: bool = False) -> LogTail:
    """The last lines of a pod: kept ones without asking anybody."""
    if pod.log_kept and not previous:
        words = f"{pod.name} has ended; its last {LOG_LINES} lines at most are kept."
        return LogTail(pod.log_tail, words if pod.log_tail else f"{pod.name} left no log.")
    answer = asked(read_log, (pod.pk, LOG_LINES), previous=previous)
    if answer is None:
        return LogTail(pod.log_tail, "The log could not be read now: no worker answers. It is tried again.")
    if answer["error"]:
        return LogTail(answer["text"], f"There is no log now. {answer['error']}")
    return LogTail(answer["text"], f"{pod.name}, last {LOG_LINES} lines at most.")


def line_of(line: str) -> dict[str, str]:
    found = _STAMP.match(line)
    time, text = (found[2], found[3]) if found else ("", line)
    family = "bad" if _BAD.search(text) else "wait" if _WAIT.search(text) else ""
    return {"time": time, "text": text, "family": family}


def objects_of(workload: Workload) -> dict[str, Any]:
    """{"documents": [{"title", "text"}], "note"}: as the cluster has them, else what will be sent."""
    answer = asked(read_objects, (str(workload.pk),))
    if answer and answer["objects"]:
        return {"documents": [described(one) for one in answer["objects"]], "note": ""}
    why = answer["error"] if answer else "no worker answers"
    words = (
        f"The cluster could not be asked ({why}); this is what was submitted."
        if why
        else "Nothing of it stands in the cluster; this is what was submitted."
    )
    return {"documents": [described(custom_resource(workload))], "note": words}


def described(document: Mapping[str, Any]) -> dict[str, str]:
    metadata = {key: value for key, value in document["metadata"].items() if key != "managedFields"}
    shown = {**document, "metadata": metadata}
    return {"title": f"{document['kind']} {metadata['name']}", "text": as_yaml(shown)}


def as_yaml(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=110)


def asked(task: Any, arguments: tuple[Any, ...], **options: Any) -> dict[str, Any] | None:
    """The answer of a worker on queue `cluster`, or None when none comes in time."""
    try:
        result = task.apply_async(
            arguments, options, queue="cluster", expires=WAIT_SECONDS, retry=False, ignore_result=False
        )
        answer: dict[str, Any] = result.get(timeout=WAIT_SECONDS)
    except NO_ANSWER as error:
        log.warning("no worker answered", task=task.name, error=str(error))
        return None
    return answer
