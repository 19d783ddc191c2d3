"""Pure: Topology resources of a cluster, and the wish of a gang to stay within one of their domains."""

from collections.abc import Iterable, Mapping

from cluster.documents import Document, name_of
from cluster.labels import TOPOLOGY, TOPOLOGY_PREFERRED, TOPOLOGY_REQUIRED
from scheduling.engine.model.gangs import TopologyConstraint
from scheduling.engine.model.nodes import Topology


def read_topologies(documents: Iterable[Document]) -> dict[str, Topology]:
    """By name; one without levels is left out: it cannot place anything."""
    found = {}
    for document in documents:
        levels = (document.get("spec") or {}).get("levels") or []
        labels = tuple(str(level["nodeLabel"]) for level in levels if level.get("nodeLabel"))
        if labels:
            found[name_of(document)] = Topology(name_of(document), labels)
    return found


def wish_of(annotations: Mapping[str, str]) -> TopologyConstraint | None:
    """What the annotations of a pod or its Job ask for; None without a level."""
    required, preferred = annotations.get(TOPOLOGY_REQUIRED, ""), annotations.get(TOPOLOGY_PREFERRED, "")
    if not required and not preferred:
        return None
    return TopologyConstraint(annotations.get(TOPOLOGY, ""), required, preferred)


def problem_of(wish: TopologyConstraint, known: Mapping[str, Topology]) -> str:
    """Why the wish cannot be kept, or ""."""
    topology = known.get(wish.topology)
    if topology is None:
        named = f"topology {wish.topology!r}" if wish.topology else f"topology: {TOPOLOGY} names none"
        return (
            f"There is no {named} in this cluster."
            if wish.topology
            else f"It asks for a level of no {named}."
        )
    for level in (wish.required_level, wish.preferred_level):
        if level and level not in topology.levels:
            return f"The topology {topology.name} has no level {level!r}; its levels are {', '.join(topology.levels)}."
    both = wish.required_level and wish.preferred_level
    if both and topology.levels.index(wish.preferred_level) < topology.levels.index(wish.required_level):
        return f"The preferred level {wish.preferred_level} is coarser than the required one, {wish.required_level}."
    return ""
