"""Node sets for a group that wants to stay in one domain of a topology."""

from collections.abc import Sequence

from scheduling.engine.model.gangs import Gang, PodSet, TopologyConstraint
from scheduling.engine.model.tasks import Task
from tests.engine.reference.world import World


def node_sets(
    world: World,
    gang: Gang,
    constraint: TopologyConstraint | None,
    pod_sets: Sequence[PodSet],
    tasks: Sequence[Task],
    names: Sequence[str],
) -> list[list[str]]:
    """The sets of nodes to try, best first; without a constraint the parent's whole set."""
    return [list(names)]


def preference(
    world: World,
    gang: Gang,
    constraint: TopologyConstraint | None,
    tasks: Sequence[Task],
    names: Sequence[str],
) -> dict[str, float]:
    """Part of the node score: preferred domains with more room first."""
    return {}
