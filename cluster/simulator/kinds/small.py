"""Kinds with one or two rules of their own: nodes, leases, priority classes, network policies."""

from cluster.simulator.kinds.rules import Document, KindRules
from cluster.simulator.problems import Cause, forbidden_field, wrong


def _fill_node(document: Document) -> None:
    """What a node has is what it can give, unless it says otherwise."""
    status = document.get("status", {})
    if status.get("capacity") and not status.get("allocatable"):
        document["status"] = {**status, "allocatable": dict(status["capacity"])}


def _fill_network_policy(document: Document) -> None:
    """It is about what comes in, and about what goes out when it has rules for that."""
    spec = document.get("spec", {})
    if not spec.get("policyTypes"):
        document["spec"] = {**spec, "policyTypes": ["Ingress", *(["Egress"] if spec.get("egress") else [])]}


def _lease_causes(new: Document, old: Document | None) -> list[Cause]:
    spec = new.get("spec", {})
    causes = []
    seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        causes.append(wrong("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    if transitions is not None and transitions < 0:
        causes.append(wrong("spec.leaseTransitions", transitions, "must be greater than or equal to 0"))
    return causes


def _priority_causes(new: Document, old: Document | None) -> list[Cause]:
    name, value = new["metadata"]["name"], new.get("value", 0)
    causes = []
    if name.startswith("system-") and name not in ("system-node-critical", "system-cluster-critical"):
        detail = "priority class names with 'system-' prefix are reserved for system use only"
        causes.append(forbidden_field("metadata.name", detail))
    elif not name.startswith("system-") and value > 1_000_000_000:
        causes.append(
            forbidden_field("value", "maximum allowed value of a user defined priority is 1000000000")
        )
    if old is not None:
        causes += [
            forbidden_field(key, "may not be changed in an update.")
            for key in ("value", "preemptionPolicy")
            if new.get(key) != old.get(key)
        ]
    return causes


NODE_RULES = KindRules(fill=_fill_node)
LEASE_RULES = KindRules(creates_on_update=True, needs_version_on_update=True, causes=_lease_causes)
PRIORITY_CLASS_RULES = KindRules(has_generation=True, causes=_priority_causes)
NETWORK_POLICY_RULES = KindRules(has_generation=True, fill=_fill_network_policy)
