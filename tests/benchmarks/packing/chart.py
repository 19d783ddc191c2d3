"""Pure: the means of the benchmark -> one chart as SVG text: a row for each list, a dot for each strategy."""

from collections.abc import Mapping
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
    """`means`: list -> series -> per cent of GPU capacity allocated. What lies below the scale is an error."""
    height = TOP + ROW * len(means) + 34
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
            'font-family="system-ui, sans-serif" font-size="13" role="img" '
            'aria-label="Share of all GPU capacity allocated, by list of tasks and placement strategy">'
        ),
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *_legend(),
        *_grid(height),
    ]
    for number, (name, values) in enumerate(means.items()):
        parts += _row(name, values, TOP + ROW * number + ROW // 2)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(value: float) -> float:
    if not LOWEST <= value <= HIGHEST:
        raise ValueError(f"{value} is not on the scale from {LOWEST} to {HIGHEST}")
    return LEFT + (WIDTH - LEFT - RIGHT) * (value - LOWEST) / (HIGHEST - LOWEST)


def _legend() -> list[str]:
    parts, x = [], LEFT
    for _, words, colour, radius in SERIES:
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
