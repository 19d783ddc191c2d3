"""Gangs below their minimum go before those at it, and those before gangs that only want more."""

from collections.abc import Sequence
from dataclasses import dataclass

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
        standing = AT
        for pod_set in session.gang_tasks(gang).pod_sets:
            active = active_count(session, pod_set)
            if active < pod_set.minimum:
                return BELOW
            if active > pod_set.minimum:
                standing = ABOVE
        return standing

    def gang_keys(self, session: Session, gangs: Sequence[int]) -> list[Key]:
        """Most gangs of a large cluster are single tasks: below their minimum or at it."""
        every, first, states = session.snapshot.gangs, session.snapshot.gang_first, session.state.states
        return [
            (AT if IS_ACTIVE[states[first[gang]]] else BELOW)
            if len((one := every[gang]).tasks) == 1 and one.root is None and one.min_available in {None, 1}
            else self.gang_key(session, gang)
            for gang in gangs
        ]
