"""The rules a Job may have about how its pods end: podFailurePolicy and successPolicy. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from cluster.documents import condition_of, name_of, namespace_of
from cluster.simulator.controllers.index_sets import parse_indexes


def policy_action(job: Mapping[str, Any], pod: Mapping[str, Any]) -> str | None:
    """What the Job's pod failure policy says of a failed pod: the action of the first rule that matches."""
    found = _first_match(job, pod)
    return found[1] if found else None


def is_ignored(job: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """A failure that counts for nothing, such as an eviction: another pod takes its place."""
    return policy_action(job, pod) == "Ignore"


def failing_rule(job: Mapping[str, Any], pod: Mapping[str, Any]) -> str | None:
    """The sentence for a pod whose failure is the whole Job's."""
    found = _first_match(job, pod)
    if found is None or found[1] != "FailJob":
        return None
    number, action, what = found
    return f"{what} matching {action} rule at index {number}"


def _first_match(job: Mapping[str, Any], pod: Mapping[str, Any]) -> tuple[int, str, str] | None:
    if (pod.get("status") or {}).get("phase") != "Failed":
        return None
    rules = (job["spec"].get("podFailurePolicy") or {}).get("rules") or []
    for number, rule in enumerate(rules):
        what = _match(rule, pod)
        if what:
            return number, str(rule["action"]), what
    return None


def _match(rule: Mapping[str, Any], pod: Mapping[str, Any]) -> str:
    """What about the pod matches the rule, empty when nothing does."""
    where = f"{namespace_of(pod)}/{name_of(pod)}"
    for wanted in rule.get("onPodConditions") or []:
        condition = condition_of(pod, wanted["type"])
        if condition is not None and condition["status"] == wanted.get("status", "True"):
            return f"Pod {where} has condition {wanted['type']}"
    codes: Mapping[str, Any] = rule.get("onExitCodes") or {}
    for name, code in _exit_codes(pod) if codes else ():
        if codes.get("containerName") in (None, name) and (code in codes["values"]) is (
            codes["operator"] == "In"
        ):
            return f"Container {name} for pod {where} failed with exit code {code}"
    return ""


def _exit_codes(pod: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Of the containers that ended badly, then of the init containers: success never matches."""
    status = pod.get("status") or {}
    for listed in ("containerStatuses", "initContainerStatuses"):
        for one in status.get(listed) or []:
            code = ((one.get("state") or {}).get("terminated") or {}).get("exitCode")
            if code:
                yield str(one["name"]), int(code)


def success_rule(job: Mapping[str, Any], done: set[int]) -> str | None:
    """The sentence for the first rule of the success policy that the completed indexes meet."""
    for number, rule in enumerate((job["spec"].get("successPolicy") or {}).get("rules") or []):
        named, count = rule.get("succeededIndexes"), rule.get("succeededCount")
        wanted = done if named is None else parse_indexes(named)
        needed = len(wanted) if count is None else int(count)
        if len(done & wanted) >= needed:
            return f"Matched rules at index {number}"
    return None
