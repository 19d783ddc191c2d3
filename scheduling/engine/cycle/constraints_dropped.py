"""A gang with one of its constraints dropped: a label it asks for, an affinity, or a topology level that some part of it requires."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from scheduling.engine.model.constraints import Constraints
from scheduling.engine.model.gangs import Gang, PodSet, SubGroup

FIELDS = {
    "node affinity": "node_terms",
    "pod affinity": "pod_affinity",
    "pod anti-affinity": "pod_anti_affinity",
    "topology spread": "spread",
}


def without_each_constraint(gang: Gang) -> Iterator[tuple[str, Gang]]:
    """(what is dropped, the gang without it), for each that any of its tasks has; from all tasks at once."""
    wanted = [task.constraints for task in gang.tasks]
    for key, value in dict.fromkeys(pair for one in wanted for pair in one.node_selector):
        yield f"node selector {key}={value}", _edited(gang, partial(_without_label, key, value))
    for what, field in FIELDS.items():
        if any(getattr(one, field) for one in wanted):
            yield what, _edited(gang, partial(_without_field, field))
    tree = gang.tree()
    for part in _parts(tree):
        if part.topology is not None and part.topology.required_level:
            where = "" if part is tree or part.name in {"", "default"} else f" of {part.name}"
            what = f"required topology level {part.topology.required_level}{where}"
            yield what, replace(gang, root=_relaxed(tree, part))


def _edited(gang: Gang, edit: Callable[[Constraints], Constraints]) -> Gang:
    return replace(gang, tasks=[replace(task, constraints=edit(task.constraints)) for task in gang.tasks])


def _without_label(key: str, value: str, constraints: Constraints) -> Constraints:
    kept = tuple(pair for pair in constraints.node_selector if pair != (key, value))
    return replace(constraints, node_selector=kept)


def _without_field(field: str, constraints: Constraints) -> Constraints:
    without = {field: ()}
    return replace(constraints, **without)


def _parts(group: SubGroup) -> Iterator[SubGroup | PodSet]:
    """The group and everything below it."""
    yield group
    for below in group.groups:
        yield from _parts(below)
    yield from group.pod_sets


def _relaxed(group: SubGroup, part: SubGroup | PodSet) -> SubGroup:
    """The tree with that part free of its topology; a preferred level goes with it."""
    return replace(
        group,
        topology=None if group is part else group.topology,
        groups=tuple(_relaxed(one, part) for one in group.groups),
        pod_sets=tuple(replace(one, topology=None) if one is part else one for one in group.pod_sets),
    )
