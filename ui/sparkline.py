"""Pure: a line of 52 × 18 pixels without axes, from zero; gaps stay gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE = 52, 18, 2


@dataclass(frozen=True)
class Sparkline:
    lines: tuple[str, ...]
    areas: tuple[str, ...]
    end: tuple[float, float] | None


def draw(values: Sequence[float | None], top: float | None = None) -> Sparkline:
    """`top` is the value at the upper edge (100 for percentages); without it the largest value stands there."""
    known = [v for v in values if v is not None]
    if not known:
        return Sparkline((), (), None)
    highest = max(top or 0, max(known), 1e-9)
    step = (WIDTH - 2 * EDGE + 2) / max(len(values) - 1, 1)
    points = [
        None
        if v is None
        else (round(1 + i * step, 1), round(HEIGHT - EDGE - v / highest * (HEIGHT - 2 * EDGE), 1))
        for i, v in enumerate(values)
    ]
    runs = unbroken(points)
    return Sparkline(
        tuple("M" + "L".join(f"{x} {y}" for x, y in run) for run in runs),
        tuple(area(run) for run in runs),
        points[-1],
    )


def unbroken(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def area(run: list[tuple[float, float]]) -> str:
    inside = "L".join(f"{x} {y}" for x, y in run)
    return f"M{inside}L{run[-1][0]} {HEIGHT}L{run[0][0]} {HEIGHT}Z"
