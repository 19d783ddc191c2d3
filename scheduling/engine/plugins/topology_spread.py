"""Pods that must be spread: over the values of a node label their numbers may differ by so many. Hard constraints only."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from scheduling.engine.model.constraints import Constraints, SpreadConstraint
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.shapes import Shape
from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.plan import Reason
from scheduling.engine.plugin import Plugin
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import IS_ACTIVE


@dataclass
class _Spread:
    """One constraint of one shape: which nodes count in which domain, which tasks are counted, and the counts as they stand."""

    constraint: SpreadConstraint
    domain_of: list[str | None]
    """By node; None where the node does not count."""
    kin: list[int]
    own: int
    """1 when a task of the shape would be counted itself."""
    at: int = -1
    """Node changes that the counts know of."""
    counts: Counter[str] = field(default_factory=Counter)
    least: int = 0

    def refresh(self, session: Session) -> None:
        changes = len(session.state.node_changes)
        if changes == self.at:
            return
        self.at = changes
        states, position = session.state.states, session.state.position
        self.counts = Counter({one: 0 for one in self.domain_of if one is not None})
        for task in self.kin:
            if IS_ACTIVE[states[task]] and (node := position(task).node) != NOWHERE:
                domain = self.domain_of[node]
                if domain is not None:
                    self.counts[domain] += 1
        enough = len(self.counts) >= self.constraint.min_domains
        self.least = min(self.counts.values(), default=0) if enough else 0


@dataclass
class TopologySpread(Plugin):
    """Costs nothing in a snapshot without such constraints. Tasks being released do not count."""

    name = "topology_spread"
    objection = Reason.SPREAD
    by_shape: dict[int, list[_Spread]] = field(default_factory=dict)

    def opened(self, session: Session) -> None:
        self.by_shape = {}

    def restricts(self, session: Session, shape: Shape) -> bool:
        return bool(shape.constraints.spread)

    def admits(self, session: Session, shape: Shape, node: int) -> str | None:
        labels = session.snapshot.nodes[node].labels
        for one in shape.constraints.spread:
            if one.topology_key not in labels:
                return f"no label {one.topology_key} to spread over"
        return None

    def concerns(self, session: Session, shape: Shape) -> bool:
        return bool(shape.constraints.spread)

    def fits(self, session: Session, task: int, node: int) -> str | None:
        number = session.snapshot.task_shape[task]
        spreads = self.by_shape.get(number)
        if spreads is None:
            spreads = self.by_shape[number] = list(_spreads_of(session, task))
        labels = session.snapshot.nodes[node].labels
        for one in spreads:
            one.refresh(session)
            key = one.constraint.topology_key
            if one.counts[labels.get(key, "")] + one.own - one.least > one.constraint.max_skew:
                return f"topology spread over {key}"
        return None


def _spreads_of(session: Session, task: int) -> Iterator[_Spread]:
    """What does not change during a cycle, for all tasks of the shape."""
    snapshot = session.snapshot
    example = snapshot.tasks[task]
    keys = [one.topology_key for one in example.constraints.spread]
    for one in example.constraints.spread:
        domains = [
            node.labels[one.topology_key] if _counts(node, example.constraints, one, keys) else None
            for node in snapshot.nodes
        ]
        kin = [
            other
            for other, candidate in enumerate(snapshot.tasks)
            if candidate.namespace == example.namespace and one.selects(candidate.labels)
        ]
        yield _Spread(one, domains, kin, int(one.selects(example.labels)))


def _counts(node: Node, constraints: Constraints, one: SpreadConstraint, keys: list[str]) -> bool:
    """Nodes without one of the keys never count; by default those count on which the pod's affinity lets it run, tainted or not."""
    if any(key not in node.labels for key in keys):
        return False
    if one.honor_node_affinity and not (
        constraints.selects_node(node.labels) and constraints.has_affinity_to(node.labels, node.name)
    ):
        return False
    return not one.honor_taints or all(
        taint.effect == "PreferNoSchedule" or constraints.tolerates(taint) for taint in node.taints
    )
