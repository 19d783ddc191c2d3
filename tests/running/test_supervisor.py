"""What `manage.py up` promises about its parts, with real processes."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from runai_portal.running import supervisor as module
from runai_portal.running.supervisor import Part, PartNotReady, Supervisor

SLEEPS = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


async def at_once() -> bool:
    return True


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def of(self, name: str) -> list[str]:
        return [line for who, line in self.lines if who == name]


def part(
    name: str,
    program: str = SLEEPS,
    *,
    stage: int = 0,
    ready: Callable[[], Awaitable[bool]] = at_once,
    within: float = 60,
) -> Part:
    return Part(name, (sys.executable, "-u", "-c", program), ready, stage, ready_within_seconds=within)


async def until(claim: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not claim():
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(parts: list[Part], log: Log):
    """The supervisor in the background, once all parts are ready; stopped at the end."""
    one = Supervisor(parts, cwd=Path("/"), say=log)
    ready = asyncio.Event()
    task = asyncio.create_task(one.run(ready.set))
    try:
        async with asyncio.timeout(20):
            await ready.wait()
        yield one
    finally:
        one.stop()
        await task


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_later_stage_starts_only_when_the_earlier_is_ready():
    log = Log()
    asked: list[bool] = []

    async def second_started_too_early() -> bool:
        asked.append("second" in one.processes)
        return len(asked) > 3

    one = Supervisor(
        [part("first", ready=second_started_too_early), part("second", stage=1)], cwd=Path("/"), say=log
    )

    async def story() -> None:
        await one.run(one.stop)

    asyncio.run(story())
    assert not any(asked)
    assert set(one.processes) == {"first", "second"}


def test_what_dies_is_started_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BACK_OFF_SECONDS", (0.01,))
    log = Log()

    async def story() -> None:
        async with running([part("worker")], log) as one:
            first = one.processes["worker"].pid
            os.kill(first, signal.SIGKILL)
            await until(lambda: one.processes["worker"].pid != first)
            assert alive(one.processes["worker"].pid)

    asyncio.run(story())
    assert any("SIGKILL" in line and "starts again" in line for line in log.of("worker"))


def test_a_part_that_keeps_dying_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BACK_OFF_SECONDS", (0.01, 0.02, 0.03))
    log = Log()

    async def story() -> None:
        async with running([part("web", "raise SystemExit(3)")], log):
            await until(lambda: len([line for line in log.of("web") if "exit code 3" in line]) >= 3)

    asyncio.run(story())
    pauses = [line for line in log.of("web") if "exit code 3" in line]
    assert pauses[0].endswith("in 0 s")


def test_all_lines_stand_in_one_log_with_their_part():
    log = Log()

    async def story() -> None:
        async with running([part("beat", "print('tick'); import time; time.sleep(600)")], log):
            await until(lambda: "tick" in log.of("beat"))

    asyncio.run(story())


def test_stopping_ends_every_part_even_a_deaf_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "STOP_GRACE_SECONDS", 0.3)
    log = Log()
    pids: list[int] = []

    async def story() -> None:
        async with running([part("deaf", DEAF), part("good")], log) as one:
            await until(lambda: "deaf" in log.of("deaf"))
            pids.extend(process.pid for process in one.processes.values())

    asyncio.run(story())
    assert len(pids) == 2
    assert not any(alive(pid) for pid in pids)


def test_a_part_that_never_gets_ready_stops_the_start_and_is_named():
    async def never() -> bool:
        return False

    log = Log()
    one = Supervisor([part("cluster", ready=never, within=0.3)], cwd=Path("/"), say=log)
    with pytest.raises(PartNotReady, match="cluster was not ready"):
        asyncio.run(one.run(lambda: None))
    assert not alive(one.processes["cluster"].pid)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_parts_do_not_outlive_a_killed_supervisor(tmp_path: Path):
    program = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
from runai_portal.running.supervisor import Part, Supervisor
async def yes(): return True
one = Supervisor([Part("p", (sys.executable, "-c", {SLEEPS!r}), yes, 0)], cwd=Path("/"), say=print)
asyncio.run(one.run(lambda: print("pid", one.processes["p"].pid, flush=True)))
"""

    async def story() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-u", "-c", program, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout
        child = 0
        async with asyncio.timeout(20):
            while not child:
                words = (await process.stdout.readline()).decode().split()
                child = int(words[1]) if words[:1] == ["pid"] else 0
        process.kill()
        await process.wait()
        await until(lambda: not alive(child))

    asyncio.run(story())
