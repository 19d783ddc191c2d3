"""Keeps off what may not be touched for reasons outside the engine, such as a disruption budget."""

from dataclasses import dataclass

from scheduling.engine.plugin import Plugin
from scheduling.engine.session import Session


@dataclass
class Protection(Plugin):
    """`gangs` names, by uid, those of which nothing may be taken in this cycle."""

    name = "protection"
    gangs: tuple[str, ...] = ()

    def may_evict(self, session: Session, action: str, beneficiary: int, victim: int) -> bool:
        return session.snapshot.gangs[victim].uid not in self.gangs
