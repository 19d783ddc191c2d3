"""Pure: what a project holds in a pool against its quota, on the pool's common scale."""

from dataclasses import dataclass

from ui.wording import number


@dataclass(frozen=True)
class Bar:
    """A stretch of the scale, in percent of its length."""

    left: float
    width: float


@dataclass(frozen=True)
class Bullet:
    quota: Bar | None
    held: Bar | None
    over: Bar | None
    waiting: Bar | None
    fair_share: float | None
    figure: str
    of: str
    beside: str
    is_over: bool
    label: str


def draw(
    *,
    held: float,
    quota: float | None,
    scale: float,
    waiting: float = 0,
    fair_share: float | None = None,
) -> Bullet:
    """All in the same unit; `quota` None is unlimited, `fair_share` None is unknown; `scale` ends the track.

    What lies past the end of the scale is an error of the caller: the scale is common to a column and must hold all.
    """
    furthest = max(held + waiting, quota or 0, fair_share or 0)
    if scale <= 0 or furthest > scale * 1.0001:
        raise ValueError(f"scale {scale:g} is shorter than {furthest:g}")
    within = held if quota is None else min(held, quota)
    over = held - within
    return Bullet(
        quota=None if quota is None else stretch(0, quota, scale),
        held=stretch(0, within, scale),
        over=stretch(within, over, scale),
        waiting=stretch(held, waiting, scale),
        fair_share=None if fair_share is None else round(100 * fair_share / scale, 3),
        figure=number(held),
        of="no limit" if quota is None else number(quota),
        beside=beside(held, quota),
        is_over=over > 0,
        label=label(held, quota, waiting, fair_share),
    )


def stretch(start: float, length: float, scale: float) -> Bar | None:
    return Bar(round(100 * start / scale, 3), round(100 * length / scale, 3)) if length > 0 else None


def beside(held: float, quota: float | None) -> str:
    if quota is None:
        return ""
    if held > quota:
        return f"+{number(held - quota)} over"
    return "full" if held == quota else f"{number(quota - held)} unused"


def label(held: float, quota: float | None, waiting: float, fair_share: float | None) -> str:
    parts = [f"{number(held)} held", "no quota limit" if quota is None else f"quota {number(quota)}"]
    if waiting:
        parts.append(f"waiting for {number(waiting)}")
    if fair_share is not None:
        parts.append(f"fair share {number(fair_share)}")
    return ", ".join(parts)


def scale_for(values: list[float], step: int = 8) -> int:
    """The end of a column's scale: the next multiple of `step` that holds the largest value."""
    largest = max([0.0, *values])
    return max(step, -(-int(-(-largest // 1)) // step) * step)
