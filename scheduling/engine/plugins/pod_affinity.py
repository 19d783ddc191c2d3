"""Pods that must, must not or would rather run near others. Looks at where tasks are at this moment of the cycle."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from scheduling.engine.model.constraints import PodAffinityTerm
from scheduling.engine.model.shapes import Shape
from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.model.tasks import Task
from scheduling.engine.plugin import Plugin
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import IS_ACTIVE

WISH_POINTS = 100_000.0


@dataclass
class PodAffinity(Plugin):
    """Costs nothing in a snapshot without such terms. Tasks being released do not count as neighbours."""

    name = "pod_affinity"
    repelling: list[int] = field(default_factory=list)
    """Tasks with a required anti-affinity: it works both ways."""
    in_use: bool = False

    def opened(self, session: Session) -> None:
        snapshot = session.snapshot
        kinds = [shape.constraints for shape in snapshot.shapes]
        self.in_use = any(one.pod_affinity or one.pod_anti_affinity or one.preferred_pods for one in kinds)
        repelling = {number for number, one in enumerate(kinds) if one.pod_anti_affinity}
        if repelling:
            self.repelling = [task for task, shape in enumerate(snapshot.task_shape) if shape in repelling]

    def concerns(self, session: Session, shape: Shape) -> bool:
        return self.in_use

    def fits(self, session: Session, task: int, node: int) -> str | None:
        one = session.snapshot.tasks[task]
        for term in one.constraints.pod_anti_affinity:
            if any(True for _ in _neighbours(session, task, one, term, node)):
                return "pod anti-affinity"
        for other in self.repelling:
            if other != task and self._repels(session, other, one, node):
                return "another pod's anti-affinity"
        for term in one.constraints.pod_affinity:
            if term.topology_key not in session.snapshot.nodes[node].labels:
                return "pod affinity"
            if not any(True for _ in _neighbours(session, task, one, term, node)) and not _is_first(
                session, task, one, term
            ):
                return "pod affinity"
        return None

    def _repels(self, session: Session, other: int, one: Task, node: int) -> bool:
        position = session.state.position(other)
        if position.node == NOWHERE or not IS_ACTIVE[position.state]:
            return False
        theirs = session.snapshot.tasks[other]
        return any(
            term.selects(one.labels, one.namespace, theirs.namespace)
            and _same_domain(session, term, position.node, node)
            for term in theirs.constraints.pod_anti_affinity
        )

    def neighbour_score(self, session: Session, task: int, node: int) -> float:
        """Wishes met, by weight, of the wishes there are."""
        one = session.snapshot.tasks[task]
        wishes = one.constraints.preferred_pods
        whole = sum(abs(wish.weight) for wish in wishes)
        met = sum(
            wish.weight
            for wish in wishes
            if any(True for _ in _neighbours(session, task, one, wish.term, node))
        )
        return WISH_POINTS * met / whole if whole else 0.0


def _neighbours(session: Session, task: int, one: Task, term: PodAffinityTerm, node: int) -> Iterator[int]:
    """Selected tasks that run, or are promised a place, in the node's domain."""
    for other in _selected(session, task, one, term):
        position = session.state.position(other)
        if position.node != NOWHERE and _same_domain(session, term, position.node, node):
            yield other


def _selected(session: Session, task: int, one: Task, term: PodAffinityTerm) -> Iterator[int]:
    states = session.state.states
    for other, candidate in enumerate(session.snapshot.tasks):
        if (
            other != task
            and IS_ACTIVE[states[other]]
            and term.selects(candidate.labels, candidate.namespace, one.namespace)
        ):
            yield other


def _same_domain(session: Session, term: PodAffinityTerm, one: int, other: int) -> bool:
    nodes = session.snapshot.nodes
    value = nodes[one].labels.get(term.topology_key)
    return value is not None and value == nodes[other].labels.get(term.topology_key)


def _is_first(session: Session, task: int, one: Task, term: PodAffinityTerm) -> bool:
    """A pod that selects itself may start where nobody it selects runs anywhere: someone has to be first."""
    return term.selects(one.labels, one.namespace, one.namespace) and not any(
        True for _ in _selected(session, task, one, term)
    )
