"""What the reference scheduler (KAI, Go, two cores) needed and decided on the same inputs, and our aims."""

from typing import NamedTuple


class Anchor(NamedTuple):
    """Milliseconds of one cycle; binds, evictions, nominations."""

    cycle_ms: float
    decided: tuple[int, int, int] | None


ANCHORS: dict[tuple[str, int], Anchor] = {
    ("a_mixed", 100): Anchor(10_215, None),
    ("a_mixed", 500): Anchor(49_648, None),
    ("a_single", 100): Anchor(847, (800, 0, 0)),
    ("a_single", 500): Anchor(21_488, (4000, 0, 0)),
    ("a_single", 1000): Anchor(37_469, (8000, 0, 0)),
    ("a_single", 2000): Anchor(145_596, (16000, 0, 0)),
    ("b_gang", 100): Anchor(46, (0, 24, 3)),
    ("b_gang", 500): Anchor(761, (0, 120, 15)),
    ("b_gang", 1000): Anchor(4_266, (0, 248, 31)),
    ("b_gang", 2000): Anchor(21_589, (0, 496, 62)),
    ("b_many", 100): Anchor(650, (0, 80, 80)),
    ("b_many", 500): Anchor(16_602, (0, 400, 400)),
    ("b_many", 1000): Anchor(76_073, (0, 800, 800)),
    ("b_singles", 100): Anchor(618, (0, 64, 64)),
    ("b_singles", 500): Anchor(2_215, (0, 64, 64)),
    ("b_singles", 1000): Anchor(5_851, (0, 64, 64)),
    ("b_singles", 2000): Anchor(11_310, (0, 64, 64)),
    ("c_idle", 100): Anchor(7, (0, 0, 0)),
    ("c_idle", 500): Anchor(49, (0, 0, 0)),
    ("c_idle", 1000): Anchor(124, (0, 0, 0)),
    ("c_idle", 2000): Anchor(227, (0, 0, 0)),
}
MIXED_BINDS = {100: 576, 500: 2432, 1000: 4892}
"""GPUs' worth of binds on a_mixed, where the anchor's evictions differ from run to run."""
MIXED_MOST_EVICTIONS = 6
GROWTH_1000_TO_2000 = 2.5
QUIET_CALIBRATION = 0.14
"""Seconds the calibration loop takes when nobody else uses the machine."""


def aimed_ratio(scenario: str, nodes: int) -> float:
    """How many times faster than the anchor we want to be; 0: no aim at that size."""
    if scenario == "c_idle":
        return 1.0
    return 50.0 if nodes >= 1000 else 20.0 if nodes >= 500 else 0.0
