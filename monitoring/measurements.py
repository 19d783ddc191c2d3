"""Pure: lines as the measurements of the metrics API: a given number of samples over a range, values as text."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from monitoring.lines import Line, Point

DEFAULT_SAMPLES = 20
SAMPLES_AT_MOST = 1000


def measurement(
    kind: str, line: Line, labels: Mapping[str, str], *, begin: int, end: int, count: int
) -> dict[str, Any]:
    """`values` has one entry for each of `count` equal parts of the range in which something is known."""
    return {
        "type": kind,
        "labels": dict(labels),
        "values": [
            {"value": f"{value:.6g}", "timestamp": written(time)}
            for time, value in thinned(line.points, begin=begin, end=end, count=count)
        ],
    }


def thinned(points: Sequence[Point], *, begin: int, end: int, count: int) -> list[tuple[int, float]]:
    """Means over `count` equal parts, each at the part's beginning; parts without a known value are left out."""
    if count <= 0 or end <= begin:
        return []
    parts: dict[int, list[float]] = {}
    for time, value in points:
        if value is not None:
            place = min(count - 1, max(0, (time - begin) * count // (end - begin)))
            parts.setdefault(place, []).append(value)
    return [
        (begin + place * (end - begin) // count, sum(values) / len(values))
        for place, values in sorted(parts.items())
    ]


def written(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
