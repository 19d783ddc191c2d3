"""Inside a queue the more important gang goes first, and is taken last."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.engine.plugin import Key, Plugin
from scheduling.engine.session import Session


@dataclass
class Priority(Plugin):
    name = "priority"

    def gang_key(self, session: Session, gang: int) -> Key:
        return (-session.snapshot.gangs[gang].priority,)

    def gang_keys(self, session: Session, gangs: Sequence[int]) -> list[Key]:
        every = session.snapshot.gangs
        return [(-every[gang].priority,) for gang in gangs]
