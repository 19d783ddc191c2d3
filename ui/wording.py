"""Pure: numbers and times in the words the pages use. Unknown (None) is a dash, never a zero."""

from datetime import datetime, timedelta

DASH = "–"
THIN_SPACE = "\u2009"
NO_BREAK = "\u00a0"
MINUTE, HOUR, DAY = 60, 3600, 86400


def number(value: float | int | None, decimals: int = 2) -> str:
    """24, 3.5, 0.25, 12 000: decimals only where they are not zero, thousands apart by a thin space."""
    if value is None:
        return DASH
    text = f"{float(value):,.{decimals}f}".replace(",", THIN_SPACE)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def gpus(value: float | int | None) -> str:
    """'1 GPU', '0.25 GPU', '8 GPUs'."""
    if value is None:
        return DASH
    return f"{number(value)}{NO_BREAK}{'GPU' if 0 < value <= 1 else 'GPUs'}"


def percent(value: float | None) -> str:
    """A share of 0..100 as a whole percentage."""
    return DASH if value is None else f"{round(value)}{NO_BREAK}%"


def duration(seconds: float | timedelta | None) -> str:
    """At most two units: '18 s', '18 min', '5 h 10 min', '2 d 4 h'."""
    if seconds is None:
        return DASH
    total = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    if total < 0:
        return f"−{duration(-total)}"
    if total < MINUTE:
        return f"{total}{NO_BREAK}s"
    if total < HOUR:
        return f"{total // MINUTE}{NO_BREAK}min"
    if total < DAY:
        return two_units(total, HOUR, "h", MINUTE, "min", small_until=10 * HOUR)
    return two_units(total, DAY, "d", HOUR, "h", small_until=10 * DAY)


def two_units(total: int, big: int, big_name: str, small: int, small_name: str, *, small_until: int) -> str:
    """Past `small_until` the smaller unit no longer tells anything."""
    first, rest = divmod(total, big)
    second = rest // small
    if second == 0 or total >= small_until:
        return f"{first}{NO_BREAK}{big_name}"
    return f"{first}{NO_BREAK}{big_name} {second}{NO_BREAK}{small_name}"


def clock_time(moment: datetime | None, now: datetime) -> str:
    """'14:14' today, '22 Nov 14:14' on another day, with the year in another year; in `moment`'s own zone."""
    if moment is None:
        return DASH
    if moment.date() == now.astimezone(moment.tzinfo).date():
        return f"{moment:%H:%M}"
    if moment.year == now.year:
        return f"{moment.day} {moment:%b %H:%M}"
    return f"{moment.day} {moment:%b %Y}"


def gibibytes(size: int | None) -> str:
    """Bytes as '512 MiB' or '80 GiB'."""
    if size is None:
        return DASH
    if size < 2**30:
        return f"{number(size / 2**20, 0)}{NO_BREAK}MiB"
    return f"{number(size / 2**30, 1)}{NO_BREAK}GiB"


def initials(name: str) -> str:
    """'AL' of 'Ada Lindqvist', 'AD' of 'ada@example.org'."""
    words = [w for w in name.split("@")[0].replace(".", " ").replace("_", " ").split() if w]
    letters = [w[0] for w in words[:2]] if len(words) > 1 else list(words[0][:2]) if words else ["?"]
    return "".join(letters).upper()
