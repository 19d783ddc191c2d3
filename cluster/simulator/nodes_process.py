"""Keeps the process that plays nodes and controllers beside the API server: started anew when it dies, ended with us."""

import ctypes
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

logger = logging.getLogger(__name__)

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_AFTER_SECONDS = 60.0
STOP_WITHIN_SECONDS = 8.0


class NodesProcess:
    """`start` returns at once; `stop` waits for the end."""

    def __init__(self, kubeconfig: Path, nodes: Mapping[str, int]) -> None:
        counts = ",".join(f"{shape}={count}" for shape, count in nodes.items())
        asked = ["--nodes", counts] if counts else []
        self._argv = [
            sys.executable,
            "-m",
            "cluster.simulator",
            "--target",
            str(kubeconfig),
            "--controllers",
            *asked,
        ]
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, name="nodes process", daemon=True)

    def start(self) -> None:
        self._keeper.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _keep(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            self._process = subprocess.Popen(self._argv, preexec_fn=_die_with_parent)
            code = self._process.wait()
            if self._stopping.is_set():
                return
            failures = 0 if time.monotonic() - began > STEADY_AFTER_SECONDS else failures
            pause = PAUSES[min(failures, len(PAUSES) - 1)]
            failures += 1
            logger.error("the nodes' process ended with %s; starts again in %g s", code, pause)
            self._stopping.wait(pause)


def _die_with_parent() -> None:
    """Linux: the kernel tells the child when the thread that started it ends; that thread lives as long as the server."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
