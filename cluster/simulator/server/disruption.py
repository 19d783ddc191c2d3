"""PodDisruptionBudgets: may this pod be evicted now? Decided by the status that the budget's controller keeps, as in kube-apiserver."""

from typing import Any

from cluster.clock import now
from cluster.simulator.problems import Problem, forbidden, too_many_requests
from cluster.simulator.selectors import object_selector_test
from cluster.simulator.server.api import Api, Document
from cluster.simulator.store.objects import Stored

BUDGETS = "poddisruptionbudgets.policy"
UNPROTECTED = ("Succeeded", "Failed", "Pending")
REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
MOST_DISRUPTED = 2000
"""Pods on their way out that one budget keeps in mind; more than that, and its controller must catch up first."""


def take_from_budget(api: Api, pod: Stored, *, dry_run: bool) -> None:
    """Count the eviction against the pod's budget, if it has one. Raises 403, 429, 500; changes nothing then."""
    document = pod.document
    status = document.get("status", {})
    if status.get("phase") in UNPROTECTED or document["metadata"].get("deletionTimestamp"):
        return
    found = _budgets_of(api, pod)
    if not found:
        return
    if len(found) > 1:
        text = (
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
        raise Problem(500, "InternalError", f"Internal error occurred: {text}")
    (budget,) = found
    if not _is_ready(document) and _lets_unhealthy_go(budget.document):
        return
    taken = _taken(budget, pod.name)
    if not dry_run:
        api.store.put(BUDGETS, taken)


def _budgets_of(api: Api, pod: Stored) -> list[Stored]:
    labels = pod.document["metadata"].get("labels") or {}
    return [
        stored
        for stored in api.store.listed(BUDGETS, pod.namespace)
        if object_selector_test(stored.document.get("spec", {}).get("selector"))(labels)
    ]


def _is_ready(document: Document) -> bool:
    conditions = document.get("status", {}).get("conditions") or []
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def _lets_unhealthy_go(budget: Document) -> bool:
    """A pod that is not ready does not count for the budget: always, or while the others are enough."""
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status", {})
    desired = status.get("desiredHealthy", 0)
    return bool(desired > 0 and status.get("currentHealthy", 0) >= desired)


def _taken(budget: Stored, pod: str) -> Document:
    """The budget with one disruption fewer to give."""
    document, name = budget.document, budget.name
    status: dict[str, Any] = document.get("status", {})
    allowed, disrupted = status.get("disruptionsAllowed", 0), status.get("disruptedPods") or {}
    if status.get("observedGeneration", 0) < document["metadata"].get("generation", 0):
        raise _refused(
            f"The disruption budget {name} is still being processed by the server.", retry_after=10
        )
    if allowed < 0:
        raise forbidden("poddisruptionbudgets", "policy", name, "pdb disruptions allowed is negative")
    if len(disrupted) > MOST_DISRUPTED:
        raise forbidden(
            "poddisruptionbudgets",
            "policy",
            name,
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        )
    if allowed == 0:
        desired, current = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        raise _refused(
            f"The disruption budget {name} needs {desired} healthy pods and has {current} currently"
        )
    moment = now().strftime("%Y-%m-%dT%H:%M:%SZ")
    fresh = {**status, "disruptionsAllowed": allowed - 1, "disruptedPods": {**disrupted, pod: moment}}
    return {**document, "status": fresh}


def _refused(detail: str, *, retry_after: int = 0) -> Problem:
    cause = {"reason": "DisruptionBudget", "message": detail}
    return too_many_requests(REFUSED, retry_after=retry_after, causes=[cause])
