"""Minutes -> five minutes -> hours, and the end of what is too old. Doing it again for the same time gives the same rows."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from monitoring.models import FiveMinuteSample, HourSample, MinuteSample, Sample

HOUR = 3600
DAY = 86_400


@dataclass(frozen=True)
class Level:
    """One table of samples: how long a step is, and how long rows are kept (seconds)."""

    table: type[Sample]
    step: int
    kept: int


MINUTES = Level(MinuteSample, 60, 48 * HOUR)
FIVE_MINUTES = Level(FiveMinuteSample, 300, 14 * DAY)
HOURS = Level(HourSample, HOUR, 400 * DAY)
LEVELS = (MINUTES, FIVE_MINUTES, HOURS)


def roll_up(*, since: int, until: int) -> None:
    """Work out every step that touches [since, until) anew from the level below; steps that have not ended are right so far."""
    for below, above in ((MINUTES, FIVE_MINUTES), (FIVE_MINUTES, HOURS)):
        begin = since // above.step * above.step
        end = -(-until // above.step) * above.step
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_statement(below, above), [begin, end])


def _statement(below: Level, above: Level) -> str:
    """One statement for SQLite and PostgreSQL alike; the names are those of our own tables, never input."""
    source = below.table._meta.db_table  # noqa: SLF001 (documented by Django)
    target = above.table._meta.db_table  # noqa: SLF001 (as above)
    step = int(above.step)
    return (
        f"INSERT INTO {target} (series_id, time, value, low, high, weight) "  # noqa: S608 (constants only)
        f"SELECT series_id, (time / {step}) * {step}, SUM(value * weight) / SUM(weight), MIN(low), MAX(high), "
        f"SUM(weight) FROM {source} WHERE time >= %s AND time < %s GROUP BY series_id, time / {step} "
        "ON CONFLICT (series_id, time) DO UPDATE SET value = excluded.value, low = excluded.low, "
        "high = excluded.high, weight = excluded.weight"
    )


def forget_old(now: datetime) -> dict[str, int]:
    """Delete rows past their keeping time, in pieces; how many by table."""
    removed = {}
    for level in LEVELS:
        limit = int(now.timestamp()) - level.kept
        removed[level.table.__name__] = _delete_before(level.table, limit)
    return removed


def _delete_before(table: type[Sample], limit: int) -> int:
    count = 0
    while ids := list(table.objects.filter(time__lt=limit).values_list("pk", flat=True)[:500]):  # type: ignore[attr-defined]  # abstract parent
        count += table.objects.filter(pk__in=ids).delete()[0]  # type: ignore[attr-defined]  # as above
    return count


def level_for(seconds: float, age: float) -> Level:
    """The finest level that still has a range of that length beginning that long ago, with at most some 600 steps."""
    for level in LEVELS:
        if age <= level.kept and seconds / level.step <= 600:
            return level
    return HOURS
