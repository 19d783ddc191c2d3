"""Pods that belong together, kept from one look to the next: only groups with a changed pod are put together anew."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cluster.documents import Document, labels_of, name_of
from cluster.labels import QUEUE
from scheduling.company import Company
from scheduling.engine.model.tasks import TaskState
from scheduling.grouping import GangKey, Group, Membership, group_of
from scheduling.pod_facts import PodFacts, Problem

Refused = tuple[PodFacts, Problem]


def owners_of(company: Company, namespaces: Iterable[Document]) -> dict[str, str]:
    """Namespace -> the queue of its project, or the one that its label names."""
    owners = {project.namespace: project.name for project in company.projects}
    for namespace in namespaces:
        label = labels_of(namespace).get(QUEUE)
        if label:
            owners.setdefault(name_of(namespace), label)
    return owners


class GangBook:
    """`groups` by key; `refused` are pods that cannot be in one as they are written, with the reason, by uid."""

    def __init__(self) -> None:
        self.groups: dict[GangKey, Group] = {}
        self.refused: dict[str, Refused] = {}
        self._members: dict[GangKey, dict[str, tuple[Membership, PodFacts]]] = {}
        self._key_of: dict[str, GangKey] = {}
        self._owners: dict[str, str] = {}

    def update(
        self, facts: Mapping[str, PodFacts], changed: Iterable[str], owners: dict[str, str]
    ) -> set[GangKey]:
        """The groups that are others than after the last look, or gone; `changed` are uids."""
        if owners != self._owners:
            self._owners = owners
            changed = facts.keys() | set(changed)
        dirty: set[GangKey] = set()
        for uid in changed:
            self._take_out(uid, dirty)
            one = facts.get(uid)
            if one is not None:
                self._take_in(one, dirty)
        for key in dirty:
            members = self._members.get(key)
            if members:
                self.groups[key] = group_of(members[uid] for uid in sorted(members))
            else:
                self._members.pop(key, None)
                self.groups.pop(key, None)
        return dirty

    def _take_out(self, uid: str, dirty: set[GangKey]) -> None:
        self.refused.pop(uid, None)
        key = self._key_of.pop(uid, None)
        if key is not None:
            del self._members[key][uid]
            dirty.add(key)

    def _take_in(self, one: PodFacts, dirty: set[GangKey]) -> None:
        found = self._membership(one)
        if isinstance(found, Problem):
            self.refused[one.uid] = one, found
        elif found is not None:
            self._members.setdefault(found.key, {})[one.uid] = found, one
            self._key_of[one.uid] = found.key
            dirty.add(found.key)

    def _membership(self, one: PodFacts) -> Membership | Problem | None:
        """With its queue decided; the reason why it cannot be; None for a pod that nobody waits for."""
        waits = one.state is TaskState.PENDING
        if not one.ours:
            return None
        if one.problem is not None or one.membership is None:
            return (one.problem or Problem("InvalidPod", "It cannot be read.")) if waits else None
        if one.state is None and not one.finished_well:
            return None
        home, said = self._owners.get(one.namespace, ""), one.membership.queue
        if home and said and home != said and waits:
            text = f"Its label {QUEUE} says {said}, but its namespace {one.namespace} belongs to {home}."
            return Problem("QueueMismatch", text)
        queue = home or said
        if not queue and waits:
            text = f"Its namespace {one.namespace} belongs to no project, and no label {QUEUE} names one."
            return Problem("NoProject", text)
        return one.membership if queue == said else replace(one.membership, queue=queue)
