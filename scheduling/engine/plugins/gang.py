"""The order of tasks inside a gang: leaders, then by their own priority, higher first and those without one last."""

from dataclasses import dataclass

from scheduling.engine.plugin import Key, Plugin
from scheduling.engine.session import Session


@dataclass
class GangOrder(Plugin):
    name = "gang"

    def task_key(self, session: Session, task: int) -> Key:
        one = session.snapshot.tasks[task]
        return (not one.leader, one.priority is None, -(one.priority or 0))
