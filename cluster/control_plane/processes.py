"""The processes of a control plane: started with a log each, asked until they answer, ended in the reverse order."""

import ctypes
import logging
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

logger = logging.getLogger(__name__)

START_SECONDS = 90.0
STOP_SECONDS = 3.0
"""Then it is killed: the API server would wait a minute for open watches, and what it has answered is in etcd."""
LONGEST_LOG_BYTES = 10_000_000
_PR_SET_PDEATHSIG = 1


class DidNotStart(Exception):
    """A part ended or did not answer in time; the message has the end of its log."""


class Processes:
    """Children in `folder`, each with `<name>.log`; they are killed with us, however we end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def run(self, name: str, command: list[str]) -> None:
        log = self._log(name)
        if log.exists() and log.stat().st_size > LONGEST_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                cwd=self._folder,
                env=_without_proxies(),
                preexec_fn=_end_with_parent,
            )
        self._running.append((name, process))

    def wait(self, name: str, url: str, certificate: Path | None = None, token: str | None = None) -> None:
        """Until the address answers 200. Raises DidNotStart."""
        give_up_at = time.monotonic() + START_SECONDS
        process = next(process for known, process in self._running if known == name)
        while not _answers(url, certificate, token):
            if process.poll() is not None:
                raise DidNotStart(f"{name} ended with {process.returncode}: {self._end_of_log(name)}")
            if time.monotonic() > give_up_at:
                raise DidNotStart(
                    f"{name} does not answer after {START_SECONDS:g} s: {self._end_of_log(name)}"
                )
            time.sleep(0.1)

    def ended(self) -> str:
        """The name of one that has ended by itself, with its exit code and the end of its log; "" while all run."""
        for name, process in self._running:
            if process.poll() is not None:
                return f"{name} ended with {process.returncode}: {self._end_of_log(name)}"
        return ""

    def stop(self) -> None:
        """In the reverse order, each with time to end by itself."""
        while self._running:
            name, process = self._running.pop()
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                logger.debug("%s does not end; killing it", name)
                process.kill()
                process.wait()

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _end_of_log(self, name: str) -> str:
        return self._log(name).read_text(errors="replace")[-1500:]


def _answers(url: str, certificate: Path | None, token: str | None) -> bool:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310 (our own address)
    try:
        context = None
        if url.startswith("https"):
            # made by the server itself in its first second, and perhaps half written when it is read
            context = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen(request, timeout=5, context=context) as answer:  # noqa: S310 (as above)
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ssl.SSLError):
        return False


def _without_proxies() -> dict[str, str]:
    """Nodes and pods are on this machine: a proxy of the surroundings could not reach them."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def _end_with_parent() -> None:
    """In the child: be killed when the parent dies, however it dies, so that nothing is left running."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
