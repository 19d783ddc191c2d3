"""The life of a simulated pod, as data: a table of stages, and rows that let it go wrong. Pure.

`advance` moves a state along the table up to a moment; a state can be read back from the status that was written,
so the kubelet needs no memory of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

Shows = Literal["waiting", "running", "terminated"]
Event = tuple[Literal["Normal", "Warning"], str, str]
"""(type, reason, note)."""

_RESTART_FIRST, _RESTART_LONGEST = 10.0, 300.0
_FORGIVEN_AFTER = 600.0
"""A container that ran this long before it ended begins its back-off anew, as with the real kubelet."""
SIGTERM_EXIT, SIGKILL_EXIT = 143, 137


@dataclass(frozen=True)
class Life:
    """What is going to happen to a pod; durations in product seconds, `run` None means until it is stopped."""

    pull: float = 2.0
    start: float = 1.0
    ready: float = 0.0
    run: float | None = None
    stop: float = 1.0
    exit_code: int = 0
    exit_reason: str = ""
    failure: str | None = None
    restart_policy: str = "Always"
    unmounted: tuple[str, ...] = ()
    """What keeps its volumes from being mounted: nothing begins before that is mended."""
    lacking: tuple[tuple[str, str], ...] = ()
    """(container, what it needs and is not there): no container is started before that is mended."""


@dataclass(frozen=True)
class Ended:
    """One run of the container that is over."""

    started_at: datetime
    finished_at: datetime
    exit_code: int
    reason: str


@dataclass(frozen=True)
class PodState:
    """Where a pod is in its life; times are product times."""

    stage: str
    since: datetime
    began_at: datetime
    restarts: int = 0
    started_at: datetime | None = None
    ended: Ended | None = None
    previous: Ended | None = None
    detail: str = ""
    """What is shown instead of the row's own message."""
    lacking: tuple[tuple[str, str], ...] = ()
    """As in the life, while it is waited for."""


@dataclass(frozen=True)
class Stage:
    """One row: what it shows, how long it lasts (None: until something happens), what follows, what is told."""

    shows: Shows
    reason: str
    lasts: Callable[[Life, PodState], float | None]
    then: Callable[[Life, PodState], str]
    message: str = ""
    event: Event | None = None
    """The note may name {image}, {container} and {detail}. Told when the stage is entered; of what is
    missing, at each look for it."""
    ready: bool = False


def _to(stage: str) -> Callable[[Life, PodState], str]:
    return lambda life, state: stage


def _after_pulling(life: Life, state: PodState) -> str:
    return "pull-failed" if life.failure == "image-pull" else "starting"


def _when_configured(life: Life, state: PodState) -> str:
    return "unconfigured" if life.lacking else "started"


def _after_exit(life: Life, state: PodState) -> str:
    code = state.ended.exit_code if state.ended else 0
    if life.restart_policy == "Always" or (life.restart_policy == "OnFailure" and code != 0):
        return "backing-off"
    return "done"


def back_off_seconds(ended: Ended | None, restarts: int) -> float:
    """0 for the first restart, then 10, 20, 40 … up to 300 seconds."""
    if ended is not None and (ended.finished_at - ended.started_at).total_seconds() >= _FORGIVEN_AFTER:
        return 0.0
    if restarts == 0:
        return 0.0
    return float(min(_RESTART_LONGEST, _RESTART_FIRST * 2.0 ** min(restarts - 1, 10)))


def _nothing(life: Life, state: PodState) -> float | None:
    return None


