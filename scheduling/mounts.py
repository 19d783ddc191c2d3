"""Pure: pods that wait, with where their volumes bind them."""

from dataclasses import replace

from scheduling.engine.model.constraints import Constraints
from scheduling.engine.model.tasks import TaskState
from scheduling.pod_facts import PodFacts, Problem
from scheduling.requests import UnreadablePod
from scheduling.volumes import Volumes, constrained
from scheduling.world import World


class Mounts:
    """Remembers constraints, so that equal ones stay one object from cycle to cycle."""

    def __init__(self) -> None:
        self._constraints: dict[Constraints, Constraints] = {}

    def applied(self, facts: list[PodFacts], world: World) -> list[PodFacts]:
        """Where volumes bind pods that wait: read anew in each cycle, since claims change without their pods."""
        mounting = [one for one in facts if one.claims]
        if not mounting:
            return facts
        volumes = Volumes.of(world.claims, world.volumes, world.storage_classes)
        for one in mounting:
            for key in one.claims if one.holds else ():
                volumes.used_by.setdefault(key, set()).add(one.uid)
        return [
            self._mounted(one, volumes) if one.claims and one.ours and one.state is TaskState.PENDING else one
            for one in facts
        ]

    def _mounted(self, facts: PodFacts, volumes: Volumes) -> PodFacts:
        if facts.problem is not None:
            return facts
        try:
            mounting = volumes.mounting(facts.document)
            found = constrained(facts.constraints, mounting)
        except UnreadablePod as error:
            return replace(facts, problem=Problem(error.code, str(error)))
        if mounting.code:
            return replace(facts, problem=Problem(mounting.code, mounting.message))
        # equal constraints are one object, since the engine looks shapes up by it
        found = self._constraints.setdefault(found, found)
        return replace(facts, constraints=found, claims_to_place=mounting.to_place)
