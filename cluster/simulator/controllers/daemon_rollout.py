"""What is to be made and deleted so that each node has its pod of a DaemonSet, the newest in time. Pure but for the clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cluster.documents import Document, labels_of
from cluster.pods import is_ready
from cluster.simulator.controllers.daemon_pods import HASH_LABEL
from cluster.simulator.controllers.rollout import share_of
from cluster.simulator.controllers.stateful_status import is_available


@dataclass
class Place:
    """One node: whether a pod belongs there, whether one may stay, and the pods that are there and not gone."""

    node: str
    wanted: bool
    may_stay: bool
    pods: list[Document] = field(default_factory=list)
    leaving: int = 0
    """Pods that are being deleted; while one is there no other is made, unless more than one may be there."""

    def running(self) -> list[Document]:
        """Oldest first, those on their node before those that wait."""
        kept = [pod for pod in self.pods if _phase(pod) not in ("Failed", "Succeeded")]
        return sorted(kept, key=lambda pod: (not pod["spec"].get("nodeName"), _age(pod)))

    def ended(self) -> list[Document]:
        return [pod for pod in self.pods if _phase(pod) in ("Failed", "Succeeded")]


@dataclass
class Steps:
    """Nodes that get a pod, pods that go."""

    make: list[str] = field(default_factory=list)
    delete: list[Document] = field(default_factory=list)


def limits_of(daemon_set: Document, wanted: int) -> tuple[int, int]:
    """(surge, unavailable) as numbers of pods, both rounded up."""
    strategy = daemon_set["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return 0, 0
    rolling = strategy.get("rollingUpdate") or {}
    surge = share_of(rolling.get("maxSurge", 0), wanted, up=True)
    return surge, share_of(rolling.get("maxUnavailable", 1), wanted, up=True)


def settle(daemon_set: Document, place: Place, digest: str) -> Steps:
    """One pod on each node where it belongs, none elsewhere. Ended pods are the caller's affair."""
    running = place.running()
    if not place.may_stay:
        return Steps(delete=running)
    surging = limits_of(daemon_set, 1)[0] > 0
    if place.wanted and not place.pods and (surging or not place.leaving):
        return Steps(make=[place.node])
    if not surging or len(running) < 2:
        return Steps(delete=running[1:])
    new, old = _newest(running, digest), _others(running, digest)
    doomed = [*new[1:], *old[1:]]
    if new and old and (not is_ready(old[0]) or is_available(daemon_set, new[0])):
        doomed.append(old[0])
    return Steps(delete=doomed)


def roll(daemon_set: Document, places: list[Place], digest: str) -> Steps:
    """Pods of an older template make room, as many at a time as may be missing, or may be too many."""
    if (daemon_set["spec"].get("updateStrategy") or {}).get("type") == "OnDelete":
        return Steps()
    surge, unavailable = limits_of(daemon_set, sum(place.wanted for place in places))
    occupied = [place for place in places if place.pods or place.leaving]
    if surge:
        return _roll_by_adding(daemon_set, occupied, digest, surge)
    return _roll_by_deleting(daemon_set, occupied, digest, unavailable)


def _roll_by_deleting(daemon_set: Document, places: list[Place], digest: str, unavailable: int) -> Steps:
    broken: list[Document] = []
    candidates: list[Document] = []
    missing = 0
    for place in places:
        running = place.running()
        pod = running[0] if len(running) == 1 else None
        well = pod is not None and is_available(daemon_set, pod)
        missing += not well
        if pod is not None and _is_old(pod, digest):
            (candidates if well else broken).append(pod)
    return Steps(delete=[*broken, *candidates[: max(unavailable - missing, 0)]])


def _roll_by_adding(daemon_set: Document, places: list[Place], digest: str, surge: int) -> Steps:
    at_once: list[str] = []
    candidates: list[str] = []
    adding = 0
    for place in places:
        running = place.running()
        new, old = _newest(running, digest), _others(running, digest)
        if len(new) > 1 or len(old) > 1 or (new and old):
            adding += 1
        elif old and place.wanted:
            (candidates if is_available(daemon_set, old[0]) else at_once).append(place.node)
    return Steps(make=[*at_once, *candidates[: max(surge - adding, 0)]])


def status_of(daemon_set: Document, places: Iterable[Place], digest: str) -> Document:
    """The numbers that kubectl shows."""
    wanted = scheduled = misplaced = ready = updated = available = 0
    for place in places:
        present = [*place.running(), *place.ended()]
        if not place.wanted:
            misplaced += bool(present or place.leaving)
            continue
        wanted += 1
        scheduled += bool(present or place.leaving)
        if present:
            ready += is_ready(present[0])
            available += is_available(daemon_set, present[0])
            updated += not _is_old(present[0], digest)
    status: dict[str, Any] = {
        "currentNumberScheduled": scheduled,
        "numberMisscheduled": misplaced,
        "desiredNumberScheduled": wanted,
        "numberReady": ready,
        "observedGeneration": daemon_set["metadata"].get("generation", 0),
    }
    rest = {
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
        "numberUnavailable": wanted - available,
    }
    return status | {name: number for name, number in rest.items() if number}


def _newest(pods: list[Document], digest: str) -> list[Document]:
    return [pod for pod in pods if not _is_old(pod, digest)]


def _others(pods: list[Document], digest: str) -> list[Document]:
    return [pod for pod in pods if _is_old(pod, digest)]


def _is_old(pod: Document, digest: str) -> bool:
    return labels_of(pod).get(HASH_LABEL) != digest


def _phase(pod: Document) -> str:
    return str((pod.get("status") or {}).get("phase"))


def _age(pod: Document) -> str:
    return str(pod["metadata"].get("creationTimestamp") or "")
