"""Starts parts in order, waits until each is ready, restarts with back-off what dies, and stops everything cleanly."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

STOP_GRACE_SECONDS = 12.0
BACK_OFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
STEADY_AFTER_SECONDS = 60.0
"""A part that ran this long starts its back-off anew."""

Ready = Callable[[], Awaitable[bool]]
Say = Callable[[str, str], None]


@dataclass(frozen=True)
class Part:
    """One process. `ready` is asked until it says yes; parts of a later `stage` start only then."""

    name: str
    argv: tuple[str, ...]
    ready: Ready
    stage: int
    env: Mapping[str, str] = field(default_factory=dict)
    ready_within_seconds: float = 300.0


class PartNotReady(Exception):
    """A part did not become ready in its time; the message names it and the time."""


class Supervisor:
    """Owns the processes of all parts from start to stop."""

    def __init__(self, parts: list[Part], *, cwd: Path, say: Say) -> None:
        self.parts = parts
        self.cwd = cwd
        self.say = say
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.keepers: list[asyncio.Task[None]] = []
        self.readers: set[asyncio.Task[None]] = set()
        self.stopping = asyncio.Event()

    async def run(
        self, on_ready: Callable[[], None], *, on_stage: Callable[[int], Awaitable[None]] | None = None
    ) -> None:
        """Runs until `stop` is called or a part never becomes ready (PartNotReady)."""
        try:
            for stage in sorted({part.stage for part in self.parts}):
                await self._start_stage([part for part in self.parts if part.stage == stage])
                if self.stopping.is_set():
                    return
                if on_stage:
                    await on_stage(stage)
            on_ready()
            await self.stopping.wait()
        finally:
            await self._stop_all()

    def stop(self) -> None:
        self.stopping.set()

    async def _start_stage(self, parts: list[Part]) -> None:
        for part in parts:
            self.keepers.append(asyncio.create_task(self._keep(part), name=f"keep {part.name}"))
        await asyncio.gather(*(self._until_ready(part) for part in parts))

    async def _until_ready(self, part: Part) -> None:
        began = time.monotonic()
        while not self.stopping.is_set():
            if part.name in self.processes and await part.ready():
                self.say(part.name, f"ready after {time.monotonic() - began:.1f} s")
                return
            if time.monotonic() - began > part.ready_within_seconds:
                raise PartNotReady(f"{part.name} was not ready within {part.ready_within_seconds:.0f} s")
            await asyncio.sleep(0.1)

    async def _keep(self, part: Part) -> None:
        """Start, wait for the end, back off, start again; until we are stopping."""
        failures = 0
        while not self.stopping.is_set():
            began = time.monotonic()
            process = await self._spawn(part)
            if self.stopping.is_set():  # the stop came while it was being started
                await self._end(process)
                return
            code = await process.wait()
            if self.stopping.is_set():
                return
            failures = 0 if time.monotonic() - began > STEADY_AFTER_SECONDS else failures
            pause = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)]
            failures += 1
            self.say(part.name, f"ended with {_ending(code)}; starts again in {pause:.0f} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), pause)

    async def _spawn(self, part: Part) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *part.argv,
            cwd=self.cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **part.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1024 * 1024,
            process_group=0,  # Ctrl-C reaches only us: we stop the parts in order
            preexec_fn=_die_with_parent,
        )
        self.processes[part.name] = process
        reader = asyncio.create_task(self._relay(part.name, process))
        self.readers.add(reader)
        reader.add_done_callback(self.readers.discard)
        return process

    async def _relay(self, name: str, process: asyncio.subprocess.Process) -> None:
        """One log: each line of the part with its name before it."""
        assert process.stdout is not None  # noqa: S101  (asked for a pipe above)
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # a line beyond the limit: what follows is still read
                continue
            if not line:
                return
            self.say(name, line.decode(errors="replace").rstrip())

    async def _stop_all(self) -> None:
        """Last started first; SIGTERM, then after a grace SIGKILL."""
        self.stopping.set()
        for stage in sorted({part.stage for part in self.parts}, reverse=True):
            names = [part.name for part in self.parts if part.stage == stage and part.name in self.processes]
            await asyncio.gather(*(self._end(self.processes[name]) for name in names))
        await asyncio.gather(*self.keepers, *self.readers, return_exceptions=True)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_GRACE_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _die_with_parent() -> None:
    """Linux only: when we are killed with -9, the parts get SIGTERM instead of living on unseen."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
