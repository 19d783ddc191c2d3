"""Pure: a line of a chart as numbers, its gaps and its mean."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

Point = tuple[int, float | None]
"""(seconds since 1970, value; None is unknown)."""


@dataclass(frozen=True)
class Line:
    """`role` names its colour (ui.md §9); `kind` is line, step or area (a filled step)."""

    name: str
    role: str
    points: Sequence[Point] = field(default_factory=tuple)
    kind: str = "line"

    @property
    def mean(self) -> float | None:
        known = [value for _, value in self.points if value is not None]
        return sum(known) / len(known) if known else None

    def closed(self, step: int, end: int) -> "Line":
        """A step line drawn to the end of its last step: its value is the mean of that time, and one alone would not be seen."""
        if self.kind == "line" or not self.points:
            return self
        time, value = self.points[-1]
        return replace(self, points=[*self.points, (min(time + step, max(end, time)), value)])

    @property
    def last(self) -> float | None:
        return next((value for _, value in reversed(self.points) if value is not None), None)


def with_gaps(points: Sequence[Point], step: int) -> list[Point]:
    """Puts an unknown where readings are missing: a distance of more than 2.5 usual ones, so that one reading may be missed.

    The usual distance is the step, or the middle one of those found: with a fast clock readings lie further apart.
    """
    if len(points) < 3:
        return list(points)
    distances = sorted(after[0] - before[0] for before, after in itertools.pairwise(points))
    usual = max(step, distances[len(distances) // 2])
    filled: list[Point] = []
    for before, after in itertools.pairwise(points):
        filled.append(before)
        if after[0] - before[0] > 2.5 * usual:
            filled.append((before[0] + usual, None))
    return [*filled, points[-1]]


def largest_first(lines: Iterable[Line], at_most: int, other: str = "other") -> list[Line]:
    """The lines with the largest means; the rest is added up into one of role `cat-other`."""
    ordered = sorted(lines, key=lambda line: -(line.mean or 0))
    if len(ordered) <= at_most:
        return ordered
    kept, rest = ordered[:at_most], ordered[at_most:]
    return [*kept, Line(other, "cat-other", added_up(rest), kept[0].kind)]


def added_up(lines: Sequence[Line]) -> list[Point]:
    """Moment by moment; a line that has no value at a moment adds nothing, one that says unknown makes the sum unknown."""
    sums: dict[int, float | None] = {}
    for line in lines:
        for time, value in line.points:
            before = sums.get(time, 0.0)
            sums[time] = None if value is None or before is None else before + value
    return sorted(sums.items())
