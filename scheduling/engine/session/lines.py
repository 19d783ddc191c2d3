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
        self._left: set[int] = set()
        """Queues in whose waiting line some keys are no longer their gangs' own."""
        pending = TaskState.PENDING
        states, task_gang = session.state.states, session.snapshot.task_gang
        queue_of = session.snapshot.gang_queue
        gangs = dict.fromkeys([task_gang[task] for task, state in enumerate(states) if state is pending])
        self._waiting = self._lines_of(
            [gang for gang in gangs if queue_of[gang] != NOWHERE and session.is_offered(gang)], self._keys
        )
        self._running: Lines | None = None

    @property
    def waiting(self) -> Lines:
        """Gangs to be tried. While many leave one after the other nobody looks, so they are taken out all at once."""
        for queue in self._left:
            self._waiting[queue] = [key for key in self._waiting[queue] if self._keys.get(key[-1]) is key]
        self._left.clear()
        return self._waiting

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
        is_victim = (
            self._running is not None
            and any(IS_ACTIVE[state] for state in states)
            and self._may_be_victim(gang)
        )
        key = session.gang_key(gang) if waits or is_victim else ()
        self._move_waiting(queue, gang, key if waits else None)
        if self._running is not None:
            self._move_running(self._running, queue, gang, key if is_victim else None)

    def _move_waiting(self, queue: int, gang: int, key: Key | None) -> None:
        """Put the gang where its key belongs; None takes it out."""
        old = self._keys.pop(gang, None)
        if old is not None:
            self._left.add(queue)
        if key is not None:
            self._keys[gang] = key
            insort(self._waiting.setdefault(queue, []), key)

    def _move_running(self, lines: Lines, queue: int, gang: int, key: Key | None) -> None:
        """The same, at once: these lines are long, and every search looks at their ends."""
        line = lines.setdefault(queue, [])
        old = self._running_keys.pop(gang, None)
        if old is not None:
            del line[bisect_left(line, old)]
        if key is not None:
            self._running_keys[gang] = key
            insort(line, key)
