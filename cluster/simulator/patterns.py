"""How a quantity moves over time: `constant:85`, `wave:20-95/300`, `ramp:0-90/600`, `steps:90x300,5x60`, `idle`. Pure.

A pattern is a function of the time since its start alone, so a restarted simulator goes on where it was, and a
counter is its exact integral.
"""

import math
import re
from dataclasses import dataclass
from typing import Protocol

from cluster.simulator.annotations import AnnotationWrong

_NUMBER = r"(\d+(?:\.\d+)?)"


class Pattern(Protocol):
    """Values in percent, times in product seconds since the start."""

    def at(self, seconds: float) -> float: ...

    def integral(self, seconds: float) -> float:
        """Percent-seconds from the start up to then."""


@dataclass(frozen=True)
class Constant:
    percent: float

    def at(self, seconds: float) -> float:
        return self.percent

    def integral(self, seconds: float) -> float:
        return self.percent * max(0.0, seconds)


@dataclass(frozen=True)
class Wave:
    """A cosine that begins at its lowest point."""

    low: float
    high: float
    period: float

    def at(self, seconds: float) -> float:
        swing = (1 - math.cos(2 * math.pi * seconds / self.period)) / 2
        return self.low + (self.high - self.low) * swing

    def integral(self, seconds: float) -> float:
        time = max(0.0, seconds)
        turn = 2 * math.pi / self.period
        return self.low * time + (self.high - self.low) * (time - math.sin(turn * time) / turn) / 2


@dataclass(frozen=True)
class Ramp:
    """From the first value to the second within `period`, then staying."""

    first: float
    last: float
    period: float

    def at(self, seconds: float) -> float:
        return self.first + (self.last - self.first) * min(1.0, max(0.0, seconds) / self.period)

    def integral(self, seconds: float) -> float:
        time = max(0.0, seconds)
        rising = min(time, self.period)
        return (self.first + self.at(rising)) / 2 * rising + self.last * (time - rising)


@dataclass(frozen=True)
class Steps:
    """(percent, seconds) one after another, again and again."""

    steps: tuple[tuple[float, float], ...]

    def at(self, seconds: float) -> float:
        rest = max(0.0, seconds) % sum(length for _, length in self.steps)
        for percent, length in self.steps:
            if rest < length:
                return percent
            rest -= length
        return self.steps[-1][0]

    def integral(self, seconds: float) -> float:
        time = max(0.0, seconds)
        rounds, rest = divmod(time, sum(length for _, length in self.steps))
        total = rounds * sum(percent * length for percent, length in self.steps)
        for percent, length in self.steps:
            total += percent * min(rest, length)
            rest -= min(rest, length)
        return total


IDLE = Constant(0.0)


def parse_pattern(text: str, name: str = "pattern") -> Pattern:
    """Raises AnnotationWrong, naming `name`, for anything that is not one of the forms above within 0 to 100 percent."""
    pattern = _parsed(text.strip())
    if pattern is None:
        raise AnnotationWrong(
            f"{name}: {text!r} is none of idle, constant:85, wave:20-95/300, ramp:0-90/600, steps:90x300,5x60"
            " (percent from 0 to 100, seconds above 0)"
        )
    return pattern


def _parsed(text: str) -> Pattern | None:
    if text == "idle":
        return IDLE
    kind, _, rest = text.partition(":")
    if kind == "steps":
        return _steps(rest)
    if kind == "constant" and (match := re.fullmatch(_NUMBER, rest)):
        return Constant(float(match[1])) if float(match[1]) <= 100 else None
    if kind in ("wave", "ramp") and (match := re.fullmatch(rf"{_NUMBER}-{_NUMBER}/{_NUMBER}", rest)):
        first, last, period = (float(part) for part in match.groups())
        if max(first, last) <= 100 and period > 0:
            return Wave(first, last, period) if kind == "wave" else Ramp(first, last, period)
    return None


def _steps(text: str) -> Steps | None:
    steps = []
    for part in text.split(","):
        match = re.fullmatch(rf"{_NUMBER}x{_NUMBER}", part)
        if match is None or float(match[1]) > 100 or float(match[2]) <= 0:
            return None
        steps.append((float(match[1]), float(match[2])))
    return Steps(tuple(steps))
