"""Cron schedules: five fields, @hourly and its like, or `@every 90m` -> the moments they name. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EVERY = "@every "
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
UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
"""Seconds in each unit of a duration, as Go writes it."""
_DURATION_PART = re.compile(r"(?=.)([0-9]*\.?[0-9]*)([^0-9.]*)")
FARTHEST = timedelta(days=5 * 366)
"""A schedule such as 30 February names no moment; after so long the search for one ends."""


class WrongSchedule(ValueError):
    """A schedule that cannot be read; the message is the sentence of Kubernetes' own parser where it has one."""


class Schedule:
    """Names moments."""

    def next_after(self, moment: datetime) -> datetime | None:
        """The first one later than `moment`, in UTC; None when there is none in five years."""
        raise NotImplementedError

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Every moment later than `after` and not later than `until`."""
        found = self.next_after(after)
        while found is not None and found <= until:
            yield found
            found = self.next_after(found)


@dataclass(frozen=True)
class Interval(Schedule):
    """So many full seconds, at least one, after the moment before."""

    seconds: int

    def next_after(self, moment: datetime) -> datetime:
        return moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Calendar(Schedule):
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

    def _day_fits(self, local: datetime) -> bool:
        day, weekday = local.day in self.days, (local.weekday() + 1) % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return day and weekday
        return day or weekday


def parse_schedule(text: str, zone: str | None = None) -> Schedule:
    """Raises WrongSchedule."""
    if "TZ=" in text:
        raise WrongSchedule("cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
    if text.startswith(EVERY):
        return Interval(max(1, int(_duration(text))))
    if text.startswith("@") and text not in MACROS:
        raise WrongSchedule(f"unrecognized descriptor: {text}")
    parts = MACROS.get(text, text).split()
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
    return Calendar(minutes, hours, days, months, weekdays, stars[2], stars[4], known)


def _duration(schedule: str) -> float:
    """Seconds of `@every 1h30m`, in the words of Go's parser where they cannot be read."""
    text = schedule.removeprefix(EVERY)
    sign, parts = ("-", text[1:]) if text.startswith("-") else ("", text.removeprefix("+"))
    if parts == "0":
        return 0.0
    problem = "" if parts else f'invalid duration "{text}"'
    seconds = 0.0
    for number, unit in _DURATION_PART.findall(parts):
        if not number.strip("."):
            problem = problem or f'invalid duration "{text}"'
        elif unit not in UNITS:
            words = f'unknown unit "{unit}"' if unit else "missing unit"
            problem = problem or f'{words} in duration "{text}"'
        else:
            seconds += float(number) * UNITS[unit]
    if problem:
        raise WrongSchedule(f"failed to parse duration {schedule}: time: {problem}")
    return -seconds if sign else seconds


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
