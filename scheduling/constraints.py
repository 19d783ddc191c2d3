"""Pure: where a pod may run and what a node keeps away, from Kubernetes JSON to the engine's words."""

from collections.abc import Mapping, Sequence
from typing import Any

from cluster.documents import labels_of
from scheduling.engine.model.constraints import (
    ANYWHERE,
    Constraints,
    LabelRequirement,
    NodeTerm,
    PodAffinityTerm,
    PreferredNodeTerm,
    PreferredPodAffinityTerm,
    SpreadConstraint,
    Taint,
    Toleration,
)
from scheduling.requests import UnreadablePod
from scheduling.selectors import read_requirement, read_selector

Json = Mapping[str, Any]
Namespaces = Mapping[str, Mapping[str, str]]
"""Labels of each namespace."""
NOBODY = (LabelRequirement("", "In"),)
"""Selects no pod: no label has this name, and no value would do."""
NOWHERE = ("/",)
"""Names no namespace."""


def read_constraints(pod: Json, namespaces: Namespaces | None = None) -> Constraints:
    """Selectors, affinities and tolerations of a pod; raises UnreadablePod for what the engine would have to ignore.

    `namespaces` are those of the cluster: affinities may select them by label.
    """
    spec = pod["spec"]
    _refuse_unserved(spec)
    affinity = spec.get("affinity") or {}
    nodes = affinity.get("nodeAffinity") or {}
    pods = affinity.get("podAffinity") or {}
    anti = affinity.get("podAntiAffinity") or {}
    required = nodes.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    found = Constraints(
        node_selector=tuple(sorted((spec.get("nodeSelector") or {}).items())),
        node_terms=tuple(_node_term(term) for term in required.get("nodeSelectorTerms") or []),
        preferred_nodes=tuple(_preferred_node(wish) for wish in _preferred(nodes)),
        tolerations=tuple(_toleration(one) for one in spec.get("tolerations") or []),
        pod_affinity=tuple(_pod_term(term, namespaces or {}) for term in _required(pods)),
        pod_anti_affinity=tuple(_pod_term(term, namespaces or {}) for term in _required(anti)),
        preferred_pods=tuple(
            PreferredPodAffinityTerm(
                sign * int(wish["weight"]), _pod_term(wish["podAffinityTerm"], namespaces or {})
            )
            for side, sign in ((pods, 1), (anti, -1))
            for wish in _preferred(side)
        ),
        spread=tuple(_spread(one, labels_of(pod)) for one in _hard_spreads(spec)),
    )
    return ANYWHERE if found == ANYWHERE else found


def read_taints(node: Json) -> tuple[Taint, ...]:
    """Taints of a node, without the one that only repeats its cordon."""
    return tuple(
        Taint(str(one.get("key") or ""), str(one.get("value") or ""), str(one.get("effect") or "NoSchedule"))
        for one in node["spec"].get("taints") or []
        if one.get("key") != "node.kubernetes.io/unschedulable"
    )


def _refuse_unserved(spec: Json) -> None:
    """What would silently not be kept is refused instead."""
    if spec.get("resourceClaims"):
        raise UnreadablePod(
            "RuleNotServed",
            "It asks for devices by resourceClaims, which this scheduler does not allocate; use nvidia.com/gpu.",
        )


def _hard_spreads(spec: Json) -> Sequence[Json]:
    """A soft one (ScheduleAnyway) is a wish that this scheduler does not follow."""
    return [
        one
        for one in spec.get("topologySpreadConstraints") or []
        if one.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"
    ]


def _spread(one: Json, labels: Mapping[str, str]) -> SpreadConstraint:
    """`matchLabelKeys` narrow the selector to pods that have the pod's own values."""
    selector = one.get("labelSelector")
    own = [
        LabelRequirement(key, "In", (labels[key],))
        for key in one.get("matchLabelKeys") or []
        if key in labels
    ]
    return SpreadConstraint(
        max_skew=int(one["maxSkew"]),
        topology_key=str(one["topologyKey"]),
        selector=None if selector is None else (*read_selector(selector), *own),
        min_domains=int(one.get("minDomains") or 1),
        honor_node_affinity=one.get("nodeAffinityPolicy", "Honor") == "Honor",
        honor_taints=one.get("nodeTaintsPolicy", "Ignore") == "Honor",
    )


def _required(side: Json) -> Sequence[Json]:
    return side.get("requiredDuringSchedulingIgnoredDuringExecution") or []


def _preferred(side: Json) -> Sequence[Json]:
    return side.get("preferredDuringSchedulingIgnoredDuringExecution") or []


def _node_term(term: Json) -> NodeTerm:
    return NodeTerm(
        tuple(read_requirement(one) for one in term.get("matchExpressions") or []),
        tuple(read_requirement(one) for one in term.get("matchFields") or []),
    )


def _preferred_node(wish: Json) -> PreferredNodeTerm:
    return PreferredNodeTerm(int(wish["weight"]), _node_term(wish.get("preference") or {}))


def _toleration(one: Json) -> Toleration:
    return Toleration(
        str(one.get("key") or ""),
        str(one.get("operator") or "Equal"),
        str(one.get("value") or ""),
        str(one.get("effect") or ""),
    )


def depends_on_namespaces(pod: Json) -> bool:
    """Whether the labels of namespaces may decide what `read_constraints` finds."""
    return "namespaceSelector" in str(pod["spec"].get("affinity") or "")


def _pod_term(term: Json, namespaces: Namespaces) -> PodAffinityTerm:
    """A term without a label selector selects nobody, one with an empty selector everybody."""
    selector = term.get("labelSelector")
    return PodAffinityTerm(
        topology_key=str(term.get("topologyKey") or ""),
        selector=NOBODY if selector is None else read_selector(selector),
        namespaces=_namespaces_of(term, namespaces),
    )


def _namespaces_of(term: Json, known: Namespaces) -> tuple[str, ...]:
    """Those listed and those selected; () is the pod's own, where the term says nothing of namespaces."""
    selector, listed = term.get("namespaceSelector"), term.get("namespaces") or ()
    if selector is None:
        return tuple(listed)
    if not (selector.get("matchLabels") or selector.get("matchExpressions")):
        return ("*",)
    wanted = read_selector(selector)
    chosen = {name for name, labels in known.items() if all(one.matches(labels) for one in wanted)}
    return tuple(sorted(chosen | set(listed))) or NOWHERE
