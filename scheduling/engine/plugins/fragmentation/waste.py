"""What will be left over of a device in the end, by what is free on it now."""

from collections.abc import Mapping

from scheduling.engine.model.resources import WHOLE_GPU

CHOICES = 4
"""A device gets the best of so many tasks that fit: schedulers choose. 1 to 8 pack equally well."""


def expected_waste(shares: Mapping[int, float]) -> list[float]:
    """Of a device with r thousandths free, the thousandths that nobody will use: index r.

    `shares`: thousandths of one device -> how often one-device tasks ask for them. The device takes, again and again, the best of
    CHOICES tasks drawn from those that fit, until none fits.
    """
    waste = [0.0] * (WHOLE_GPU + 1)
    ordered = sorted(shares.items())
    for free in range(WHOLE_GPU + 1):
        outcomes = sorted((waste[free - share], weight) for share, weight in ordered if share <= free)
        waste[free] = _best_of_draws(outcomes) if outcomes else float(free)
    return waste


def _best_of_draws(outcomes: list[tuple[float, float]]) -> float:
    """The mean of the smallest of CHOICES draws from (value, weight), given in order of value."""
    left = total = sum(weight for _, weight in outcomes)
    mean, beyond = 0.0, 1.0
    for value, weight in outcomes:
        left -= weight
        after = max(0.0, left / total) ** CHOICES
        mean += value * (beyond - after)
        beyond = after
    return mean
