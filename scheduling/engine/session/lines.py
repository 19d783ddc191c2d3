"""The gangs of each leaf queue in order: those that wait, and those that might be taken from."""

from bisect import bisect_left, insort
from collections import defaultdict
from typing import TYPE_CHECKING

from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.plugin import Key
from scheduling.engine.session.gangs import IS_ACTIVE

if TYPE_CHECKING:
    from scheduling.engine.session import Session

Lines = dict[int, list[Key]]
"""Per leaf queue the keys of its gangs, in order. The last part of a key is the gang, so that a key is all there is to store."""


def gang_of(key: Key) -> int:
    gang: int = key[-1]
    return gang


class GangLines:
    """Sorted lines, kept up to date gang by gang as decisions are committed."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._keys: dict[int, Key] = {}
        self._running_keys: dict[int, Key] = {}
        pending = TaskState.PENDING
        states, task_gang = session.state.states, session.snapshot.task_gang
        queue_of = session.snapshot.gang_queue
        gangs = dict.fromkeys([task_gang[task] for task, state in enumerate(states) if state is pending])
        self.waiting = self._lines_of(
            [gang for gang in gangs if queue_of[gang] != NOWHERE and session.is_offered(gang)], self._keys
        )
        self._running: Lines | None = None

    @property
    def running(self) -> Lines:
        """Preemptible gangs that hold places or were promised some; victims come from the end."""
        if self._running is None:
            self._running = self._collect_running()
        return self._running

    def _collect_running(self) -> Lines:
        states, snapshot = self._session.state.states, self._session.snapshot
        task_gang, queue_of, every = snapshot.task_gang, snapshot.gang_queue, snapshot.gangs
        holders = dict.fromkeys([task_gang[task] for task, state in enumerate(states) if IS_ACTIVE[state]])
        gangs = [gang for gang in holders if queue_of[gang] != NOWHERE and every[gang].is_preemptible]
        return self._lines_of(gangs, self._running_keys)

    def _lines_of(self, gangs: list[int], keys: dict[int, Key]) -> Lines:
        queue_of = self._session.snapshot.gang_queue
        keys.update(zip(gangs, self._session.gang_keys(gangs), strict=True))
        lines: defaultdict[int, list[Key]] = defaultdict(list)
        for gang, key in keys.items():
            lines[queue_of[gang]].append(key)
        for line in lines.values():
            line.sort()
        return dict(lines)

    def waits(self, gang: int) -> bool:
        """Whether the gang stands in a waiting line."""
        return gang in self._keys

    def _may_be_victim(self, gang: int) -> bool:
        snapshot = self._session.snapshot
        return snapshot.gang_queue[gang] != NOWHERE and snapshot.gangs[gang].is_preemptible

    def update(self, gang: int) -> None:
        """Put the gang where its new state belongs, after a commit."""
        session, snapshot = self._session, self._session.snapshot
        first, end = snapshot.gang_first[gang], snapshot.gang_first[gang + 1]
        states = session.state.states[first:end]
        waits = TaskState.PENDING in states and session.is_offered(gang)
        queue = snapshot.gang_queue[gang]
        if self._running is None:
            _move(self.waiting, queue, self._keys, gang, session.gang_key(gang) if waits else None)
            return
        is_victim = any(IS_ACTIVE[state] for state in states) and self._may_be_victim(gang)
        key = session.gang_key(gang) if waits or is_victim else ()
        _move(self.waiting, queue, self._keys, gang, key if waits else None)
        _move(self._running, queue, self._running_keys, gang, key if is_victim else None)


def _move(lines: Lines, queue: int, keys: dict[int, Key], gang: int, key: Key | None) -> None:
    """Take the gang's old key out of its line, and put the new one in unless that is None."""
    old = keys.get(gang)
    if old == key:
        return
    line = lines.setdefault(queue, [])
    if old is not None:
        del line[bisect_left(line, old)]
        del keys[gang]
    if key is not None:
        keys[gang] = key
        insort(line, key)
