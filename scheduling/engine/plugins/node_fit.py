"""Which nodes a task may run on at all: readiness, cordon, labels, node affinity, taints, known device memory."""

from dataclasses import dataclass

from scheduling.engine.model.constraints import Constraints
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.shapes import Shape
from scheduling.engine.plugin import Plugin
from scheduling.engine.session import Session

PREFERRED_POINTS = 100_000.0


@dataclass
class NodeFit(Plugin):
    name = "node_fit"
    has_closed_nodes: bool = False
    """Some node is not ready, cordoned or tainted."""
    has_taints: bool = False

    def opened(self, session: Session) -> None:
        nodes = session.snapshot.nodes
        self.has_taints = any(node.taints for node in nodes)
        self.has_closed_nodes = self.has_taints or any(node.cordoned or not node.ready for node in nodes)

    def restricts(self, session: Session, shape: Shape) -> bool:
        constraints = shape.constraints
        return self.has_closed_nodes or bool(constraints.node_selector or constraints.node_terms)

    def admits(self, session: Session, shape: Shape, node: int) -> str | None:
        one = session.snapshot.nodes[node]
        if not one.ready:
            return "not ready"
        constraints = shape.constraints
        if one.cordoned and not _tolerates_cordon(constraints):
            return "cordoned"
        if one.taints and (taint := _untolerated(one, constraints)):
            return taint
        labels = one.labels
        if not constraints.selects_node(labels):
            return "node selector does not match"
        if not constraints.has_affinity_to(labels, one.name):
            return "node affinity does not match"
        return None

    def prefers(self, session: Session, shape: Shape) -> bool:
        return self.has_taints or bool(shape.constraints.preferred_nodes)

    def constant_score(self, session: Session, shape: Shape, node: int) -> float:
        """Preferred node affinity and PreferNoSchedule taints, scaled into one tier."""
        one, constraints = session.snapshot.nodes[node], shape.constraints
        points = 0.0
        if constraints.preferred_nodes:
            whole = sum(wish.weight for wish in constraints.preferred_nodes)
            met = sum(
                wish.weight for wish in constraints.preferred_nodes if wish.term.matches(one.labels, one.name)
            )
            points += PREFERRED_POINTS * met / whole if whole else 0.0
        if any(
            taint.effect == "PreferNoSchedule" and not constraints.tolerates(taint) for taint in one.taints
        ):
            points -= PREFERRED_POINTS
        return points


def _untolerated(node: Node, constraints: Constraints) -> str | None:
    for taint in node.taints:
        if taint.effect != "PreferNoSchedule" and not constraints.tolerates(taint):
            return f"taint {taint.key} not tolerated"
    return None


def _tolerates_cordon(constraints: Constraints) -> bool:
    """As Kubernetes has it: a toleration of the unschedulable taint also passes a cordon."""
    return any(
        toleration.key in {"", "node.kubernetes.io/unschedulable"}
        and toleration.operator == "Exists"
        and toleration.effect in {"", "NoSchedule"}
        for toleration in constraints.tolerations
    )
