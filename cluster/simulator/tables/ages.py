"""Durations as people read them in `kubectl get`. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

UNKNOWN = "<unknown>"
DAY, YEAR = 24, 24 * 365


def parse_time(text: str) -> datetime | None:
    """An RFC 3339 time of an object, or None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def age(text: Any, now: datetime) -> str:
    """How long ago a time was."""
    moment = parse_time(text) if isinstance(text, str) and text else None
    return human_duration((now - moment).total_seconds()) if moment else UNKNOWN


def age_of(document: Mapping[str, Any], now: datetime) -> str:
    """How long ago an object was made."""
    return age(document["metadata"].get("creationTimestamp"), now)


def human_duration(seconds: float) -> str:
    """Two units at most, the second one only while it says something."""
    if seconds < -1:
        return "<invalid>"
    whole = max(int(seconds), 0)
    minutes, hours = whole // 60, whole // 3600
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return _pair(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _pair(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 8 * DAY:
        return _pair(hours // DAY, "d", hours % DAY, "h")
    if hours < 2 * YEAR:
        return f"{hours // DAY}d"
    if hours < 8 * YEAR:
        return _pair(hours // YEAR, "y", (hours // DAY) % 365, "d")
    return f"{hours // YEAR}y"


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
