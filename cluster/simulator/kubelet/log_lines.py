"""Believable log lines as a function of pod and time, so that no log has to be kept. Pure.

A script says what line `i` is and how many product seconds lie between two lines.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cluster.simulator.kubelet.commands import Said

_STEPS_PER_EPOCH = 100


@dataclass(frozen=True)
class Script:
    """`interval` in product seconds; `opening` lines come at once; `line(i, seed)` makes each further one."""

    interval: float
    opening: tuple[str, ...]
    line: Callable[[int, str], str]


def _chance(seed: str, index: int) -> float:
    """0..1, the same for the same arguments."""
    return zlib.crc32(f"{seed}/{index}".encode()) / 0xFFFFFFFF


def _training_line(index: int, seed: str) -> str:
    epoch, step = divmod(index * 10, _STEPS_PER_EPOCH)
    progress = index / (index + 60)
    loss = 0.35 + 9.8 * (1 - progress) * (0.97 + 0.06 * _chance(seed, index))
    rate = 3e-4 * min(1.0, (index + 1) / 20)
    if step == 0 and index:
        accuracy = 0.25 + 0.65 * progress
        return f"epoch {epoch} done: validation loss {loss * 1.04:.4f}, accuracy {accuracy:.3f}; checkpoint written"
    return (
        f"epoch {epoch + 1} step {step}/{_STEPS_PER_EPOCH} loss {loss:.4f} lr {rate:.2e} "
        f"{2300 + 400 * _chance(seed, -index):.0f} samples/s"
    )


def _batch_line(index: int, seed: str) -> str:
    return f"shard {index:05d} read, {9000 + int(2000 * _chance(seed, index))} records, {_chance(seed, -index) * 4:.2f} s"


_ROUTES = ("/v1/completions", "/v1/chat/completions", "/healthz", "/v1/embeddings", "/metrics")


def _server_line(index: int, seed: str) -> str:
    chance = _chance(seed, index)
    route = _ROUTES[int(chance * len(_ROUTES)) % len(_ROUTES)]
    code = 200 if chance < 0.97 else 429
    return f'INFO: 10.64.{int(chance * 255)}.{index % 250 + 1} "POST {route} HTTP/1.1" {code} {40 + 900 * chance:.0f} ms'


def _notebook_line(index: int, seed: str) -> str:
    return f"[I ServerApp] Saving file at /work/notebook-{int(_chance(seed, index) * 5) + 1}.ipynb"


SCRIPTS: dict[str, Script] = {
    "training": Script(
        10,
        (
            "starting the training process",
            "devices: found {gpus} GPU(s), driver 580.95.05, CUDA 13.0",
            "data loader: 8 workers",
        ),
        _training_line,
    ),
    "batch": Script(5, ("starting the batch process", "reading the list of shards"), _batch_line),
    "server": Script(
        4,
        (
            "INFO: Started server process [1]",
            "INFO: Waiting for the model to load on {gpus} GPU(s)",
            "INFO: Ready",
        ),
        _server_line,
    ),
    "notebook": Script(
        90,
        (
            "[I ServerApp] Serving notebooks from local directory: /work",
            "[I ServerApp] Jupyter Server is running",
        ),
        _notebook_line,
    ),
    "quiet": Script(3600, ("started",), lambda index, seed: "still here"),
}
SCRIPT_NAMES = frozenset(SCRIPTS)

_LAST_WORDS: dict[str, tuple[str, ...]] = {
    "Completed": ("finished, exiting with code 0",),
    "OOMKilled": ("allocating 4.00 GiB for the next batch",),
    "Error": (
        "Traceback (most recent call last):",
        '  File "/work/main.py", line 212, in <module>',
        "    main()",
        '  File "/work/main.py", line 187, in main',
        "    trainer.step(batch)",
        "RuntimeError: simulated failure, exiting with code {code}",
    ),
    "DeviceOutOfMemory": (
        "Traceback (most recent call last):",
        '  File "/work/main.py", line 96, in <module>',
        "    model.to(device)",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {wanted} MiB, the GPU has {total} MiB",
    ),
    "DeviceLost": ("NVRM: Xid on the device", "RuntimeError: CUDA error: unspecified launch failure"),
}


@dataclass(frozen=True)
class Run:
    """One run of a container: its log begins with it. `ended` is None while it runs; times are product times."""

    script: str
    seed: str
    gpus: int
    started: datetime
    ended: datetime | None = None
    last_words: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    said: tuple[Said, ...] | None = None
    """What its program writes; None: the script tells."""


Line = tuple[datetime, str]
"""When it was written, and its text with the newline that ends it; only a program may leave its last line open."""


def lines_between(run: Run, after: datetime | None, now: datetime) -> Iterator[Line]:
    """The lines written up to `now`, only those later than `after` if given; oldest first."""
    until = now if run.ended is None else min(now, run.ended)
    written = _scripted(run, after, until) if run.said is None else _of_the_program(run, run.said, until)
    for moment, text in written:
        if after is None or moment > after:
            yield moment, text
    if run.ended is not None and run.ended <= now and (after is None or run.ended > after):
        for text in _LAST_WORDS.get(run.last_words, ()):
            yield run.ended, f"{_filled(text, run)}\n"


def _of_the_program(run: Run, said: tuple[Said, ...], until: datetime) -> Iterator[Line]:
    """A line is in the log when it is ended, as containerd writes it; the last one, which may stay open, when its program is."""
    begun = ""
    for one in said:
        moment = run.started + timedelta(seconds=one.after)
        if moment > until:
            break
        *ended, last = one.text.split("\n")
        for text in ended:
            yield moment, f"{begun}{text}\n"
            begun = ""
        begun += last
    if begun and run.ended is not None and run.ended <= until:
        yield run.ended, begun


def _scripted(run: Run, after: datetime | None, until: datetime) -> Iterator[Line]:
    """Not made in vain: those long before `after` are left out."""
    script = SCRIPTS[run.script]
    if after is None or after < run.started:
        for number, text in enumerate(script.opening):
            opening = text.replace("{gpus}", str(run.gpus))
            yield run.started + timedelta(milliseconds=number), f"{opening}\n"
    first = 0
    if after is not None and after >= run.started:
        first = int((after - run.started).total_seconds() // script.interval)
    index = max(0, first)
    while (moment := run.started + timedelta(seconds=(index + 1) * script.interval)) <= until:
        yield moment, f"{script.line(index, run.seed)}\n"
        index += 1


def last_lines(run: Run, count: int, now: datetime) -> list[Line]:
    """The newest `count` lines, without making the older ones."""
    until = now if run.ended is None else min(now, run.ended)
    interval = SCRIPTS[run.script].interval
    written = int((until - run.started).total_seconds() // interval)
    if count <= 0:
        return []
    if run.said is not None:
        return list(lines_between(run, None, now))[-count:]
    after = run.started + timedelta(seconds=(written - count) * interval) if written > count else None
    return list(lines_between(run, after, now))[-count:]


def _filled(text: str, run: Run) -> str:
    for name, value in run.facts:
        text = text.replace(f"{{{name}}}", value)
    return text
