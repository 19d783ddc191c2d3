"""What the rules of a Job about its pods' ends may say: limits of indexes, podFailurePolicy, successPolicy."""

import re
from collections.abc import Iterator
from typing import Any

from cluster.simulator.problems import Cause, missing, unsupported, wrong

ACTIONS = ["Count", "FailIndex", "FailJob", "Ignore"]
_PATH = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[\w./-]+")


def policy_causes(spec: dict[str, Any]) -> list[Cause]:
    """Every broken rule, in the API's order of fields."""
    causes = [*_limits_of_indexes(spec)]
    failure = spec.get("podFailurePolicy")
    if failure is not None:
        for number, rule in enumerate(failure.get("rules") or []):
            causes += _failure_rule(rule, f"spec.podFailurePolicy.rules[{number}]", spec)
        if spec.get("template", {}).get("spec", {}).get("restartPolicy") != "Never":
            place = "spec.template.spec.restartPolicy"
            policy = spec.get("template", {}).get("spec", {}).get("restartPolicy", "")
            causes.append(
                wrong(place, policy, 'only "Never" is supported when podFailurePolicy is specified')
            )
    if spec.get("successPolicy") is not None:
        causes += _success_policy(spec, "spec.successPolicy")
    replacement = spec.get("podReplacementPolicy", "TerminatingOrFailed")
    if failure is not None and replacement != "Failed":
        causes.append(unsupported("spec.podReplacementPolicy", replacement, ["Failed"]))
    elif replacement not in ("Failed", "TerminatingOrFailed"):
        causes.append(
            unsupported("spec.podReplacementPolicy", replacement, ["Failed", "TerminatingOrFailed"])
        )
    manager = spec.get("managedBy")
    if manager is not None and not _PATH.fullmatch(manager):
        causes.append(
            wrong("spec.managedBy", manager, 'must be a domain-prefixed path (such as "acme.io/foo")')
        )
    return causes


