"""The disruption controller: how many pods of each PodDisruptionBudget may go at the moment."""

import logging
import math
from datetime import timedelta
from typing import Any

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import (
    Condition,
    Document,
    controller_of,
    format_time,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    parse_time,
    with_condition,
)
from cluster.errors import Conflict, NotFound
from cluster.kinds import POD_DISRUPTION_BUDGETS
from cluster.pods import is_ready
from cluster.simulator.controllers.sizes import Sizes
from cluster.simulator.selectors import object_selector_test
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]
EVICTION_SECONDS = 120.0
"""How long an evicted pod is counted as gone while it is still there."""


class NotCountable(Exception):
    """A budget in shares of pods that nobody says how many there should be."""


class DisruptionController:
    def __init__(self, client: ClusterClient, pods: WatchCache, sizes: Sizes) -> None:
        self._client, self._pods, self._sizes = client, pods, sizes
        self.budgets = WatchCache(client, POD_DISRUPTION_BUDGETS, on_change=self._changed)
        self._queue: WorkQueue[Key] = WorkQueue("disruption", self._reconcile, threads=1)
        pods.listen(self._pod_changed)
        sizes.listen(self._size_changed)

    def start(self) -> None:
        """The pods must have been listed."""
        self.budgets.start()
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        self.budgets.stop()

    def _changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _pod_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        pods = [pod for pod in (new, old) if pod is not None]
        for budget in self.budgets.items() if pods else []:
            if namespace_of(budget) == namespace_of(pods[0]):
                selects = object_selector_test(budget["spec"].get("selector"))
                if any(selects(labels_of(pod)) for pod in pods):
                    self._queue.add(key_of(budget))

    def _size_changed(self, namespace: str) -> None:
        for budget in self.budgets.items():
            if namespace_of(budget) == namespace:
                self._queue.add(key_of(budget))

    def _reconcile(self, key: Key) -> None:
        budget = self.budgets.get(*key)
        if budget is None or is_deleting(budget):
            return
        selects = object_selector_test(budget["spec"].get("selector"))
        pods = [pod for pod in self._pods.items() if namespace_of(pod) == key[0] and selects(labels_of(pod))]
        try:
            status = self._status(budget, pods)
            if status != (budget.get("status") or {}):
                self._client.replace(
                    POD_DISRUPTION_BUDGETS, {**budget, "status": status}, subresource="status"
                )
        except (Conflict, NotFound):
            self._queue.add_after(key, 0.05)
            return
        if status.get("disruptedPods"):
            self._queue.add_after(key, clock.real_seconds(EVICTION_SECONDS))

    def _status(self, budget: Document, pods: list[Document]) -> dict[str, Any]:
        before = dict(budget.get("status") or {})
        going = _still_going(before.get("disruptedPods") or {}, pods)
        healthy = sum(
            1 for pod in pods if is_ready(pod) and not is_deleting(pod) and name_of(pod) not in going
        )
        try:
            expected, desired = self._needed(budget["spec"], pods)
            allowed = max(healthy - desired, 0) if expected else 0
            reason, message = ("SufficientPods" if allowed else "InsufficientPods"), ""
        except NotCountable as problem:
            expected, desired = before.get("expectedPods", 0), before.get("desiredHealthy", 0)
            allowed, reason, message = 0, "SyncFailed", str(problem)
        status = {
            **before,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "disruptionsAllowed": allowed,
            "observedGeneration": budget["metadata"].get("generation", 0),
            "conditions": _conditions(budget, reason, message, allowed=allowed > 0),
        }
        status.pop("disruptedPods", None)
        return status | ({"disruptedPods": going} if going else {})

    def _needed(self, spec: Document, pods: list[Document]) -> tuple[int, int]:
        """(pods there should be, pods that must be healthy). Raises NotCountable."""
        if "maxUnavailable" in spec:
            expected = self._expected(pods)
            return expected, max(expected - _share(spec["maxUnavailable"], expected), 0)
        least = spec.get("minAvailable", 1)
        expected = len(pods) if isinstance(least, int) else self._expected(pods)
        return expected, _share(least, expected)

    def _expected(self, pods: list[Document]) -> int:
        """What the owners of the pods are told to keep, each counted once; pods that nobody manages do not count."""
        sizes: dict[str, int] = {}
        for pod in pods:
            owner = controller_of(pod)
            if owner is None:
                continue
            found = self._sizes.size_of(namespace_of(pod), owner)
            if found is None:
                raise NotCountable(f"found no controllers with a size for pod {name_of(pod)!r}")
            sizes[found[0]] = found[1]
        return sum(sizes.values())


def _still_going(disrupted: dict[str, str], pods: list[Document]) -> dict[str, str]:
    """Evicted pods that are there and not yet being deleted, for two minutes."""
    waiting = {name_of(pod) for pod in pods if not is_deleting(pod)}
    limit = clock.now() - timedelta(seconds=EVICTION_SECONDS)
    return {
        name: moment for name, moment in disrupted.items() if name in waiting and parse_time(moment) > limit
    }


def _share(amount: int | str, expected: int) -> int:
    """A number, or a percentage of the expected pods rounded up."""
    return amount if isinstance(amount, int) else math.ceil(int(amount.rstrip("%")) * expected / 100)


def _conditions(budget: Document, reason: str, message: str, *, allowed: bool) -> list[Condition]:
    before: list[Condition] = (budget.get("status") or {}).get("conditions") or []
    generation = budget["metadata"].get("generation", 0)
    value = "True" if allowed else "False"
    old = next((one for one in before if one["type"] == "DisruptionAllowed"), None)
    stamp = format_time(clock.now())
    if old is not None and old["status"] == value and old.get("reason") == reason:
        stamp = old["lastTransitionTime"]
    condition: Any = {
        "type": "DisruptionAllowed",
        "status": value,
        "reason": reason,
        "message": message,
        "lastTransitionTime": stamp,
        "observedGeneration": generation,
    }
    if old == condition:
        return before
    return (
        [condition if one["type"] == "DisruptionAllowed" else one for one in before]
        if old
        else with_condition(before, condition)
    )
