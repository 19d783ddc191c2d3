"""Pure: PodDisruptionBudgets -> the gangs that must not be touched now."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cluster.documents import Document, condition_of, is_deleting, labels_of, name_of, namespace_of, uid_of
from scheduling.engine.model.constraints import LabelRequirement
from scheduling.requests import UnreadablePod
from scheduling.selectors import read_selector


@dataclass(frozen=True)
class Budget:
    """How many of the selected pods may still be taken; `pods` are their uids."""

    name: str
    namespace: str
    allowed: int
    pods: frozenset[str]


def read_budgets(documents: Iterable[Document], pods: Iterable[Document]) -> list[Budget]:
    """Those of the cluster. One that cannot be understood allows nothing to its whole namespace."""
    documents = list(documents)
    if not documents:
        return []
    by_namespace: dict[str, list[Document]] = {}
    for pod in pods:
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            by_namespace.setdefault(namespace_of(pod), []).append(pod)
    return [_read(one, by_namespace.get(namespace_of(one), [])) for one in documents]


def _read(document: Document, neighbours: list[Document]) -> Budget:
    spec = document.get("spec") or {}
    place = {"name": name_of(document), "namespace": namespace_of(document)}
    if spec.get("selector") is None:  # selects nothing, as Kubernetes has it
        return Budget(**place, allowed=0, pods=frozenset())
    try:
        selector = read_selector(spec["selector"])
        selected = [pod for pod in neighbours if _selects(selector, pod)]
        allowed = _allowed(document, selected)
    except (UnreadablePod, ValueError, TypeError, AttributeError):
        return Budget(**place, allowed=0, pods=frozenset(map(uid_of, neighbours)))
    return Budget(**place, allowed=allowed, pods=frozenset(map(uid_of, selected)))


def _selects(selector: tuple[LabelRequirement, ...], pod: Document) -> bool:
    return all(one.matches(labels_of(pod)) for one in selector)


def _allowed(document: Document, selected: list[Document]) -> int:
    """What the cluster's own controller says, if it has looked at this version; else counted from the pods as it would."""
    status = document.get("status") or {}
    generation = document["metadata"].get("generation")
    if "disruptionsAllowed" in status and status.get("observedGeneration") == generation is not None:
        return int(status["disruptionsAllowed"])
    spec = document.get("spec") or {}
    healthy = sum(_is_healthy(pod) for pod in selected)
    if "minAvailable" in spec:
        needed = share_of(spec["minAvailable"], len(selected))
    else:
        needed = len(selected) - share_of(spec.get("maxUnavailable", 1), len(selected))
    return max(0, healthy - needed)


def _is_healthy(pod: Document) -> bool:
    condition = condition_of(pod, "Ready")
    return not is_deleting(pod) and condition is not None and condition["status"] == "True"


def share_of(amount: int | str, expected: int) -> int:
    """A number, or a percentage of the expected pods rounded up. Raises ValueError for what is neither."""
    if isinstance(amount, int):
        return amount
    if not amount.endswith("%"):
        raise ValueError(f"{amount!r} is neither a number nor a percentage")
    return math.ceil(int(amount.removesuffix("%")) * expected / 100)


def protected_gangs(budgets: Iterable[Budget], gang_of: Mapping[str, str]) -> dict[str, str]:
    """Gang -> the budget that keeps it: it holds more pods under the budget than may go. `gang_of` maps pods that hold a place.

    All or nothing of a gang: to take a part and be refused the rest would break it for nothing.
    """
    kept: dict[str, str] = {}
    for budget in budgets:
        held = Counter(gang_of[pod] for pod in budget.pods if pod in gang_of)
        for gang, count in held.items():
            if count > budget.allowed:
                kept.setdefault(gang, f"{budget.namespace}/{budget.name}")
    return kept
