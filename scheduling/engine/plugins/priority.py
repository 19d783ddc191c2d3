"""Inside a queue the more important gang goes first, and is taken last."""

from dataclasses import dataclass

from scheduling.engine.plugin import Key, Plugin
from scheduling.engine.session import Session


@dataclass
class Priority(Plugin):
    name = "priority"

    def gang_key(self, session: Session, gang: int) -> Key:
        return (-session.snapshot.gangs[gang].priority,)
