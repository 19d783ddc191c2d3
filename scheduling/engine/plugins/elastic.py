"""Gangs below their minimum go before those at it, and those before gangs that only want more."""

from dataclasses import dataclass

from scheduling.engine.plugin import Key, Plugin
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import IS_ACTIVE, active_count

BELOW, AT, ABOVE = 0, 1, 2


@dataclass
class Elastic(Plugin):
    name = "elastic"

    def gang_key(self, session: Session, gang: int) -> Key:
        first, end = session.snapshot.gang_first[gang : gang + 2]
        if end - first == 1:
            members = session.snapshot.gangs[gang]
            if members.root is None and members.min_available in {None, 1}:
                return (AT,) if IS_ACTIVE[session.state.states[first]] else (BELOW,)
        standing = AT
        for pod_set in session.gang_tasks(gang).pod_sets:
            active = active_count(session, pod_set)
            if active < pod_set.minimum:
                return (BELOW,)
            if active > pod_set.minimum:
                standing = ABOVE
        return (standing,)
