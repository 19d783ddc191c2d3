"""One cycle without its protocol: open a session and run the actions in order."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from scheduling.engine.catalog import ACTIONS, make_plugins
from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.session import Session
from scheduling.engine.session.starting import wait_together


def decide(snapshot: ClusterSnapshot, config: SchedulerConfig, now: float) -> Session:
    """The session after all actions."""
    session = Session(snapshot, config, now, make_plugins(config))
    for action in config.actions:
        ACTIONS[action](session)
    for gang in sorted(session.placed_gangs):
        wait_together(session, gang)  # a later action may have moved part of it
    return session


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
