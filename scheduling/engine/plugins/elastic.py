"""Gangs below their minimum go before those at it, and those before gangs that only want more."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.engine.model.gangs import Gang
from scheduling.engine.plugin import Key, Plugin
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import IS_ACTIVE, active_count

BELOW: Key = (0,)
AT: Key = (1,)
ABOVE: Key = (2,)


@dataclass
class Elastic(Plugin):
    name = "elastic"

    def gang_key(self, session: Session, gang: int) -> Key:
        if _is_single(session.snapshot.gangs[gang]):
            first = session.snapshot.gang_first[gang]
            return AT if IS_ACTIVE[session.state.states[first]] else BELOW
        standing = AT
        for pod_set in session.gang_tasks(gang).pod_sets:
            active = active_count(session, pod_set)
            if active < pod_set.minimum:
                return BELOW
            if active > pod_set.minimum:
                standing = ABOVE
        return standing

    def gang_keys(self, session: Session, gangs: Sequence[int]) -> list[Key]:
        """Most gangs of a large cluster are single tasks."""
        every, first, states = session.snapshot.gangs, session.snapshot.gang_first, session.state.states
        return [
            (AT if IS_ACTIVE[states[first[gang]]] else BELOW)
            if _is_single(every[gang])
            else self.gang_key(session, gang)
            for gang in gangs
        ]


def _is_single(gang: Gang) -> bool:
    return len(gang.tasks) == 1 and gang.root is None and gang.min_available in {None, 1}
