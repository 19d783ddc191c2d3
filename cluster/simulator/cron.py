"""Cron schedules: five fields, or @hourly and its like -> the moments they name. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 6),
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FARTHEST = timedelta(days=5 * 366)
"""A schedule such as 30 February names no moment; after so long the search for one ends."""


class WrongSchedule(ValueError):
    """A schedule that cannot be read; the message is the sentence of Kubernetes' own parser where it has one."""


@dataclass(frozen=True)
class Schedule:
    """Which values of each field fit. `any_day` and `any_weekday` tell a star, because otherwise either of the two days is enough."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool
    zone: ZoneInfo | None = None

    def next_after(self, moment: datetime) -> datetime | None:
        """The first full minute after `moment` that fits, in UTC; None when there is none in five years."""
        zone = self.zone or UTC
        local = moment.astimezone(zone).replace(second=0, microsecond=0, fold=0, tzinfo=None)
        local += timedelta(minutes=1)
        limit = local + FARTHEST
        while local < limit:
            if local.month not in self.months or not self._day_fits(local):
                local = local.replace(hour=0, minute=0) + timedelta(days=1)
            elif local.hour not in self.hours:
                local = local.replace(minute=0) + timedelta(hours=1)
            elif local.minute not in self.minutes:
                local += timedelta(minutes=1)
            else:
                found = local.replace(tzinfo=zone).astimezone(UTC)
                exists = found.astimezone(zone).replace(tzinfo=None) == local  # not skipped by summer time
                if exists and found > moment:
                    return found
                local += timedelta(minutes=1)
        return None

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Every moment later than `after` and not later than `until`."""
        found = self.next_after(after)
        while found is not None and found <= until:
            yield found
            found = self.next_after(found)

    def _day_fits(self, local: datetime) -> bool:
        day, weekday = local.day in self.days, (local.weekday() + 1) % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return day and weekday
        return day or weekday


def parse_schedule(text: str, zone: str | None = None) -> Schedule:
    """Raises WrongSchedule."""
    if "TZ=" in text:
        raise WrongSchedule("cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
    parts = MACROS.get(text.strip().lower(), text).split()
    if len(parts) != len(FIELDS):
        raise WrongSchedule(f"expected exactly 5 fields, found {len(parts)}: [{text}]")
    minutes, hours, days, months, weekdays = (
        _field(part, *limits, names=names)
        for part, limits, names in zip(parts, FIELDS, ((), (), (), MONTHS, DAYS), strict=True)
    )
    try:
        known = ZoneInfo(zone) if zone else None
    except (KeyError, ValueError, OSError):
        raise WrongSchedule(f"unknown time zone {zone}") from None
    stars = [part.partition("/")[0] in ("*", "?") for part in parts]
    return Schedule(minutes, hours, days, months, weekdays, stars[2], stars[4], known)


def _field(text: str, label: str, low: int, high: int, *, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = _number(step_text, label, ()) if slash else 1
        if step < 1:
            raise WrongSchedule(f"step of range should be a positive number: {part}")
        first, last = _span(span, label, low, high, names, open_ended=bool(slash))
        if first < low:
            raise WrongSchedule(f"beginning of range ({first}) below minimum ({low}): {part}")
        if last > high:
            raise WrongSchedule(f"end of range ({last}) above maximum ({high}): {part}")
        if first > last:
            raise WrongSchedule(f"beginning of range ({first}) beyond end of range ({last}): {part}")
        found |= set(range(first, last + 1, step))
    return frozenset(found)


def _span(
    span: str, label: str, low: int, high: int, names: tuple[str, ...], *, open_ended: bool
) -> tuple[int, int]:
    """`3/5` goes on from 3 to the end."""
    if span in ("*", "?"):
        return low, high
    first_text, dash, last_text = span.partition("-")
    offset = 1 if names is MONTHS else 0
    first = _number(first_text, label, names, offset)
    if dash:
        return first, _number(last_text, label, names, offset)
    return first, high if open_ended else first


def _number(text: str, label: str, names: tuple[str, ...], offset: int = 0) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + offset
    if not text.isdigit():
        raise WrongSchedule(f"{label}: failed to parse number: {text or 'nothing'}")
    return int(text)
