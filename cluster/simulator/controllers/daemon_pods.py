"""Where a DaemonSet has pods, and what its pods are made of. Pure."""

from typing import Any

from cluster.documents import Document, annotations_of, labels_of, name_of
from cluster.simulator.controllers.templates import pod_from_template
from cluster.simulator.kinds.daemon_sets import GENERATION

HASH_LABEL, GENERATION_LABEL = "controller-revision-hash", "pod-template-generation"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_STAYS_THROUGH = ("not-ready", "unreachable")
_COMES_IN_SPITE_OF = ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")


def should_run(daemon_set: Document, node: Document) -> tuple[bool, bool]:
    """(a pod belongs on that node, a pod that is there may stay): a taint that came later only keeps new ones away."""
    spec = daemon_set["spec"]["template"]["spec"]
    if spec.get("nodeName", name_of(node)) != name_of(node) or not _is_chosen(spec, node):
        return False, False
    tolerations = daemon_tolerations(spec)
    effects = {
        taint["effect"]
        for taint in node["spec"].get("taints") or []
        if not any(_tolerates(one, taint) for one in tolerations)
    }
    return not effects & {"NoSchedule", "NoExecute"}, "NoExecute" not in effects


def daemon_tolerations(spec: Document) -> list[Document]:
    """Its own, and those by which it is on nodes that are in trouble or closed."""
    added = [_toleration(name, "NoExecute") for name in _STAYS_THROUGH]
    added += [_toleration(name, "NoSchedule") for name in _COMES_IN_SPITE_OF]
    if spec.get("hostNetwork"):
        added.append(_toleration("network-unavailable", "NoSchedule"))
    known = {(one["key"], one["effect"]) for one in added}
    kept = [one for one in spec.get("tolerations") or [] if (one.get("key"), one.get("effect")) not in known]
    return [*kept, *added]


def _toleration(name: str, effect: str) -> Document:
    return {"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": effect}


def daemon_pod(daemon_set: Document, node: str, digest: str) -> Document:
    """A pod that a scheduler can put on that node only."""
    labels = {HASH_LABEL: digest}
    generation = annotations_of(daemon_set).get(GENERATION)
    if generation:
        labels[GENERATION_LABEL] = generation
    pod = pod_from_template(daemon_set, daemon_set["spec"]["template"], labels=labels)
    spec = pod["spec"]
    spec["tolerations"] = daemon_tolerations(spec)
    affinity = spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    affinity[_REQUIRED] = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    return pod


def node_of(pod: Document) -> str:
    """Where the pod is, or the one node that it names; "" when there is no telling."""
    spec = pod["spec"]
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    for term in _terms(spec):
        for field in term.get("matchFields") or []:
            if field.get("key") == "metadata.name" and len(field.get("values") or []) == 1:
                return str(field["values"][0])
    return ""


def _terms(spec: Document) -> list[Document]:
    required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(_REQUIRED) or {}
    terms: list[Document] = required.get("nodeSelectorTerms") or []
    return terms


def _is_chosen(spec: Document, node: Document) -> bool:
    labels = labels_of(node)
    if not (spec.get("nodeSelector") or {}).items() <= labels.items():
        return False
    terms = _terms(spec)
    return not terms or any(_matches(term, labels, name_of(node)) for term in terms)


def _matches(term: Document, labels: dict[str, str], name: str) -> bool:
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not expressions and not fields:
        return False
    known = {"metadata.name": name}
    return all(_holds(one, labels) for one in expressions) and all(_holds(one, known) for one in fields)


def _holds(wanted: Document, found: dict[str, str]) -> bool:
    key, operator, values = wanted["key"], wanted["operator"], wanted.get("values") or []
    if operator in ("Gt", "Lt"):
        value = found.get(key, "")
        if not value.lstrip("-").isdigit() or len(values) != 1:
            return False
        return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])
    if operator == "In":
        return found.get(key) in values
    if operator == "NotIn":
        return found.get(key) not in values
    return (key in found) is (operator == "Exists")


def _tolerates(toleration: Document, taint: Document) -> bool:
    same_effect = toleration.get("effect", taint["effect"]) == taint["effect"]
    same_key = toleration.get("key", taint["key"]) == taint["key"]
    exists = toleration.get("operator") == "Exists"
    told: Any = toleration.get("value", "")
    return same_effect and same_key and (exists or told == taint.get("value", ""))
