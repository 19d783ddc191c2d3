"""Pure: the figures of a replay, from whichever source, and whether the sources agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Figures:
    """What one source says. None where the source cannot know. Waits in product seconds."""

    source: str
    submitted: int | None
    bound: int | None
    completed: int | None
    waits: tuple[float, ...] | None
    gpu_hours: float | None

    def wait_at(self, share: float) -> float | None:
        return None if not self.waits else percentile(self.waits, share)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; `share` from 0 to 1."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def agree(one: Figures, other: Figures, *, gpu_hours_within: float, wait_seconds_within: float) -> list[str]:
    """What differs between two sources beyond what their resolution explains; [] when they agree."""
    found = [
        f"{name}: {one.source} says {first}, {other.source} says {second}"
        for name in ("submitted", "bound", "completed")
        if (first := getattr(one, name)) is not None
        and (second := getattr(other, name)) is not None
        and first != second
    ]
    for share in (0.5, 0.9):
        first, second = one.wait_at(share), other.wait_at(share)
        if first is not None and second is not None and abs(first - second) > wait_seconds_within:
            found.append(
                f"wait p{share * 100:.0f}: {one.source} says {first:.0f} s, {other.source} says {second:.0f} s"
            )
    if one.gpu_hours is not None and other.gpu_hours is not None:
        most = max(one.gpu_hours, other.gpu_hours)
        if abs(one.gpu_hours - other.gpu_hours) > gpu_hours_within * most + 0.01:
            found.append(
                f"GPU-hours: {one.source} says {one.gpu_hours:.1f}, {other.source} says {other.gpu_hours:.1f}"
            )
    return found


@dataclass(frozen=True)
class Resolution:
    """How closely two sources can agree when product time runs `speed` times as fast as real time."""

    speed: float

    @property
    def wait_seconds(self) -> float:
        """The row is written before the cluster knows the workload, and a binding reaches the row after it: two real seconds."""
        return max(60.0, 2 * self.speed)

    @property
    def sample_seconds(self) -> float:
        """Between two samples: a product minute, or a real second where that is more."""
        return max(60.0, self.speed)

    def metrics_share(self, mean_run_seconds: float) -> float:
        """Of the GPU-hours: sampling knows the start and the end of a run to half a sample each; 5 % for the roll-up."""
        return max(0.05, self.sample_seconds / max(mean_run_seconds, 1.0))


def table(sources: Sequence[Figures]) -> str:
    """The figures beside each other, as text."""
    rows = [
        ("", *(source.source for source in sources)),
        ("submitted", *(_count(source.submitted) for source in sources)),
        ("bound", *(_count(source.bound) for source in sources)),
        ("completed", *(_count(source.completed) for source in sources)),
        ("wait p50 (product s)", *(_seconds(source.wait_at(0.5)) for source in sources)),
        ("wait p90 (product s)", *(_seconds(source.wait_at(0.9)) for source in sources)),
        ("GPU-hours", *(_hours(source.gpu_hours) for source in sources)),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if not index else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else str(value)


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f}"


def _hours(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f}"