def _limits_of_indexes(spec: dict[str, Any]) -> Iterator[Cause]:
    indexed, completions = spec.get("completionMode") == "Indexed", spec.get("completions")
    each, most = spec.get("backoffLimitPerIndex"), spec.get("maxFailedIndexes")
    for key, value in (("backoffLimitPerIndex", each), ("maxFailedIndexes", most)):
        if value is not None and value < 0:
            yield wrong(f"spec.{key}", value, "must be greater than or equal to 0")
        if value is not None and not indexed:
            yield wrong(f"spec.{key}", value, "requires indexed completion mode")
    if most is not None and each is None:
        yield missing("spec.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if most is not None and completions is not None and most > completions:
        yield wrong("spec.maxFailedIndexes", most, "must be less than or equal to completions")


def _failure_rule(rule: dict[str, Any], place: str, spec: dict[str, Any]) -> Iterator[Cause]:
    action, codes = rule.get("action", ""), rule.get("onExitCodes")
    if not action:
        listed = " ".join(f'"{name}"' for name in ACTIONS)
        yield missing(f"{place}.action", f"valid values: [{listed}]")
    elif action not in ACTIONS:
        yield unsupported(f"{place}.action", action, ACTIONS)
    elif action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        yield wrong(f"{place}.action", action, "requires the backoffLimitPerIndex to be set")
    if codes is not None and rule.get("onPodConditions"):
        yield Cause(
            place,
            "FieldValueInvalid",
            "Invalid value: specifying both OnExitCodes and OnPodConditions is not supported",
        )
    if codes is None and not rule.get("onPodConditions"):
        yield Cause(
            place,
            "FieldValueInvalid",
            "Invalid value: specifying one of OnExitCodes and OnPodConditions is required",
        )
    if codes is not None:
        yield from _exit_codes(codes, f"{place}.onExitCodes", spec)


def _exit_codes(codes: dict[str, Any], place: str, spec: dict[str, Any]) -> Iterator[Cause]:
    operator, values = codes.get("operator", ""), codes.get("values") or []
    if operator not in ("In", "NotIn"):
        yield unsupported(f"{place}.operator", operator, ["In", "NotIn"])
    named = codes.get("containerName")
    pod = spec.get("template", {}).get("spec", {})
    names = {one.get("name") for key in ("containers", "initContainers") for one in pod.get(key) or []}
    if named is not None and named not in names:
        yield wrong(
            f"{place}.containerName",
            named,
            "must be one of the container or initContainer names in the pod template",
        )
    if not values:
        yield wrong(f"{place}.values", [], "at least one value is required")
    for number, value in enumerate(values):
        where = f"{place}.values[{number}]"
        if operator == "In" and value == 0:
            yield wrong(where, value, "must not be 0 for the In operator")
        if value in values[:number]:
            yield Cause(where, "FieldValueDuplicate", f"Duplicate value: {value}")
    if values != sorted(values):
        yield wrong(f"{place}.values", values, "must be ordered")


def _success_policy(spec: dict[str, Any], place: str) -> Iterator[Cause]:
    rules = spec["successPolicy"].get("rules") or []
    if spec.get("completionMode") != "Indexed":
        yield Cause(
            place, "FieldValueInvalid", f"Invalid value: {_in_go(rules)}: requires indexed completion mode"
        )
        return
    if not rules:
        text = "at least one rules must be specified when the successPolicy is specified"
        yield missing(f"{place}.rules", text)
    for number, rule in enumerate(rules):
        yield from _success_rule(rule, f"{place}.rules[{number}]", int(spec.get("completions") or 0))


def _success_rule(rule: dict[str, Any], place: str, completions: int) -> Iterator[Cause]:
    count, named = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and named is None:
        yield missing(place, "at least one of succeededCount or succeededIndexes must be specified")
    chosen = completions
    if named is not None:
        problem, chosen = _read_indexes(named, completions)
        if problem:
            detail = f"error parsing succeededIndexes: {problem}"
            yield wrong(f"{place}.succeededIndexes", named, detail)
            return
    if count is None:
        return
    if count < 0:
        yield wrong(f"{place}.succeededCount", count, "must be greater than or equal to 0")
    elif count > completions:
        detail = f"must be less than or equal to {completions} (the number of specified completions)"
        yield wrong(f"{place}.succeededCount", count, detail)
    elif count > chosen:
        detail = f"must be less than or equal to {chosen} (the number of indexes in the specified succeededIndexes field)"
        yield wrong(f"{place}.succeededCount", count, detail)


def _read_indexes(text: str, completions: int) -> tuple[str, int]:
    """(what is wrong or "", how many they are)."""
    if not text:
        return "", 0
    total, before = 0, -1
    for part in text.split(","):
        ends = part.split("-")
        if len(ends) > 2:
            return (
                f"the fragment \"{part}\" violates the requirement that an index interval can have at most two parts separated by '-'",
                0,
            )
        numbers = []
        for end in ends:
            if not end.isdigit():
                return f'cannot convert string to integer for index: "{end}"', 0
            if int(end) >= completions:
                return f'too large index: "{end}"', 0
            numbers.append(int(end))
        if numbers[0] <= before:
            return f"non-increasing order, previous: {before}, current: {numbers[0]}", 0
        if len(numbers) == 2 and numbers[1] <= numbers[0]:
            return f"non-increasing order, previous: {numbers[0]}, current: {numbers[1]}", 0
        before = numbers[-1]
        total += numbers[-1] - numbers[0] + 1
    return "", total


def _in_go(rules: list[dict[str, Any]]) -> str:
    """The policy as the message prints it."""
    parts = []
    for rule in rules:
        named, count = rule.get("succeededIndexes"), rule.get("succeededCount")
        shown = "null" if named is None else f'"{named}"'
        parts.append(f'{{"SucceededIndexes":{shown},"SucceededCount":{"null" if count is None else count}}}')
    return f'{{"Rules":[{",".join(parts)}]}}'
