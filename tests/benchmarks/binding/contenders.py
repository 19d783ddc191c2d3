"""The two schedulers, each started as its users start it."""

import asyncio
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Protocol

import yaml

from cluster.control_plane.building import cache_folder
from cluster.labels import SCHEDULER_NAME

ROOT = Path(__file__).resolve().parents[3]
_TICKS = os.sysconf("SC_CLK_TCK")


class Contender(Protocol):
    """Something that binds pods which name it."""

    name: str
    scheduler_name: str

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def processes(self) -> list[int]: ...


class KubeScheduler:
    """The genuine one: default profile, the client's own limits lifted."""

    name = "kube-scheduler"
    scheduler_name = "default-scheduler"

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        self._folder, self._kubeconfig = folder, kubeconfig
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self._folder / "kube-scheduler.yaml"
        client = {"kubeconfig": str(self._kubeconfig), "qps": 10000, "burst": 10000}
        document = {
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "clientConnection": client,
            "leaderElection": {"leaderElect": False},
        }
        config.write_text(yaml.safe_dump(document))
        command = [str(cache_folder() / "kube-scheduler"), f"--config={config}", "--secure-port=0"]
        with (self._folder / "kube-scheduler.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def processes(self) -> list[int]:
        return [self._process.pid] if self._process else []


class OurScheduler:
    """The parts redis, scheduler and beat of `manage.py up`, by their own command lines, under its supervisor."""

    name = "Runai Portal"
    scheduler_name = SCHEDULER_NAME
    parts = frozenset({"redis", "scheduler", "beat"})

    def __init__(self, data: Path, kubeconfig: Path, log: Path) -> None:
        self._data, self._kubeconfig, self._log = data, kubeconfig, log
        self._supervisor: object | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._trouble: BaseException | None = None
        self._ready = threading.Event()

    def start(self) -> None:
        self._ready.clear()
        self._trouble = None
        self._thread = threading.Thread(target=self._run, name="our scheduler", daemon=True)
        self._thread.start()

    def wait_ready(self, seconds: float = 120) -> None:
        give_up_at = time.monotonic() + seconds
        while not self._ready.wait(0.1):
            if self._trouble or time.monotonic() > give_up_at:
                raise RuntimeError(f"the scheduler did not start; see {self._log}") from self._trouble

    def stop(self) -> None:
        if self._loop and self._supervisor and self._thread:
            self._loop.call_soon_threadsafe(self._supervisor.stop)  # type: ignore[attr-defined]  # typed lazily: Django first
            self._thread.join(60)
        self._supervisor = self._loop = self._thread = None

    def processes(self) -> list[int]:
        """The scheduler's own process; Redis and beat are beside it."""
        running = getattr(self._supervisor, "processes", {})
        return [running["scheduler"].pid] if "scheduler" in running else []

    def _run(self) -> None:
        try:
            asyncio.run(self._supervise())
        except (Exception, SystemExit) as error:  # noqa: BLE001 (told to who waits for us in another thread)
            self._trouble = error

    async def _supervise(self) -> None:
        from django.conf import settings

        from runai_portal.running.parts import Place, parts_of
        from runai_portal.running.supervisor import Supervisor

        place = Place(
            data=self._data,
            port=0,
            redis_url=settings.REDIS_URL,
            redis_socket=Path(settings.REDIS_URL.removeprefix("unix://")),
            simulator_port=None,
            kubeconfig=self._kubeconfig,
        )
        chosen = [part for part in parts_of(place) if part.name in self.parts]
        with self._log.open("a") as log:

            def say(name: str, line: str) -> None:
                log.write(f"{name:<9} {line}\n")
                log.flush()

            supervisor = Supervisor(chosen, cwd=ROOT, say=say)
            self._supervisor, self._loop = supervisor, asyncio.get_running_loop()
            await supervisor.run(self._ready.set)


def processor_seconds(pids: list[int]) -> float:
    """User and system time of these processes so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def resident_mib(pid: int) -> tuple[float, float]:
    """(now, at most so far)."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, rest = line.partition(":")
        if key in {"VmRSS", "VmHWM"}:
            found[key] = int(rest.split()[0]) / 1024
    return found["VmRSS"], found["VmHWM"]
