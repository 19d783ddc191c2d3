"""Cells of Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs. Pure."""

from datetime import datetime
from typing import Any

from cluster.simulator.tables.ages import age, age_of, human_duration, parse_time

NONE = "<none>"
Document = dict[str, Any]


def selector_words(selector: Document | None) -> str:
    """A LabelSelector as text, in the order of the keys."""
    if not selector:
        return NONE
    words = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for entry in selector.get("matchExpressions") or []:
        key, values = entry["key"], ",".join(sorted(entry.get("values") or []))
        texts = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        words.append((key, texts[entry["operator"]]))
    return ",".join(text for _, text in sorted(words)) or NONE


def names_of(template: Document) -> str:
    return ",".join(container["name"] for container in template.get("spec", {}).get("containers", []))


def images_of(template: Document) -> str:
    return ",".join(
        container.get("image", "") for container in template.get("spec", {}).get("containers", [])
    )


def _head(document: Document) -> tuple[Document, Document, Document, str]:
    spec = document.get("spec", {})
    return spec, document.get("status", {}), spec.get("template", {}), document["metadata"]["name"]


def deployment_cells(document: Document, now: datetime) -> list[Any]:
    spec, status, template, name = _head(document)
    return [
        name,
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age_of(document, now),
        names_of(template),
        images_of(template),
        selector_words(spec.get("selector")),
    ]


def replica_set_cells(document: Document, now: datetime) -> list[Any]:
    spec, status, template, name = _head(document)
    return [
        name,
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age_of(document, now),
        names_of(template),
        images_of(template),
        selector_words(spec.get("selector")),
    ]


def stateful_set_cells(document: Document, now: datetime) -> list[Any]:
    spec, status, template, name = _head(document)
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    return [
        name,
        ready,
        age_of(document, now),
        names_of(template),
        images_of(template),
    ]


def daemon_set_cells(document: Document, now: datetime) -> list[Any]:
    spec, status, template, name = _head(document)
    counts = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    nodes = template.get("spec", {}).get("nodeSelector") or {}
    return [
        name,
        *(status.get(key, 0) for key in counts),
        ",".join(f"{key}={value}" for key, value in sorted(nodes.items())) or NONE,
        age_of(document, now),
        names_of(template),
        images_of(template),
        selector_words(spec.get("selector")),
    ]


def job_cells(document: Document, now: datetime) -> list[Any]:
    spec, status, template, name = _head(document)
    return [
        name,
        _job_state(document),
        _completions(spec, status),
        _job_duration(status, now),
        age_of(document, now),
        names_of(template),
        images_of(template),
        selector_words(spec.get("selector")),
    ]


def _job_state(document: Document) -> str:
    conditions = {c["type"]: c.get("status") for c in document.get("status", {}).get("conditions") or []}
    if conditions.get("Complete") == "True":
        return "Complete"
    if conditions.get("Failed") == "True":
        return "Failed"
    if document["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for word in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if conditions.get(word) == "True":
            return word
    return "Running"


def _completions(spec: Document, status: Document) -> str:
    done = status.get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{done}/1 of {parallelism}" if parallelism > 1 else f"{done}/1"


def _job_duration(status: Document, now: datetime) -> str:
    started = parse_time(status.get("startTime") or "")
    if started is None:
        return ""
    ended = parse_time(status.get("completionTime") or "")
    if ended is None:
        failed = [
            c for c in status.get("conditions") or [] if c["type"] == "Failed" and c.get("status") == "True"
        ]
        ended = parse_time(failed[0].get("lastTransitionTime") or "") if failed else None
    return human_duration(((ended or now) - started).total_seconds())


def cron_job_cells(document: Document, now: datetime) -> list[Any]:
    spec, status, name = document.get("spec", {}), document.get("status", {}), document["metadata"]["name"]
    template = spec.get("jobTemplate", {}).get("spec", {}).get("template", {})
    last = status.get("lastScheduleTime")
    return [
        name,
        spec.get("schedule", ""),
        spec.get("timeZone") or NONE,
        "True" if spec.get("suspend") else "False",
        len(status.get("active") or []),
        age(last, now) if last else NONE,
        age_of(document, now),
        names_of(template),
        images_of(template),
        selector_words(spec.get("jobTemplate", {}).get("spec", {}).get("selector")),
    ]
