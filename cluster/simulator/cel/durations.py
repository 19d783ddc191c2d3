"""Durations as OpenAPI's format `duration` writes them: Go's `1h30m`, or words as in `2 weeks`. Pure."""

import re

_GO = re.compile(
    r"[+-]?(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*|[+-]?0"
)
_GO_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_WORD = re.compile(r"(\d+)\s*([A-Za-zµ]+)")
_DAY = 24 * _NANOSECONDS["h"]
_WORDS = (
    (("ns", "nano"), 1),
    (("us", "µs", "micro"), 10**3),
    (("ms", "milli"), 10**6),
    (("s", "sec"), 10**9),
    (("m", "min"), _NANOSECONDS["m"]),
    (("h", "hr", "hour"), _NANOSECONDS["h"]),
    (("d", "day"), _DAY),
    (("w", "wk", "week"), 7 * _DAY),
)
"""The last way of writing a unit also stands for every word that begins with it."""


def parse_duration(text: str) -> int:
    """Nanoseconds. Raises ValueError for what is no duration."""
    if _GO.fullmatch(text):
        total = sum(round(float(number) * _NANOSECONDS[unit]) for number, unit in _GO_PART.findall(text))
        return -total if text.startswith("-") else total
    found = [(int(number), _unit(word.lower())) for number, word in _WORD.findall(text)]
    known = [number * unit for number, unit in found if unit]
    if not known:
        raise ValueError(f"unable to parse {text} as duration")
    return sum(known)


def _unit(word: str) -> int:
    for writings, nanoseconds in _WORDS:
        if word in writings or word.startswith(writings[-1]):
            return nanoseconds
    return 0
