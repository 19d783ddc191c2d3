"""Draws of what tasks ask of nodes and neighbours."""

from collections.abc import Iterator
from dataclasses import replace

from scheduling.engine.model.constraints import (
    ANYWHERE,
    Constraints,
    LabelRequirement,
    NodeTerm,
    PodAffinityTerm,
    PreferredNodeTerm,
    PreferredPodAffinityTerm,
    SpreadConstraint,
    Toleration,
)
from tests.engine.laws.world import Dice

HOST = "kubernetes.io/hostname"


class ConstraintDrawing:
    """Of one world."""

    def __init__(self, dice: Dice) -> None:
        self.dice, self.rng, self.has = dice, dice.rng, dice.has

    def draw(self) -> Constraints:
        rng, wanted = self.rng, ANYWHERE
        if self.has["node_rules"] and self.dice.chance(0.3):
            if self.dice.chance(0.4):
                wanted = replace(wanted, node_selector=(("disk", rng.choice(["ssd", "hdd"])),))
            else:
                wanted = replace(
                    wanted, node_terms=tuple(self._node_term() for _ in range(rng.choice([1, 1, 2])))
                )
        if self.has["node_rules"] and self.dice.chance(0.3):
            wanted = replace(wanted, tolerations=(self._toleration(),))
        if self.has["preferences"] and self.dice.chance(0.3):
            wanted = replace(wanted, preferred_nodes=self._wishes())
        if self.has["pod_affinity"] and self.dice.chance(0.4):
            terms = (self._pod_term(),)
            if self.has["preferences"] and self.dice.chance(0.5):
                wishes = (PreferredPodAffinityTerm(rng.choice([1, 40, -60]), terms[0]),)
                wanted = replace(wanted, preferred_pods=wishes)
            elif self.dice.chance(0.5):
                wanted = replace(wanted, pod_affinity=terms)
            else:
                wanted = replace(wanted, pod_anti_affinity=terms)
        if self.has["spread"] and self.dice.chance(0.4):
            wanted = replace(wanted, spread=tuple(self._spreads()))
        return wanted

    def _node_term(self) -> NodeTerm:
        rng = self.rng
        disk, generation = rng.choice(["ssd", "hdd"]), rng.choice(["7", "8"])
        found = rng.choice(
            [
                LabelRequirement("disk", "In", (disk,)),
                LabelRequirement("disk", "NotIn", (disk,)),
                LabelRequirement("generation", "Exists"),
                LabelRequirement("generation", "DoesNotExist"),
                LabelRequirement("generation", "Gt", (generation,)),
                LabelRequirement("generation", "Lt", (generation,)),
            ]
        )
        if self.dice.chance(0.2):
            name = LabelRequirement("metadata.name", "NotIn", (f"n{rng.randrange(4):02d}",))
            return NodeTerm((found,), (name,))
        return NodeTerm((found,))

    def _toleration(self) -> Toleration:
        return self.rng.choice(
            [
                Toleration("only", "Exists"),
                Toleration("only", "Equal", "team"),
                Toleration("", "Exists"),
                Toleration("only", "Exists", effect="NoExecute"),
                Toleration("node.kubernetes.io/unschedulable", "Exists", effect="NoSchedule"),
            ]
        )

    def _pod_term(self) -> PodAffinityTerm:
        rng = self.rng
        selector = (LabelRequirement("app", rng.choice(["In", "In", "NotIn"]), (rng.choice("ab"),)),)
        key = rng.choice([HOST, "zone"]) if self.has["topology"] else HOST
        namespaces = rng.choice([(), ("*",), ("two",)]) if self.has["namespaces"] else ()
        return PodAffinityTerm(key, selector, namespaces)

    def _spreads(self) -> Iterator[SpreadConstraint]:
        """Over hosts, over a label that some nodes lack, or over both."""
        rng = self.rng
        for key in rng.choice([(HOST,), ("rack",), ("disk",), (HOST, "disk")]):
            selector = (LabelRequirement("app", "In", (rng.choice("ab"),)),)
            yield SpreadConstraint(
                rng.choice([1, 1, 2]),
                key,
                rng.choice([selector, selector, (), None]),
                min_domains=rng.choice([1, 1, 3]),
                honor_node_affinity=rng.random() < 0.7,
                honor_taints=rng.random() < 0.3,
            )

    def _wishes(self) -> tuple[PreferredNodeTerm, ...]:
        """Wishes of different weight, of which a node may meet one, both or none."""
        disk = NodeTerm((LabelRequirement("disk", "In", (self.rng.choice(["ssd", "hdd"]),)),))
        host = NodeTerm((LabelRequirement(HOST, "In", (f"n{self.rng.randrange(4):02d}",)),))
        return (PreferredNodeTerm(self.rng.choice([1, 30]), disk), PreferredNodeTerm(30, host))
