"""Where a task may run: node selectors, affinities, taints and tolerations, with the meaning Kubernetes gives them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelRequirement:
    """One expression of a selector. `operator` is In, NotIn, Exists, DoesNotExist, Gt or Lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """NotIn also accepts a missing label; Gt and Lt compare integers and reject what is none."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value is not None and value in self.values
            case "NotIn":
                return value is None or value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "Gt" | "Lt":
                return _compares(value, self.operator, self.values)
        raise ValueError(f"operator {self.operator!r} of label {self.key!r} is none of the six known")


def _compares(value: str | None, operator: str, values: tuple[str, ...]) -> bool:
    try:
        number, bound = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return number > bound if operator == "Gt" else number < bound


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """One nodeSelectorTerm: all its expressions must match. `fields` knows metadata.name only. An empty term matches nothing."""

    expressions: tuple[LabelRequirement, ...] = ()
    fields: tuple[LabelRequirement, ...] = ()

    def matches(self, labels: Mapping[str, str], name: str) -> bool:
        if not self.expressions and not self.fields:
            return False
        return all(one.matches(labels) for one in self.expressions) and all(
            one.matches({"metadata.name": name}) for one in self.fields
        )


@dataclass(frozen=True, slots=True)
class PreferredNodeTerm:
    """A wish: nodes that match gain `weight` (1 to 100)."""

    weight: int
    term: NodeTerm


@dataclass(frozen=True, slots=True)
class Taint:
    """`effect` is NoSchedule, PreferNoSchedule or NoExecute."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"


@dataclass(frozen=True, slots=True)
class Toleration:
    """An empty key with Exists tolerates everything; an empty effect all effects."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def tolerates(self, taint: Taint) -> bool:
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        if self.operator == "Exists":
            return True
        return bool(self.key) and self.value == taint.value


@dataclass(frozen=True, slots=True)
class PodAffinityTerm:
    """Other pods that must (or, for anti-affinity, must not) run in the same domain of `topology_key`.

    `namespaces` empty means the namespace of the pod that carries the term; `("*",)` means all.
    An empty `selector` matches every pod, None would match none and is left out by the reader.
    """

    topology_key: str
    selector: tuple[LabelRequirement, ...] = ()
    namespaces: tuple[str, ...] = ()

    def selects(self, labels: Mapping[str, str], namespace: str, own_namespace: str) -> bool:
        if self.namespaces:
            if "*" not in self.namespaces and namespace not in self.namespaces:
                return False
        elif namespace != own_namespace:
            return False
        return all(one.matches(labels) for one in self.selector)


@dataclass(frozen=True, slots=True)
class PreferredPodAffinityTerm:
    """A wish; a negative weight is a preferred anti-affinity."""

    weight: int
    term: PodAffinityTerm


@dataclass(frozen=True, slots=True)
class SpreadConstraint:
    """Between the domains of `topology_key` the numbers of selected pods of the namespace may differ by `max_skew`.

    With fewer domains than `min_domains` the least number is taken to be 0. `selector` None selects nobody.
    `honor_*` say whether nodes count where the pod's node affinity or its tolerations would not let it run.
    """

    max_skew: int
    topology_key: str
    selector: tuple[LabelRequirement, ...] | None = ()
    min_domains: int = 1
    honor_node_affinity: bool = True
    honor_taints: bool = False

    def selects(self, labels: Mapping[str, str]) -> bool:
        return self.selector is not None and all(one.matches(labels) for one in self.selector)


@dataclass(frozen=True, slots=True)
class Constraints:
    """Everything besides amounts that decides where a task may or would rather run.

    `node_selector` are label pairs that must all be there; `node_terms` the required node affinity, of which one must
    match (none given: no requirement).
    """

    node_selector: tuple[tuple[str, str], ...] = ()
    node_terms: tuple[NodeTerm, ...] = ()
    preferred_nodes: tuple[PreferredNodeTerm, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    pod_affinity: tuple[PodAffinityTerm, ...] = ()
    pod_anti_affinity: tuple[PodAffinityTerm, ...] = ()
    preferred_pods: tuple[PreferredPodAffinityTerm, ...] = ()
    spread: tuple[SpreadConstraint, ...] = ()

    @property
    def looks_at_others(self) -> bool:
        """Whether they depend on the labels of other tasks."""
        return bool(self.pod_affinity or self.pod_anti_affinity or self.preferred_pods or self.spread)

    def selects_node(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(key) == value for key, value in self.node_selector)

    def has_affinity_to(self, labels: Mapping[str, str], name: str) -> bool:
        """Whether the required node affinity, if there is one, lets it run on that node."""
        return not self.node_terms or any(term.matches(labels, name) for term in self.node_terms)

    def tolerates(self, taint: Taint) -> bool:
        return any(one.tolerates(taint) for one in self.tolerations)


ANYWHERE = Constraints()
