"""A container's log as the kubelet serves it: which run, which lines, in which form."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster import clock
from cluster.documents import annotations_of, parse_time, uid_of
from cluster.labels import GPU_RESOURCE
from cluster.simulator import annotations as told
from cluster.simulator.kubelet.debugging import debuggers_in
from cluster.simulator.kubelet.lives import PodLife
from cluster.simulator.kubelet.log_lines import SCRIPTS, Line, Run, last_lines, lines_between
from cluster.simulator.stages import STAGES, Ended, is_over

_FOLLOW_SLEEP = (0.05, 1.0)
"""Real seconds, at the least and at the most, between two looks at a followed log."""
_PROGRAM_PAUSE = 0.5
"""Product seconds between two looks at what a program has written."""


class LogNotThere(ValueError):
    """There is no such log; the message is the kubelet's sentence."""


@dataclass(frozen=True)
class LogRequest:
    """The query of a log request, read."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since: datetime | None = None
    limit_bytes: int | None = None


def read_request(query: Mapping[str, str], now: datetime) -> LogRequest:
    """Raises ValueError naming the parameter that cannot be understood."""
    since: datetime | None = None
    if text := query.get("sinceTime"):
        since = parse_time(text)
    elif text := query.get("sinceSeconds"):
        since = now - timedelta(seconds=_whole(query, "sinceSeconds") or 0)
    return LogRequest(
        follow=_flag(query, "follow"),
        previous=_flag(query, "previous"),
        timestamps=_flag(query, "timestamps"),
        tail_lines=_whole(query, "tailLines"),
        since=since,
        limit_bytes=_whole(query, "limitBytes"),
    )


def run_of(life: PodLife, container: str, *, previous: bool) -> Run:
    """The run whose log is asked for; raises LogNotThere."""
    spec = life.pod["spec"]
    initial = next((one for one in spec.get("initContainers") or [] if one["name"] == container), None)
    if initial is not None:
        return _run_of_initial(life, initial, previous=previous)
    if container in {one["name"] for one in debuggers_in(life.pod)}:
        return _run_of_debugger(life, container, previous=previous)
    if container not in {one["name"] for one in spec["containers"]}:
        raise LogNotThere(f'container "{container}" in pod "{life.key[1]}" is not available')
    state = life.state
    restarts = state.restarts
    if previous:
        ended = state.previous
        if ended is None:
            raise LogNotThere(f'previous terminated container "{container}" in pod "{life.key[1]}" not found')
        before = restarts if STAGES[state.stage].shows == "waiting" else restarts - 1
        return _run(life, ended.started_at, ended, before)
    if state.stage in ("backing-off", "unconfigured") and state.previous is not None:
        return _run(life, state.previous.started_at, state.previous, restarts)
    if state.started_at is None:
        reason = STAGES[state.stage].reason or "ContainerCreating"
        raise LogNotThere(f'container "{container}" in pod "{life.key[1]}" is waiting to start: {reason}')
    return _run(life, state.started_at, state.ended, restarts)


def _run_of_initial(life: PodLife, container: Mapping[str, Any], *, previous: bool) -> Run:
    """A sidecar writes as long as its pod runs; what only prepares says nothing and is done when the pod starts."""
    name, pod, state = container["name"], life.key[1], life.state
    if previous:
        raise LogNotThere(f'previous terminated container "{name}" in pod "{pod}" not found')
    if state.started_at is None:
        raise LogNotThere(f'container "{name}" in pod "{pod}" is waiting to start: PodInitializing')
    if container.get("restartPolicy") == "Always":
        run = _run(life, state.started_at, state.ended if is_over(state) else None, 0)
    else:
        run = _run(life, state.began_at, Ended(state.began_at, state.started_at, 0, "Completed"), 0)
    return replace(run, script="quiet", said=None)


def _run_of_debugger(life: PodLife, name: str, *, previous: bool) -> Run:
    """It says that it started: who added it works in it by exec."""
    begun = life.debuggers.get(name)
    if previous:
        raise LogNotThere(f'previous terminated container "{name}" in pod "{life.key[1]}" not found')
    if begun is None:
        raise LogNotThere(f'container "{name}" in pod "{life.key[1]}" is waiting to start: ContainerCreating')
    return replace(_run(life, begun, life.state.ended, 0), script="quiet", said=None)


def _run(life: PodLife, started: datetime, ended: Ended | None, restarts: int) -> Run:
    wanted = life.load.memory_mib if life.load else None
    said = None
    if life.program is not None and told.LOG_SCRIPT not in annotations_of(life.pod):
        said = life.program.perform(started).said
    last_words = "" if ended is None else life.trouble or ("" if said is not None else ended.reason)
    return Run(
        script=life.script,
        seed=f"{uid_of(life.pod)}/{restarts}",
        gpus=life.requests.get(GPU_RESOURCE, 0),
        started=started,
        ended=None if ended is None else ended.finished_at,
        last_words=last_words,
        facts=(("code", str(ended.exit_code if ended else 0)), ("wanted", str(wanted or 0))),
        said=said,
    )


def log_text(run: Run, request: LogRequest, now: datetime) -> str:
    """The log as it stands."""
    return cut(_text(_chosen(run, request, now), timestamps=request.timestamps), request.limit_bytes)


def follow_log(run: Run, request: LogRequest, present: Callable[[Run], Run | None]) -> Iterator[str]:
    """The log, and what is added to it, until the container has ended or is gone; sleeps in between.

    `present` gives the same run as it is by now, or None when its pod is gone.
    """
    now = clock.now()
    yield log_text(run, request, now)
    pause = _PROGRAM_PAUSE if run.said is not None else SCRIPTS[run.script].interval / 2
    while run.ended is None:
        time.sleep(min(_FOLLOW_SLEEP[1], max(_FOLLOW_SLEEP[0], clock.real_seconds(pause))))
        newer = present(run)
        seen, now = now, clock.now()
        if newer is None or newer.started != run.started:
            return
        text = _text(list(lines_between(newer, seen, now)), timestamps=request.timestamps)
        run = newer
        if text:
            yield text


def _chosen(run: Run, request: LogRequest, now: datetime) -> list[Line]:
    if request.tail_lines is not None and request.since is None:
        return last_lines(run, request.tail_lines, now)
    lines = list(lines_between(run, request.since, now))
    return lines if request.tail_lines is None else lines[-request.tail_lines :] if request.tail_lines else []


def _text(lines: list[Line], *, timestamps: bool) -> str:
    if timestamps:
        return "".join(f"{_stamp(moment)} {text}" for moment, text in lines)
    return "".join(text for _, text in lines)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def cut(text: str, limit_bytes: int | None) -> str:
    if limit_bytes is None:
        return text
    return text.encode()[:limit_bytes].decode("utf-8", "ignore")


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "false").lower() in ("true", "1", "")


def _whole(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None or text == "":
        return None
    if not text.isdigit():
        raise ValueError(f"{name}: {text!r} is not a whole number of at least 0")
    return int(text)
