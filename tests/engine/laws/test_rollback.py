"""Rollback restores everything: whatever was tried since a mark, afterwards the world is as it was at the mark."""

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduling.engine.catalog import make_plugins
from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.session import Session
from scheduling.engine.session.gangs import IS_ACTIVE
from scheduling.engine.session.placement import ShapePlacement
from scheduling.engine.session.starting import start_gang
from tests.engine.laws.worlds import NOW, SIZES, World, random_world

S = TaskState
LAW = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
worlds = st.builds(
    lambda seed, size: random_world(seed, SIZES[size]),
    st.integers(4_000_000, 5_000_000),
    st.sampled_from(["tiny", "small"]),
)


def opened(world: World) -> Session:
    return Session(world.snapshot(), world.config, NOW, make_plugins(world.config))


def picture(session: Session) -> dict[str, Any]:
    """All that decisions are made from, as plain values: sums of nodes and queues, positions, lines, candidates per shape."""
    state, shapes = session.state, range(len(session.snapshot.shapes))
    placements = [_placement(session, shape) for shape in shapes]
    return {
        "nodes": [_room(one) for one in state.occupancy],
        "allocated": [list(sums) for sums in state.ledger.allocated],
        "non-preemptible": [list(sums) for sums in state.ledger.non_preemptible],
        "states": list(state.states),
        "positions": [state.position(task) for task in range(len(session.snapshot.tasks))],
        "changed": list(state.changed_tasks()),
        "waiting": {leaf: list(line) for leaf, line in session.lines.waiting.items() if line},
        "running": {leaf: list(line) for leaf, line in session.lines.running.items() if line},
        "next": [session.next_tasks(gang) for gang in range(len(session.snapshot.gangs))],
        "scores": [list(one.scores) for one in placements],
        "slots": [one.total_slots for one in placements],
        "best": [one.best() for one in placements],
        "free GPUs": session.free_gpus.milli(),
    }


def _placement(session: Session, shape: int) -> ShapePlacement:
    """The kept one, caught up with what changed."""
    task = session.snapshot.task_shape.index(shape)
    placement = session.placement_of(task)
    placement.refresh()
    return placement


def _room(one: Occupancy) -> dict[str, Any]:
    amounts = {name: getattr(one, name) for name in Occupancy.__slots__ if name not in {"shared", "extended"}}
    devices = {name: (use.held, use.leaving, use.promised) for name, use in one.shared.items()}
    extended = {name: pair for name, pair in one.extended.items() if pair != (0, 0)}
    return {**amounts, "devices": devices, "extended": extended}


def disturb(session: Session, rng: random.Random, steps: int) -> None:
    """Evict, start, promise, put back, turn promises into starts: whatever the actions do, in any order."""
    for _ in range(steps):
        active = [task for task, state in enumerate(session.state.states) if IS_ACTIVE[state]]
        choice = rng.random()
        if choice < 0.4 and active:
            for task in rng.sample(active, min(len(active), rng.randint(1, 3))):
                session.state.evict(task)
        elif choice < 0.5 and active:
            _change_of_mind(session, rng.choice(active))
        else:
            _start_someone(session, rng)


def _change_of_mind(session: Session, task: int) -> None:
    state = session.state.states[task]
    if state is S.ALLOCATED:
        session.state.nominate_instead(task)
    elif state is S.PIPELINED:
        session.state.start_instead(task)
    else:
        session.state.evict(task)
        session.state.keep(task)


def _start_someone(session: Session, rng: random.Random) -> None:
    states, snapshot = session.state.states, session.snapshot
    able = [S.PENDING, S.RELEASING] if rng.random() < 0.5 else [S.PENDING]
    ready = [
        gang
        for gang, queue in enumerate(snapshot.gang_queue)
        if queue >= 0 and any(_may_start(session, task, able) for task in snapshot.tasks_of(gang))
    ]
    if ready:
        gang = rng.choice(ready)
        tasks = [task for task in snapshot.tasks_of(gang) if _may_start(session, task, able)]
        only_promise = any(states[task] is S.RELEASING for task in tasks) or rng.random() < 0.3
        start_gang(session, gang, tasks, nominate_only=only_promise)


def _may_start(session: Session, task: int, able: list[TaskState]) -> bool:
    """Pending, or evicted just now (what was leaving before is nobody's to start)."""
    state = session.state.states[task]
    return state in able and (
        state is S.PENDING or session.state.initial_position(task).state is not S.RELEASING
    )


@LAW
@given(worlds, st.integers(0, 10_000), st.integers(1, 12))
def test_rollback_restores_everything(world: World, seed: int, steps: int) -> None:
    session, rng = opened(world), random.Random(seed)
    mark, before = session.state.mark(), picture(session)

    disturb(session, rng, steps)
    session.state.rollback(mark)

    assert picture(session) == before


@LAW
@given(worlds, st.integers(0, 10_000))
def test_marks_nest(world: World, seed: int) -> None:
    """Back from the inner mark is the state at the inner mark, back from the outer that at the outer, and again from there."""
    session, rng = opened(world), random.Random(seed)
    outer, at_outer = session.state.mark(), picture(session)
    for _ in range(2):
        disturb(session, rng, 4)
        inner, at_inner = session.state.mark(), picture(session)
        disturb(session, rng, 4)
        session.state.rollback(inner)
        assert picture(session) == at_inner
        session.state.rollback(outer)
        assert picture(session) == at_outer


@LAW
@given(worlds, st.integers(0, 10_000))
def test_what_is_kept_per_shape_is_what_a_fresh_look_finds(world: World, seed: int) -> None:
    """The heaps survive changes and rollbacks: their best node is that of a heap made just now."""
    session, rng = opened(world), random.Random(seed)
    for shape in range(len(session.snapshot.shapes)):
        _placement(session, shape)
    for _ in range(3):
        mark = session.state.mark()
        disturb(session, rng, 3)
        if rng.random() < 0.5:
            session.state.rollback(mark)
        for shape in range(len(session.snapshot.shapes)):
            kept, fresh = _placement(session, shape), ShapePlacement(session, shape)
            assert (kept.scores, kept.total_slots) == (fresh.scores, fresh.total_slots)
            assert kept.best() == fresh.best()
