"""A gang that has run below its minimum for too long gives back what it holds: it cannot do its work."""

from scheduling.engine.actions.taking import within_safety_limit
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.session import Cause, Session
from scheduling.engine.session.gangs import IS_ACTIVE


def evict_broken_gangs(session: Session) -> None:
    """Below the minimum counting also what is being released; gangs in which a task succeeded are winding down, not broken."""
    grace = session.config.staleness_grace
    states, snapshot = session.state.states, session.snapshot
    may_be_broken = [
        (gang, one)
        for gang, one in enumerate(snapshot.gangs)
        if len(one.tasks) > 1 or one.root is not None or (one.min_available or 0) > 1
    ]  # a single task that runs is its whole gang
    for gang, one in may_be_broken:
        if not _runs(session, gang) or not is_broken(session, gang):
            continue
        session.stale_gangs.append(gang)
        since = one.stale_since
        stale_for = 0.0 if since is None else session.now - since
        if grace is None or stale_for < grace:
            continue
        mark = session.state.mark()
        cause = Cause(
            "evict_broken_gangs",
            "below-minimum",
            numbers={"stale_seconds": int(stale_for), "grace_seconds": int(grace)},
            message=f"The gang has run with fewer pods than its minimum for {stale_for:.0f} s, allowed are {grace:.0f} s.",
        )
        active = [task for task in snapshot.tasks_of(gang) if IS_ACTIVE[states[task]]]
        for task in active:
            session.state.evict(task)
        if not within_safety_limit(session, mark):
            session.state.rollback(mark)
            continue
        session.causes.update(dict.fromkeys(active, cause))
        session.commit(mark)


def _runs(session: Session, gang: int) -> bool:
    states = session.state.states
    return any(IS_ACTIVE[states[task]] for task in session.snapshot.tasks_of(gang))


def is_broken(session: Session, gang: int) -> bool:
    """Some pod set has fewer tasks on nodes, counting those being released, than its minimum."""
    states = session.state.states
    if any(states[task] is TaskState.SUCCEEDED for task in session.snapshot.tasks_of(gang)):
        return False
    return any(
        sum(IS_ACTIVE[states[task]] or states[task] is TaskState.RELEASING for task in one.tasks)
        < one.minimum
        for one in session.gang_tasks(gang).pod_sets
    )
