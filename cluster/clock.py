"""The product's clock: one `now()` that can run faster than real time and be re-based while the product runs.

Row stamps, object stamps, phases and samples use it; leases, retries, HTTP, sessions and audit use real time.
The three facts (epoch: real moment, start: product moment at the epoch, speed) come from the environment
(RUNAI_CLOCK_EPOCH, RUNAI_CLOCK_START, RUNAI_CLOCK_SPEED) or, when RUNAI_CLOCK_FILE names a file, from that file,
which is read again whenever it changes.
"""

import json
import logging
import math
import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

FASTEST = 600.0
"""Product seconds in a real second, at most."""
_LOOK_AGAIN_SECONDS = 0.1
"""How long a reading of the file is trusted; a stat at each call would show in the scheduler's profile."""


class ClockSettingsWrong(ValueError):
    """The clock's settings cannot be understood; the message names the setting."""


@dataclass(frozen=True)
class ClockSettings:
    """Where the product's time stands: at the real moment `epoch` it was `start`; since then it runs `speed` times as fast."""

    epoch: datetime
    start: datetime
    speed: float

    def at(self, real_seconds: float) -> datetime:
        """Product time at a real moment given in seconds since 1970."""
        return self.start + timedelta(seconds=(real_seconds - self.epoch.timestamp()) * self.speed)


def now() -> datetime:
    """Product time, in UTC."""
    return _settings().at(time.time())


def speed() -> float:
    """Product seconds that pass in one real second."""
    return _settings().speed


def real_seconds(product_seconds: float) -> float:
    """How long a product duration takes on a real clock, at the present speed."""
    return product_seconds / _settings().speed


def set_speed(new_speed: float) -> None:
    """Change the speed of every process that shares RUNAI_CLOCK_FILE; product time goes on from where it stands."""
    path = os.environ.get("RUNAI_CLOCK_FILE")
    if not path:
        raise ClockSettingsWrong(
            "RUNAI_CLOCK_FILE: not set, so the speed of a running product cannot be changed"
        )
    checked = _checked_speed(new_speed, "speed")
    real = time.time()
    before = _settings()
    rebased = {
        "epoch": datetime.fromtimestamp(real, UTC).isoformat(),
        "start": before.at(real).isoformat(),
        "speed": checked,
    }
    target = Path(path)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    fresh.write_text(json.dumps(rebased))
    fresh.replace(target)
    with _lock:
        _cache.looked_at = -math.inf
    logger.info(
        "clock speed changed from %s to %s at product time %s", before.speed, checked, rebased["start"]
    )


class _Cache:
    """What was last read, and from which version of the file."""

    settings: ClockSettings | None = None
    source: tuple[Any, ...] = ()
    looked_at: float = -math.inf


_cache = _Cache()
_lock = threading.Lock()


def _settings() -> ClockSettings:
    if _cache.settings is not None and time.monotonic() - _cache.looked_at < _LOOK_AGAIN_SECONDS:
        return _cache.settings
    with _lock:
        source = _present_source()
        if _cache.settings is None or source != _cache.source:
            _cache.settings = _read(source)
            _cache.source = source
        _cache.looked_at = time.monotonic()
        return _cache.settings


def _present_source() -> tuple[Any, ...]:
    """Everything the settings depend on, so that a change of any of it is noticed."""
    environment = tuple(os.environ.get(f"RUNAI_CLOCK_{name}") for name in ("EPOCH", "START", "SPEED", "FILE"))
    path = environment[3]
    if path:
        try:
            status = Path(path).stat()
        except FileNotFoundError:
            return (*environment, None)
        return (*environment, (status.st_mtime_ns, status.st_ino, status.st_size))
    return (*environment, None)


def _read(source: tuple[Any, ...]) -> ClockSettings:
    epoch, start, speed_text, path, version = source
    if version is not None:
        try:
            stored = json.loads(Path(path).read_text())
            epoch, start, speed_text = stored["epoch"], stored["start"], stored["speed"]
        except (ValueError, KeyError, TypeError) as error:
            raise ClockSettingsWrong(f"RUNAI_CLOCK_FILE {path}: {error!r}") from error
    wanted = _checked_speed(1.0 if speed_text in (None, "") else speed_text, "RUNAI_CLOCK_SPEED")
    real_epoch = _moment(epoch, "RUNAI_CLOCK_EPOCH")
    if real_epoch is None:
        if wanted != 1.0:  # each process would count from its own start, and they would disagree
            raise ClockSettingsWrong(
                "RUNAI_CLOCK_EPOCH: not set, but needed with a RUNAI_CLOCK_SPEED other than 1"
            )
        real_epoch = datetime.now(UTC)
    return ClockSettings(real_epoch, _moment(start, "RUNAI_CLOCK_START") or real_epoch, wanted)


def _moment(text: str | None, setting: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ClockSettingsWrong(f"{setting}: {text!r} is not an RFC 3339 time") from error
    if moment.tzinfo is None:
        raise ClockSettingsWrong(f"{setting}: {text!r} has no time zone")
    return moment.astimezone(UTC)


def _checked_speed(value: Any, setting: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ClockSettingsWrong(f"{setting}: {value!r} is not a number") from error
    if not 0 < number <= FASTEST:
        raise ClockSettingsWrong(f"{setting}: {value!r} is not above 0 and at most {FASTEST:g}")
    return number