STAGES: dict[str, Stage] = {
    "mounting": Stage(
        "waiting",
        "ContainerCreating",
        lambda life, state: None if life.unmounted else 0.0,
        _to("pulling"),
        event=("Warning", "FailedMount", "{detail}"),
    ),
    "pulling": Stage(
        "waiting",
        "ContainerCreating",
        lambda life, state: life.pull,
        _after_pulling,
        event=("Normal", "Pulling", 'Pulling image "{image}"'),
    ),
    "pull-failed": Stage(
        "waiting",
        "ErrImagePull",
        lambda life, state: 5.0,
        _to("pull-backing-off"),
        message='failed to pull and unpack image "{image}": not found',
        event=("Warning", "Failed", 'Failed to pull image "{image}": not found'),
    ),
    "pull-backing-off": Stage(
        "waiting",
        "ImagePullBackOff",
        lambda life, state: 30.0,
        _to("pull-failed"),
        message='Back-off pulling image "{image}"',
        event=("Normal", "BackOff", 'Back-off pulling image "{image}"'),
    ),
    "starting": Stage(
        "waiting",
        "ContainerCreating",
        lambda life, state: life.start,
        _when_configured,
        event=("Normal", "Pulled", 'Successfully pulled image "{image}"'),
    ),
    "started": Stage(
        "running",
        "",
        lambda life, state: life.ready,
        _to("running"),
        event=("Normal", "Started", "Container started"),
    ),
    "running": Stage("running", "", lambda life, state: life.run, _to("exited"), ready=True),
    "exited": Stage("terminated", "", lambda life, state: 0.0, _after_exit),
    "backing-off": Stage(
        "waiting",
        "CrashLoopBackOff",
        lambda life, state: back_off_seconds(state.previous, state.restarts),
        _when_configured,
        message="back-off restarting failed container={container}",
        event=("Warning", "BackOff", "Back-off restarting failed container {container}"),
    ),
    "unconfigured": Stage(
        "waiting",
        "CreateContainerConfigError",
        lambda life, state: None if life.lacking else 0.0,
        _to("started"),
        event=("Warning", "Failed", "Error: {detail}"),
    ),
    "misconfigured": Stage(
        "waiting",
        "CreateContainerConfigError",
        _nothing,
        _to("misconfigured"),
        event=("Warning", "Failed", "{detail}"),
    ),
    "done": Stage("terminated", "", _nothing, _to("done")),
    "rejected": Stage("terminated", "", _nothing, _to("rejected")),
    "stopping": Stage(
        "running",
        "",
        lambda life, state: life.stop,
        _to("stopped"),
        event=("Normal", "Killing", "Stopping container {container}"),
    ),
    "stopped": Stage("terminated", "", _nothing, _to("stopped")),
}


def begin(now: datetime) -> PodState:
    return PodState("mounting", since=now, began_at=now)


def resupplied(state: PodState, life: Life, now: datetime) -> PodState:
    """The life says anew what is missing: what waited for it goes on from now, not from when it began to wait."""
    if state.stage == "mounting":
        return state if life.unmounted else replace(state, since=now)
    if state.stage == "unconfigured":
        return replace(state, since=state.since if life.lacking else now, lacking=life.lacking)
    return state


def due(state: PodState, life: Life) -> datetime | None:
    """When the present stage ends by itself."""
    lasts = STAGES[state.stage].lasts(life, state)
    return None if lasts is None else state.since + timedelta(seconds=lasts)


def advance(state: PodState, life: Life, now: datetime) -> tuple[PodState, list[str]]:
    """The state at `now`, and the stages entered on the way. Each begins when the one before was due, not when we looked."""
    entered: list[str] = []
    while (moment := due(state, life)) is not None and moment <= now:
        following = STAGES[state.stage].then(life, state)
        state = _enter(state, following, moment, life)
        entered.append(following)
    return state, entered


def stop(state: PodState, now: datetime) -> PodState:
    """The pod is asked to end: what runs gets its time to stop, what does not is stopped at once."""
    if STAGES[state.stage].shows == "running":
        return replace(state, stage="stopping", since=now)
    if state.stage in ("done", "rejected"):
        return replace(state, stage="stopped", since=now)
    return replace(state, stage="stopped", since=now, ended=state.ended)


def crash(state: PodState, life: Life, now: datetime, *, exit_code: int, reason: str = "Error") -> PodState:
    """What runs ends at once with that code, for a cause from outside such as a dying device."""
    if STAGES[state.stage].shows != "running" or state.stage == "stopping":
        return state
    return _enter(state, "exited", now, replace(life, exit_code=exit_code, exit_reason=reason))


def is_over(state: PodState) -> bool:
    """Nothing runs any more and nothing will: the devices are free."""
    return state.stage in ("done", "rejected", "stopped")


def with_grace(life: Life, grace_seconds: float) -> Life:
    """A stop takes no longer than the grace; what is killed then shows it by its exit code."""
    if life.stop <= grace_seconds:
        return replace(life, exit_code=0 if life.stop == 0 else SIGTERM_EXIT, exit_reason="")
    return replace(life, stop=grace_seconds, exit_code=SIGKILL_EXIT, exit_reason="")


def _enter(state: PodState, stage: str, moment: datetime, life: Life) -> PodState:
    if stage == "started":
        again = state.previous is not None
        return replace(
            state,
            stage=stage,
            since=moment,
            started_at=moment,
            ended=None,
            restarts=state.restarts + 1 if again else state.restarts,
            lacking=(),
        )
    if stage == "unconfigured":
        return replace(state, stage=stage, since=moment, lacking=life.lacking)
    if stage in ("exited", "stopped") and state.started_at is not None:
        reason = life.exit_reason or ("Completed" if life.exit_code == 0 else "Error")
        ended = Ended(state.started_at, moment, life.exit_code, reason)
        return replace(state, stage=stage, since=moment, ended=ended)
    if stage == "backing-off":
        return replace(state, stage=stage, since=moment, previous=state.ended, ended=None)
    return replace(state, stage=stage, since=moment)
