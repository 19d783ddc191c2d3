"""Start what waits where there is room, the most entitled queue first."""

from scheduling.engine.actions.asking import in_turn
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.session import Session
from scheduling.engine.session.starting import start_gang
from scheduling.engine.session.walk import QueueWalk, WaitingLine


def allocate(session: Session) -> None:
    """One gang at a time, whole or not at all; an elastic one queues again for each further task."""
    lines = {
        leaf: WaitingLine(line.copy(), session.config.queue_depth)
        for leaf, line in session.lines.waiting.items()
    }
    walk = QueueWalk(session, lines, session.asked)
    full = _FullShapes(session)
    for gang in in_turn(session, "allocate", walk):
        tasks = session.next_tasks(gang)
        mark = session.state.mark()
        if full.cannot_take(tasks):
            continue
        if not start_gang(session, gang, tasks, nominate_only=False):
            full.remember(gang, tasks)
            continue
        session.placed_gangs.add(gang)
        session.commit(mark)
        if _still_waits(session, gang):
            leaf = session.snapshot.gang_queue[gang]
            lines[leaf].push(session.gang_key(gang))
            walk.add(leaf, lines[leaf])


def _still_waits(session: Session, gang: int) -> bool:
    first, end = session.snapshot.gang_first[gang], session.snapshot.gang_first[gang + 1]
    return TaskState.PENDING in session.state.states[first:end]


class _FullShapes:
    """In this action room only shrinks: a gang of one shape that found too little of it makes every larger one of it fail."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._most: dict[int, int] = {}

    def _key(self, tasks: list[int]) -> int | None:
        shapes = {self._session.snapshot.task_shape[task] for task in tasks}
        return shapes.pop() if len(shapes) == 1 else None

    def cannot_take(self, tasks: list[int]) -> bool:
        if not self._most:
            return False
        shape = self._key(tasks)
        return shape is not None and len(tasks) >= self._most.get(shape, len(tasks) + 1)

    def remember(self, gang: int, tasks: list[int]) -> None:
        """Only what failed for lack of room: limits are the queue's own, affinities, spreads and topologies depend on who runs where."""
        session = self._session
        shape = self._key(tasks)
        if shape is None or session.is_constrained(gang):
            return
        if any(plugin.judges_gangs for plugin in session.plugins):
            return
        wanted = session.snapshot.shapes[shape].constraints
        if wanted.pod_affinity or wanted.spread or session.may_start(gang, session.asked(gang)):
            return
        if session.snapshot.shapes[shape].request.gpu.memory_mib:
            return
        self._most[shape] = min(len(tasks), self._most.get(shape, len(tasks)))
