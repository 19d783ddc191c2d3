"""The folder that holds everything of an embedded installation: its version, its lock, its ports and its secrets."""

import fcntl
import json
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

DATA_VERSION = 1
"""Raised when the layout of the folder changes; older folders are brought up by STEPS, newer ones refused."""

STEPS: dict[int, Any] = {}
"""version n -> function(folder) that turns a folder of version n into one of version n + 1."""


class DataFolderRefused(Exception):
    """The folder cannot be used; the message says why and what to do."""


@dataclass
class DataFolder:
    path: Path
    _lock: IO[str] | None = field(default=None, repr=False)

    def open(self, *, reset: bool = False) -> None:
        """Creates, locks and upgrades the folder; `reset` empties it first."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._take_lock()
        if reset:
            self._empty()
        version = self._version()
        if version > DATA_VERSION:
            raise DataFolderRefused(
                f"{self.path} was written by a newer version of the product (data version {version}, this one knows {DATA_VERSION}). "
                "Use that version, another --data folder, or --reset to start anew."
            )
        for step in range(version, DATA_VERSION):
            STEPS[step](self.path)
        self._marker.write_text(json.dumps({"data_version": DATA_VERSION}))

    def close(self) -> None:
        """Another product may use it from now on."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def _marker(self) -> Path:
        return self.path / "version.json"

    def _version(self) -> int:
        if not self._marker.exists():
            return DATA_VERSION  # new
        try:
            return int(json.loads(self._marker.read_text())["data_version"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataFolderRefused(f"{self._marker} cannot be read: {error!r}") from error

    def _take_lock(self) -> None:
        lock = (self.path / "up.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise DataFolderRefused(
                f"The product already runs on {self.path}. Stop it first, or choose another --data folder."
            ) from error
        self._lock = lock

    def _empty(self) -> None:
        """Removes what is inside, but never a folder that is not ours."""
        others = [entry for entry in self.path.iterdir() if entry.name != "up.lock"]
        if others and not self._marker.exists():
            raise DataFolderRefused(
                f"{self.path} holds files, but no version.json of ours: it is not emptied. Choose another --data folder."
            )
        for entry in others:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def remembered(self, name: str) -> dict[str, Any]:
        """A small JSON file of the folder; {} when it is not there."""
        file = self.path / name
        return json.loads(file.read_text()) if file.exists() else {}

    def remember(self, name: str, values: dict[str, Any]) -> None:
        """Writes it, readable by its owner only."""
        file = self.path / name
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_text(json.dumps(values, indent=1))

    def demo_passwords(self, names: list[str]) -> dict[str, str]:
        """A password for each name, made once."""
        known = self.remembered("demo_passwords.json")
        missing = [name for name in names if name not in known]
        if missing:
            known |= {
                name: f"{secrets.choice(WORDS)}-{secrets.choice(WORDS)}-{secrets.randbelow(9000) + 1000}"
                for name in missing
            }
            self.remember("demo_passwords.json", known)
        return {name: known[name] for name in names}


WORDS = (
    "amber",
    "birch",
    "cedar",
    "cobalt",
    "coral",
    "delta",
    "ember",
    "fjord",
    "garnet",
    "harbor",
    "indigo",
    "jasper",
    "kelp",
    "larch",
    "maple",
    "nectar",
    "olive",
    "pebble",
    "quartz",
    "raven",
    "saffron",
    "tundra",
    "umber",
    "violet",
    "willow",
    "yarrow",
    "zephyr",
)
