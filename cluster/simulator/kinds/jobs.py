"""Jobs: selector and labels made from the uid, defaults that depend on each other, what may change later."""

from typing import Any

from cluster.simulator.cron import WrongSchedule, parse_schedule
from cluster.simulator.kinds.job_rules import policy_causes
from cluster.simulator.kinds.pods import fill_pod_spec, pod_spec_causes
from cluster.simulator.kinds.rules import Document, KindRules, Surroundings
from cluster.simulator.problems import Cause, unsupported, wrong

UID_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")
NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")
JOB_DEFAULTS: dict[str, Any] = {
    "backoffLimit": 6,
    "completionMode": "NonIndexed",
    "suspend": False,
    "manualSelector": False,
}
SUSPENDED_MAY_CHANGE = ("nodeSelector", "affinity", "tolerations", "schedulingGates")


def _on_create(document: Document, around: Surroundings) -> None:
    spec = document.setdefault("spec", {})
    metadata = document["metadata"]
    template_labels = spec["template"].get("metadata", {}).get("labels", {})
    if not spec.get("manualSelector"):
        labels = dict.fromkeys(UID_LABELS, metadata["uid"]) | dict.fromkeys(NAME_LABELS, metadata["name"])
        template_metadata = spec["template"].setdefault("metadata", {})
        template_labels = template_metadata["labels"] = {**template_labels, **labels}
        spec["selector"] = {"matchLabels": {UID_LABELS[0]: metadata["uid"]}}
    if not metadata.get("labels") and template_labels:
        metadata["labels"] = dict(template_labels)
    document["status"] = {}


def _fill(document: Document) -> None:
    if "spec" in document:
        _fill_job_spec(document["spec"])


def _fill_job_spec(spec: dict[str, Any]) -> None:
    """Not for the templates of CronJobs: their Jobs get these when they are made."""
    for key, value in JOB_DEFAULTS.items():
        spec.setdefault(key, value)
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    template = spec.setdefault("template", {})
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")
    if spec.get("backoffLimitPerIndex") is not None and spec.get("backoffLimit") == 6:
        spec["backoffLimit"] = 2**31 - 1
    fill_pod_spec(template.setdefault("spec", {}))


def _on_update(new: Document, old: Document, around: Surroundings) -> None:
    spec, before = new.get("spec", {}), old.get("spec", {})
    if spec is not before and not spec.get("selector") and before.get("selector"):
        spec["selector"] = before["selector"]


def _causes(new: Document, old: Document | None) -> list[Cause]:
    spec = new.get("spec", {})
    causes = [
        wrong(f"spec.{key}", spec[key], "must be greater than or equal to 0")
        for key in (
            "parallelism",
            "completions",
            "backoffLimit",
            "activeDeadlineSeconds",
            "ttlSecondsAfterFinished",
        )
        if isinstance(spec.get(key), int) and spec[key] < 0
    ]
    mode = spec.get("completionMode", "NonIndexed")
    if mode not in ("NonIndexed", "Indexed"):
        causes.append(unsupported("spec.completionMode", mode, ["Indexed", "NonIndexed"]))
    if mode == "Indexed" and spec.get("completions") is None:
        causes.append(
            Cause("spec.completions", "FieldValueRequired", "Required value: when completion mode is Indexed")
        )
    causes += policy_causes(spec)
    template = spec.get("template", {})
    causes += pod_spec_causes(template.get("spec", {}), "spec.template.spec", restart=("OnFailure", "Never"))
    if old is not None:
        causes += _immutable(spec, old.get("spec", {}), new)
    return causes


def _immutable(spec: dict[str, Any], before: dict[str, Any], document: Document) -> list[Cause]:
    causes = []
    indexed = spec.get("completionMode") == "Indexed"
    if spec.get("completions") != before.get("completions") and not (
        indexed and spec.get("completions") == spec.get("parallelism")
    ):
        causes.append(wrong("spec.completions", spec.get("completions"), "field is immutable"))
    causes += [
        wrong(f"spec.{key}", spec.get(key), "field is immutable")
        for key in ("selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex")
        if spec.get(key) != before.get(key)
    ]
    template, was = spec.get("template", {}), before.get("template", {})
    if template != was and not (before.get("suspend") and _same_but_placement(template, was)):
        causes.append(wrong("spec.template", template, "field is immutable"))
    return causes


def _same_but_placement(template: dict[str, Any], before: dict[str, Any]) -> bool:
    """A suspended job's pods may be sent elsewhere and told other resources before it starts."""

    def rest(document: dict[str, Any]) -> dict[str, Any]:
        spec = {
            key: value for key, value in document.get("spec", {}).items() if key not in SUSPENDED_MAY_CHANGE
        }
        spec["containers"] = [
            {k: v for k, v in c.items() if k != "resources"} for c in spec.get("containers", [])
        ]
        return spec

    return rest(template) == rest(before)


def _fill_cron(document: Document) -> None:
    template = document.get("spec", {}).get("jobTemplate", {}).get("spec", {}).get("template", {})
    if "spec" in template:
        fill_pod_spec(template["spec"])


def _cron_causes(new: Document, old: Document | None) -> list[Cause]:
    spec = new.get("spec", {})
    if not spec.get("schedule"):
        return [Cause("spec.schedule", "FieldValueRequired", "Required value")]
    causes = []
    try:
        parse_schedule(spec["schedule"])
    except WrongSchedule as problem:
        causes.append(wrong("spec.schedule", spec["schedule"], str(problem)))
    try:
        parse_schedule("* * * * *", spec.get("timeZone"))
    except WrongSchedule as problem:
        causes.append(wrong("spec.timeZone", spec["timeZone"], str(problem)))
    policy = spec.get("concurrencyPolicy", "Allow")
    if policy not in ("Allow", "Forbid", "Replace"):
        causes.append(unsupported("spec.concurrencyPolicy", policy, ["Allow", "Forbid", "Replace"]))
    job = spec.get("jobTemplate", {}).get("spec", {})
    place = "spec.jobTemplate.spec.template.spec"
    return causes + pod_spec_causes(
        job.get("template", {}).get("spec", {}), place, restart=("OnFailure", "Never")
    )


RULES = KindRules(
    has_generation=True,
    fill=_fill,
    on_create=_on_create,
    on_update=_on_update,
    causes=_causes,
    default_propagation="Orphan",
)
CRON_RULES = KindRules(has_generation=True, fill=_fill_cron, causes=_cron_causes)
