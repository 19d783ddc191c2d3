"""The whole product, started with the README's command in a folder of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_SECONDS = 420.0
READY = "all parts are ready"


@dataclass
class Product:
    """`manage.py up` as a child process; `lines` is its log."""

    data: Path
    port: int
    arguments: tuple[str, ...] = ()
    lines: list[str] = field(default_factory=list)
    process: "subprocess.Popen[str] | None" = None
    _reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        return self.data / "cluster" / "kubeconfig"

    def password_of(self, name: str) -> str:
        return str(json.loads((self.data / "demo_passwords.json").read_text())[name])

    def start(self) -> float:
        """Seconds until all parts were ready; AssertionError with the log's end when they are not."""
        began = time.monotonic()
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("RUNAI_", "DJANGO_", "DATABASE_URL"))
        }
        self.process = subprocess.Popen(
            [
                sys.executable,
                "manage.py",
                "up",
                "--port",
                str(self.port),
                "--data",
                str(self.data),
                *self.arguments,
            ],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        self.wait_for(READY, READY_WITHIN_SECONDS)
        return time.monotonic() - began

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        with process.stdout:
            for line in process.stdout:
                self.lines.append(line.rstrip())

    def wait_for(self, text: str, seconds: float, *, after: int = 0) -> str:
        """The first log line from `after` on that contains `text`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = next((line for line in self.lines[after:] if text in line), None)
            if found:
                return found
            assert self.process
            assert self.process.poll() is None, "the product ended:\n" + "\n".join(self.lines[-40:])
            time.sleep(0.1)
        raise AssertionError(
            f"{text!r} was not in the log within {seconds:.0f} s:\n" + "\n".join(self.lines[-60:])
        )

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)
        if self._reader:
            self._reader.join(10)

    def pid_of(self, part: str) -> int | None:
        """The process id of a part (redis, cluster, web, scheduler, worker, beat), found below ours by its command line."""
        marks = {
            "redis": r"redis-server|redis\.conf",
            "cluster": r"cluster\.simulator",
            "web": r"uvicorn",
            "scheduler": r"-Q\x00scheduling",
            "worker": r"-Q\x00cluster,default",
            "beat": r"\x00beat\x00",
        }
        assert self.process
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and self._is_child(entry):
                try:
                    command = (entry / "cmdline").read_text()
                except OSError:  # it ended meanwhile
                    continue
                if re.search(marks[part], command):
                    return int(entry.name)
        return None

    def _is_child(self, entry: Path) -> bool:
        assert self.process
        try:
            return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == self.process.pid
        except (OSError, IndexError):
            return False
