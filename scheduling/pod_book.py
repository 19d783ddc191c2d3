"""Facts of a cluster's pods, kept from one look to the next: only what has changed meanwhile is worked out anew."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from cluster.documents import Document, annotations_of, controller_of, labels_of, name_of, uid_of
from scheduling.assumptions import Assumption, Assumptions
from scheduling.constraints import Namespaces, depends_on_namespaces
from scheduling.engine.model.nodes import Topology
from scheduling.engine.model.tasks import TaskState
from scheduling.group_owners import OwnerName, owner_name_of, owner_named_by
from scheduling.grouping import Words, owners_words
from scheduling.mounts import Mounts
from scheduling.pod_facts import Alike, PodFacts, Problem, read_pod
from scheduling.requests import HOST_PORT
from scheduling.topologies import problem_of
from scheduling.world import World


class _Read(NamedTuple):
    """A pod as the cluster shows it, the uid of its owner, the object that it names, what was worked out of it, and whether also of
    the labels of namespaces."""

    document: Document
    owner: str
    group_owner: OwnerName | None
    facts: PodFacts
    by_namespaces: bool


class PodBook:
    """`facts` are the pods as they stand: what the cluster shows, with what was done and is not echoed yet, by uid.

    After any history of looks it equals what a new book would say of the last world.
    """

    def __init__(self) -> None:
        self.facts: dict[str, PodFacts] = {}
        self.aside: dict[str, PodFacts] = {}
        """Pods that hold a place and are not scheduled here, or cannot be read; by uid."""
        self.with_ports: dict[str, PodFacts] = {}
        """Pods that ask for ports of their node, by uid."""
        self._documents: dict[int, Document] = {}
        """Those of the last look by identity: a changed pod is another document."""
        self._namespaces: Namespaces = {}
        self._read: dict[str, _Read] = {}
        self._held: dict[str, str] = {}
        self._said: dict[str, tuple[Document, Words]] = {}
        self._group_owners: dict[OwnerName, Document] = {}
        self._surrounded: set[str] = set()
        """Pods whose facts depend on other objects, too."""
        self._alike = Alike()
        self._mounts = Mounts()

    def update(self, world: World, assumptions: Assumptions, topologies: Mapping[str, Topology]) -> set[str]:
        """The uids of the pods whose facts are others than after the last look, or that are gone."""
        owners = self._hear_owners(world.jobs), self._hear_group_owners(world.group_owners)
        changed = self._read_anew(world, *owners)
        held = assumptions.current(self._state_of)
        nodes = {uid: one.node for uid, one in held.items()}
        changed.update(uid for uid, _ in nodes.items() ^ self._held.items())
        self._held = nodes
        for uid in changed:
            read = self._read.get(uid)
            if read is None:
                self._forget(uid)
                continue
            self._put(uid, _with_assumption(read.facts, held.get(uid)))
            wishes = read.facts.membership is not None and read.facts.membership.topology is not None
            if wishes or read.facts.claims:
                self._surrounded.add(uid)
            else:
                self._surrounded.discard(uid)
        changed |= self._look_around(world, held, topologies)
        return changed

    def _state_of(self, uid: str) -> TaskState | None:
        read = self._read.get(uid)
        return read.facts.state if read else None

    def _hear_owners(self, jobs: Iterable[Document]) -> set[str]:
        """The uids of owners that say something else than before."""
        before, self._said = self._said, {}
        anew = set()
        for job in jobs:
            uid = uid_of(job)
            known = before.get(uid)
            words = known[1] if known and known[0] is job else owners_words(job)
            self._said[uid] = job, words
            if words != (known[1] if known else ()):
                anew.add(uid)
        anew.update(uid for uid in before.keys() - self._said.keys() if before[uid][1])
        return anew

    def _hear_group_owners(self, documents: Iterable[Document]) -> set[OwnerName]:
        """The names of those that say something else than before; what becomes of them, their status, says nothing."""
        before, self._group_owners = self._group_owners, {owner_name_of(one): one for one in documents}
        return {
            name
            for name in before.keys() | self._group_owners.keys()
            if (old := before.get(name)) is not (new := self._group_owners.get(name))
            and _said(old) != _said(new)
        }

    def _read_anew(self, world: World, owners: set[str], group_owners: set[OwnerName]) -> set[str]:
        """The uids of the pods that have changed, are gone, or depend on an owner or a namespace that has changed."""
        come, gone = self._compare(world.pods)
        changed = {uid for uid, document in come.items() if not self._is_known(uid, document)}
        if owners:
            changed.update(uid for uid, one in self._read.items() if one.owner in owners)
        if group_owners:
            changed.update(uid for uid, one in self._read.items() if one.group_owner in group_owners)
        namespaces = {name_of(one): labels_of(one) for one in world.namespaces}
        if namespaces != self._namespaces:
            self._namespaces = namespaces
            changed.update(uid for uid, one in self._read.items() if one.by_namespaces)
        for uid in changed - gone:
            self._read[uid] = self._read_one(come.get(uid) or self._read[uid].document)
        for uid in gone:
            del self._read[uid]
        return changed | gone

    def _compare(self, documents: Sequence[Document]) -> tuple[dict[str, Document], set[str]]:
        """The documents that were not there at the last look, by uid, and the uids of pods that are gone."""
        before = self._documents
        self._documents = dict(zip(map(id, documents), documents, strict=True))
        anew = (self._documents[key] for key in self._documents.keys() - before.keys())
        come = {uid_of(document): document for document in anew}
        left = {uid_of(before[key]) for key in before.keys() - self._documents.keys()}
        return come, left - come.keys()

    def _is_known(self, uid: str, document: Document) -> bool:
        """Whether it is only another copy of what was read, as after listing anew."""
        known = self._read.get(uid)
        return known is not None and _version(known.document) == _version(document)

    def _read_one(self, document: Document) -> _Read:
        owner = controller_of(document)
        owner_uid = str(owner["uid"]) if owner else ""
        named = owner_named_by(document)
        group_owner = self._group_owners.get(named) if named else None
        words = self._said[owner_uid][1] if owner_uid in self._said else ()
        if group_owner is not None:
            words = (*owners_words(group_owner), *words)  # the nearer owner's come later and count more
        facts = read_pod(document, self._alike, words, self._namespaces, group_owner)
        return _Read(document, owner_uid, named, facts, depends_on_namespaces(document))

    def _look_around(
        self, world: World, held: Mapping[str, Assumption], topologies: Mapping[str, Topology]
    ) -> set[str]:
        """Volumes and topologies change without the pods that ask for them."""
        alone = [_with_assumption(self._read[uid].facts, held.get(uid)) for uid in sorted(self._surrounded)]
        changed = set()
        for one in self._mounts.applied(alone, world):
            facts = _in_topology(one, topologies)
            if facts != self.facts[one.uid]:
                self._put(one.uid, facts)
                changed.add(one.uid)
        return changed

    def _put(self, uid: str, facts: PodFacts) -> None:
        self.facts[uid] = facts
        _keep(self.aside, facts, belongs=facts.holds and (not facts.ours or facts.problem is not None))
        ports = any(name.startswith(HOST_PORT) for name, _ in facts.request.extended)
        _keep(self.with_ports, facts, belongs=ports)

    def _forget(self, uid: str) -> None:
        for some in (self.facts, self.aside, self.with_ports):
            some.pop(uid, None)
        self._surrounded.discard(uid)


def _keep(some: dict[str, PodFacts], facts: PodFacts, *, belongs: bool) -> None:
    if belongs:
        some[facts.uid] = facts
    else:
        some.pop(facts.uid, None)


def _said(owner: Document | None) -> object:
    if owner is None:
        return None
    return uid_of(owner), owner.get("spec"), labels_of(owner), annotations_of(owner)


def _version(document: Document) -> object:
    return document["metadata"].get("resourceVersion")


def _with_assumption(facts: PodFacts, assumption: Assumption | None) -> PodFacts:
    if assumption is None or facts.state is None:
        return facts
    if assumption.node and facts.state is TaskState.PENDING:
        return replace(facts, state=TaskState.BINDING, node=assumption.node)
    if not assumption.node and facts.state in (TaskState.BOUND, TaskState.RUNNING):
        return replace(facts, state=TaskState.RELEASING)
    return facts


def _in_topology(facts: PodFacts, known: Mapping[str, Topology]) -> PodFacts:
    """A pod whose wish for a domain nobody can keep waits and is told."""
    wish = facts.membership.topology if facts.membership else None
    text = problem_of(wish, known) if wish and facts.state is TaskState.PENDING else ""
    return replace(facts, problem=Problem("TopologyDoesNotExist", text)) if text else facts
