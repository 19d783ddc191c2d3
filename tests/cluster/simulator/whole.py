"""The simulated cluster as users start it: `python -m cluster.simulator` in a process of its own."""

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cluster.control_plane.running import free_ports

START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass
class WholeCluster:
    """`start` returns when it answers; `nodes` as in `--nodes`."""

    folder: Path
    nodes: str = ""
    port: int = field(default_factory=lambda: free_ports(1)[0])
    process: subprocess.Popen[bytes] | None = None

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def start(self) -> None:
        asked = ["--nodes", self.nodes] if self.nodes else []
        command = [
            sys.executable,
            "-m",
            "cluster.simulator",
            "--port",
            str(self.port),
            "--data",
            str(self.folder),
            *asked,
        ]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        give_up = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(
                    f"the simulated cluster did not start: {(self.folder / 'log').read_text()[-2000:]}"
                )
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            authority = str(self.folder / "ca.crt")
            import ssl

            context = ssl.create_default_context(cafile=authority)
            return (
                httpx.get(
                    f"https://127.0.0.1:{self.port}/readyz", verify=context, trust_env=False
                ).status_code
                == 200
            )
        except (httpx.HTTPError, OSError):
            return False

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """As `kill -9`: nothing may be put in order."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
