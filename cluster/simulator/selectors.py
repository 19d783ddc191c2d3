"""Label and field selectors: text -> a test of one object. Pure."""

import re
from collections.abc import Callable
from typing import Any

from cluster.simulator.problems import bad_request

Test = Callable[[dict[str, Any]], bool]
Labels = dict[str, str]

_SET = re.compile(r"^\s*(!?[^\s=!<>,()]+)\s+(in|notin)\s*\(([^)]*)\)\s*$")
_COMPARE = re.compile(r"^\s*([^\s=!<>,()]+)\s*(==|=|!=|>|<)\s*([^\s=!<>,()]*)\s*$")
_EXISTS = re.compile(r"^\s*(!?)\s*([^\s=!<>,()]+)\s*$")
_COMMA = re.compile(r",(?![^(]*\))")


def label_test(selector: str) -> Callable[[Labels], bool]:
    """A test of an object's labels. Raises 400 for a selector that does not parse."""
    tests = [_label_requirement(part) for part in _COMMA.split(selector)] if selector.strip() else []
    return lambda labels: all(test(labels) for test in tests)


def _label_requirement(text: str) -> Callable[[Labels], bool]:
    if match := _SET.match(text):
        key, operator, listed = match.groups()
        values = frozenset(value.strip() for value in listed.split(","))
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if match := _COMPARE.match(text):
        return _comparison(*match.groups())
    if match := _EXISTS.match(text):
        absent, key = match.groups()
        return (lambda labels: key not in labels) if absent else (lambda labels: key in labels)
    raise bad_request(f"unable to parse requirement: {text.strip()!r}")


def _comparison(key: str, operator: str, value: str) -> Callable[[Labels], bool]:
    if operator in ("=", "=="):
        return lambda labels: labels.get(key) == value
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    if not re.fullmatch(r"-?\d+", value):
        raise bad_request(
            f"values[0][{key}]: Invalid value: {value!r}: for 'Gt', 'Lt' operators, the value must be an integer"
        )
    limit, greater = int(value), operator == ">"

    def compare(labels: Labels) -> bool:
        found = labels.get(key, "")
        if not re.fullmatch(r"-?\d+", found):
            return False
        return int(found) > limit if greater else int(found) < limit

    return compare


def object_selector_test(selector: dict[str, Any] | None) -> Callable[[Labels], bool]:
    """A `LabelSelector` object as a test; None matches nothing, an empty one everything."""
    if selector is None:
        return lambda labels: False
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []

    def test(labels: Labels) -> bool:
        if any(labels.get(key) != value for key, value in wanted.items()):
            return False
        return all(_expression(labels, entry) for entry in expressions)

    return test


def _expression(labels: Labels, entry: dict[str, Any]) -> bool:
    key, values = entry["key"], entry.get("values") or []
    operator = entry["operator"]
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        return labels.get(key) not in values
    return (key in labels) is (operator == "Exists")


FIELDS: dict[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "replicationcontrollers": ("status.replicas",),
    "replicasets.apps": ("status.replicas",),
    "jobs.batch": ("status.successful",),
    "services": ("spec.clusterIP", "spec.type"),
}
"""Fields beyond metadata.name and metadata.namespace that a selector may name, by storage name."""
DEFAULT_TEXT = {"spec.unschedulable": "false", "spec.hostNetwork": "false"}
_REGARDING = {"involvedObject": "regarding", "reportingComponent": "reportingController"}


def field_test(selector: str, storage: str, api_version: str, extra: tuple[str, ...] = ()) -> Test:
    """A test of one object's fields; `extra` are a custom resource's selectable fields. Raises 400 for an unsupported one."""
    tests = [
        _field_requirement(part, storage, api_version, extra) for part in selector.split(",") if part.strip()
    ]
    return lambda document: all(test(document) for test in tests)


def _field_requirement(text: str, storage: str, api_version: str, extra: tuple[str, ...]) -> Test:
    match = re.match(r"^\s*([^=!]+?)\s*(==|=|!=)\s*(.*?)\s*$", text)
    if match is None:
        raise bad_request(f"invalid field selector {text!r}: can't understand it")
    path, operator, value = match.groups()
    known = ("metadata.name", "metadata.namespace", *FIELDS.get(storage, ()), *extra)
    asked = path
    for core, newer in _REGARDING.items():
        if api_version.startswith("events.k8s.io") and path.startswith(newer):
            path = path.replace(newer, core, 1)
    if path not in known:
        raise bad_request(f"field label not supported: {asked}")
    equal = operator != "!="
    return lambda document: (field_text(document, path) == value) is equal


def field_text(document: dict[str, Any], path: str) -> str:
    """A field as selectors see it: text, with the default for an absent one."""
    if path == "source":
        found: Any = (document.get("source") or {}).get("component") or document.get("reportingComponent", "")
        return str(found)
    if path == "status.successful":
        return str((document.get("status") or {}).get("succeeded", 0))
    found = document
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if found is None:
        return DEFAULT_TEXT.get(path, "")
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found)
