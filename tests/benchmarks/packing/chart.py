"""Pure: figures of the benchmarks -> charts as SVG text."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

WIDTH, LEFT, RIGHT, TOP, ROW = 860, 130, 30, 64, 44
LOWEST, HIGHEST, STEP = 80, 98, 2
GRID, TEXT, FAINT = "#e3e6ea", "#1f2933", "#66707c"
SERIES = (
    # key, words, colour, radius
    ("spread", "spread", "#b9c0c8", 6),
    ("binpack", "bin packing", "#7b8794", 6),
    ("published", "FGD, as published", "#d18b2c", 6),
    ("fragmentation", "fragmentation-aware", "#1f6feb", 8),
)


def draw(means: Mapping[str, Mapping[str, float]]) -> str:
    """A row for each list, a dot for each strategy. `means`: list -> series -> per cent of GPU capacity allocated.

    What lies below the scale is an error.
    """
    height = TOP + ROW * len(means) + 34
    rows = [
        part
        for number, (name, values) in enumerate(means.items())
        for part in _row(name, values, TOP + ROW * number + ROW // 2)
    ]
    label = "Share of all GPU capacity allocated, by list of tasks and placement strategy"
    return _sheet(label, height, [*_legend(SERIES), *_grid(height), *rows])


def draw_over_time(lines: Mapping[str, Sequence[float]], hours: float) -> str:
    """A line for each strategy: per cent of GPU capacity allocated, in equal parts of so many hours."""
    shown = [one for one in SERIES if one[0] in lines]
    height, bottom = 340, 290
    low = 5 * int(min(min(values) for values in lines.values()) // 5)

    def y(value: float) -> float:
        return bottom - (bottom - TOP) * (value - low) / (100 - low)

    parts = _legend(shown)
    for value in range(low, 101, 5):
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{GRID}"/>'
        )
        parts.append(
            f'<text x="{LEFT - 14}" y="{y(value) + 4:.1f}" fill="{FAINT}" text-anchor="end">{value} %</text>'
        )
    for key, words, colour, _ in shown:
        step = (WIDTH - LEFT - RIGHT) / len(lines[key])
        points = [(LEFT + step * (number + 0.5), y(value)) for number, value in enumerate(lines[key])]
        path = " ".join(f"{one:.1f},{other:.1f}" for one, other in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"><title>{escape(words)}</title></polyline>'
        )
    for hour in range(0, int(hours) + 1, max(1, round(hours / 5))):
        x = LEFT + (WIDTH - LEFT - RIGHT) * hour / hours
        parts.append(
            f'<text x="{x:.1f}" y="{bottom + 26}" fill="{FAINT}" text-anchor="middle">{hour} h</text>'
        )
    return _sheet("Share of all GPU capacity allocated over time, by placement strategy", height, parts)


def _sheet(label: str, height: int, parts: Iterable[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="{escape(label)}">'
    )
    ground = f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, ground, *parts, "</svg>"]) + "\n"


def _x(value: float) -> float:
    if not LOWEST <= value <= HIGHEST:
        raise ValueError(f"{value} is not on the scale from {LOWEST} to {HIGHEST}")
    return LEFT + (WIDTH - LEFT - RIGHT) * (value - LOWEST) / (HIGHEST - LOWEST)


def _legend(series: Iterable[tuple[str, str, str, int]]) -> list[str]:
    parts, x = [], LEFT
    for _, words, colour, radius in series:
        parts.append(f'<circle cx="{x}" cy="24" r="{radius}" fill="{colour}"/>')
        parts.append(f'<text x="{x + 14}" y="28" fill="{TEXT}">{escape(words)}</text>')
        x += 40 + 7 * len(words)
    return parts


def _grid(height: int) -> list[str]:
    parts = []
    for value in range(LOWEST, HIGHEST + 1, STEP):
        x = _x(value)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 12}" y2="{height - 30}" stroke="{GRID}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{height - 12}" fill="{FAINT}" text-anchor="middle">{value} %</text>'
        )
    return parts


def _row(name: str, values: Mapping[str, float], y: int) -> list[str]:
    found = [_x(values[key]) for key, *_ in SERIES]
    parts = [
        f'<text x="{LEFT - 14}" y="{y + 4}" fill="{TEXT}" text-anchor="end">{escape(name)}</text>',
        f'<line x1="{min(found):.1f}" x2="{max(found):.1f}" y1="{y}" y2="{y}" stroke="{GRID}" stroke-width="3"/>',
    ]
    for key, words, colour, radius in SERIES:
        title = f"{name}, {words}: {values[key]:.2f} %"
        parts.append(
            f'<circle cx="{_x(values[key]):.1f}" cy="{y}" r="{radius}" fill="{colour}"><title>{escape(title)}</title></circle>'
        )
    return parts
