"""The gangs of an action in turn. A trial that asks about one gang ends as soon as nothing can change its answer any more."""

from collections.abc import Iterator

from scheduling.engine.model.tasks import TaskState
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import IS_ACTIVE
from scheduling.engine.session.walk import QueueWalk


def in_turn(session: Session, action: str, walk: QueueWalk) -> Iterator[int]:
    """Every gang once it has its turn; after the turn of the gang that is asked about perhaps nobody any more."""
    while (gang := walk.pop()) is not None:
        yield gang
        if gang == session.asking and _is_decided(session, action):
            session.has_answer = True
            return


def starts(session: Session, gang: int) -> bool:
    """Whether a task of the gang that waited when the cycle began has a place or was promised one."""
    states, before = session.state.states, session.snapshot.task_state
    return any(
        IS_ACTIVE[states[task]] and before[task] is TaskState.PENDING
        for task in session.snapshot.tasks_of(gang)
    )


def _is_decided(session: Session, action: str) -> bool:
    actions = session.config.actions
    later = actions[actions.index(action) + 1 :]
    if starts(session, session.asking):
        return not _may_be_taken(session, {action, *later})
    return not any(_may_place(session, one) for one in later)


def _may_be_taken(session: Session, actions: set[str]) -> bool:
    """Whether these actions could take the gang's place away again, in a consolidation it would get another."""
    if not session.state.is_preemptible(session.asking):
        return False
    priority = session.snapshot.gangs[session.asking].priority
    return "reclaim" in actions or (
        "preempt" in actions and any(other > priority for other, _ in _in_its_queue(session))
    )


def _may_place(session: Session, action: str) -> bool:
    """Whether the action, still to come, could give the gang a place; true where that depends on how things stand then."""
    if action == "evict_broken_gangs":
        return False
    if action == "consolidate":
        return session.state.is_preemptible(session.asking) and session.config.max_consolidation_victims != 0
    if action == "preempt":
        priority = session.snapshot.gangs[session.asking].priority
        return any(other < priority and may_lose for other, may_lose in _in_its_queue(session))
    return True


def _in_its_queue(session: Session) -> Iterator[tuple[int, bool]]:
    """Of every gang in the queue of the one that is asked about: its priority, and whether it is preemptible."""
    snapshot = session.snapshot
    queue = snapshot.gang_queue[session.asking]
    return (
        (one.priority, one.is_preemptible)
        for one, theirs in zip(snapshot.gangs, snapshot.gang_queue, strict=True)
        if theirs == queue
    )
