"""The gangs of each leaf queue in order: those that wait, and those that might be taken from."""

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.plugin import Key
from scheduling.engine.session.gangs import IS_ACTIVE

if TYPE_CHECKING:
    from scheduling.engine.session import Session

Entry = tuple[Key, int]


class GangLines:
    """Per leaf queue a sorted list of (key, gang), kept up to date gang by gang as decisions are committed."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.waiting: dict[int, list[Entry]] = {}
        self._running: dict[int, list[Entry]] | None = None
        self._keys: dict[int, Key] = {}
        self._running_keys: dict[int, Key] = {}
        states = session.state.states
        task_gang = session.snapshot.task_gang
        gangs = {task_gang[task] for task, state in enumerate(states) if state is TaskState.PENDING}
        for gang in gangs:
            queue = session.snapshot.gang_queue[gang]
            if queue != NOWHERE and session.is_offered(gang):
                key = self._keys[gang] = session.gang_key(gang)
                self.waiting.setdefault(queue, []).append((key, gang))
        for line in self.waiting.values():
            line.sort()

    @property
    def running(self) -> dict[int, list[Entry]]:
        """Preemptible gangs that hold places or were promised some; victims come from the end."""
        if self._running is None:
            self._running = self._collect_running()
        return self._running

    def _collect_running(self) -> dict[int, list[Entry]]:
        session = self._session
        states, task_gang = session.state.states, session.snapshot.task_gang
        lines: dict[int, list[Entry]] = {}
        for gang in {task_gang[task] for task, state in enumerate(states) if IS_ACTIVE[state]}:
            if self._may_be_victim(gang):
                key = self._running_keys[gang] = session.gang_key(gang)
                lines.setdefault(session.snapshot.gang_queue[gang], []).append((key, gang))
        for line in lines.values():
            line.sort()
        return lines

    def waits(self, gang: int) -> bool:
        """Whether the gang stands in a waiting line."""
        return gang in self._keys

    def _may_be_victim(self, gang: int) -> bool:
        session = self._session
        return session.snapshot.gang_queue[gang] != NOWHERE and session.state.is_preemptible(gang)

    def update(self, gang: int) -> None:
        """Put the gang where its new state belongs, after a commit."""
        session = self._session
        states = session.state.states
        waits = active = False
        for task in session.snapshot.tasks_of(gang):
            waits = waits or states[task] is TaskState.PENDING
            active = active or IS_ACTIVE[states[task]]
        waits = waits and session.is_offered(gang)
        is_victim = active and self._running is not None and self._may_be_victim(gang)
        key = session.gang_key(gang) if waits or is_victim else ()
        queue = session.snapshot.gang_queue[gang]
        _move(self.waiting, queue, self._keys, gang, key if waits else None)
        if self._running is not None:
            _move(self._running, queue, self._running_keys, gang, key if is_victim else None)


def _move(
    lines: dict[int, list[Entry]], queue: int, keys: dict[int, Key], gang: int, key: Key | None
) -> None:
    """Take the gang's entry out, and in again under its new key unless that is None."""
    old = keys.get(gang)
    if old == key:
        return
    line = lines.setdefault(queue, [])
    if old is not None:
        del line[bisect_left(line, (old, gang))]
        del keys[gang]
    if key is not None:
        keys[gang] = key
        insort(line, (key, gang))
