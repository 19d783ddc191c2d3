"""One cycle without its protocol: open a session and run the actions in order; and trials, which only ask who would start."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from scheduling.engine.actions.asking import starts
from scheduling.engine.catalog import ACTIONS, make_plugins
from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import IS_ACTIVE
from scheduling.engine.session.starting import wait_together


def decide(snapshot: ClusterSnapshot, config: SchedulerConfig, now: float) -> Session:
    """The session after all actions."""
    session = Session(snapshot, config, now, make_plugins(config))
    for action in config.actions:
        ACTIONS[action](session)
    for gang in sorted(session.placed_gangs):
        wait_together(session, gang)  # a later action may have moved part of it
    return session


def would_start(snapshot: ClusterSnapshot, config: SchedulerConfig, now: float, gang: int) -> bool:
    """Whether a cycle would bind or nominate a task of the gang that waits; run only as far as that depends on it."""
    session = Session(snapshot, config, now, make_plugins(config))
    session.asking = gang
    for action in config.actions:
        ACTIONS[action](session)
        if session.has_answer:
            break
    answer = starts(session, gang)
    session.close()
    return answer


def all_that_start(snapshot: ClusterSnapshot, config: SchedulerConfig, now: float) -> frozenset[int]:
    """The gangs of which a cycle binds or nominates a task that waits."""
    session = decide(snapshot, config, now)
    before, task_gang = snapshot.task_state, snapshot.task_gang
    found = frozenset(
        task_gang[task]
        for task, state in enumerate(session.state.states)
        if IS_ACTIVE[state] and before[task] is TaskState.PENDING
    )
    session.close()
    return found


@contextmanager
def collector_paused() -> Iterator[None]:
    """A cycle makes many small objects and hardly a garbage ring; looking for rings among them costs a third of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
