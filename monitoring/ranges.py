"""Pure: the time range of a page, from its address. Product time, UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PRESETS: dict[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
LABELS = {"1h": "1 h", "24h": "24 h", "7d": "7 d", "30d": "30 d"}
DEFAULT = "24h"
LONGEST = timedelta(days=400)
SHORTEST = timedelta(minutes=1)


class RangeWrong(ValueError):
    """`field` is the parameter that cannot be used; the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class TimeRange:
    """From `start` up to `end`. `preset` is a key of PRESETS, or "" for moments a person chose."""

    start: datetime
    end: datetime
    preset: str = ""

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()

    def query(self) -> str:
        """As it stands in an address."""
        if self.preset:
            return f"range={self.preset}"
        return f"from={self.start:%Y-%m-%dT%H:%M:%S}&to={self.end:%Y-%m-%dT%H:%M:%S}"

    def label(self) -> str:
        if self.preset:
            return f"last {LABELS[self.preset]}"
        return f"{self.start:%d %b %H:%M} to {self.end:%d %b %H:%M}"


def read_range(params: Mapping[str, str], now: datetime, *, default: str = DEFAULT) -> TimeRange:
    """`from` and `to`, else `range`, else the default; raises RangeWrong."""
    if params.get("from") or params.get("to"):
        end = moment(params.get("to", ""), "to") if params.get("to") else now
        start = moment(params.get("from", ""), "from") if params.get("from") else end - PRESETS[default]
        return chosen(start, end)
    preset = params.get("range") or default
    if preset not in PRESETS:
        raise RangeWrong("range", f"range is {preset[:20]!r}; it is one of {', '.join(PRESETS)}.")
    return TimeRange(now - PRESETS[preset], now, preset)


def chosen(start: datetime, end: datetime) -> TimeRange:
    if end - start < SHORTEST:
        raise RangeWrong("from", "from must lie at least one minute before to.")
    if end - start > LONGEST:
        raise RangeWrong("from", f"from and to may lie at most {LONGEST.days} days apart.")
    return TimeRange(start, end)


def moment(text: str, field: str) -> datetime:
    """RFC 3339; a time without a zone is UTC, as charts hand it back."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise RangeWrong(
            field, f"{field} is {text[:40]!r}; it must be a time such as 2030-01-01T12:00:00."
        ) from error
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if not 2000 <= found.year <= 9000:
        raise RangeWrong(field, f"{field} lies in the year {found.year}; it must lie between 2000 and 9000.")
    return found
