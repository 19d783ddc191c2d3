"""`sum`, `min`, `max`, `isSorted`, `indexOf` on lists; `find` and `findAll` on texts. Pure."""

import re
from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import Any


def total(items: list[Any]) -> Any:
    return sum(items, timedelta() if items and isinstance(items[0], timedelta) else 0)


def smallest(items: list[Any]) -> Any:
    """Raises ValueError for an empty list."""
    return min(_filled(items, "min"))


def largest(items: list[Any]) -> Any:
    """Raises ValueError for an empty list."""
    return max(_filled(items, "max"))


def is_sorted(items: list[Any]) -> bool:
    return all(one <= other for one, other in pairwise(items))


def index_of(items: list[Any], wanted: Any) -> int:
    return next((index for index, item in enumerate(items) if _same(item, wanted)), -1)


def last_index_of(items: list[Any], wanted: Any) -> int:
    return next((index for index in reversed(range(len(items))) if _same(items[index], wanted)), -1)


def find(text: str, pattern: str) -> str:
    """The first match, or nothing. Raises ValueError for what is no pattern."""
    found = _pattern(pattern).search(text)
    return found[0] if found else ""


def find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    """All matches, or as many as are wanted. Raises ValueError for what is no pattern."""
    found = [match[0] for match in _pattern(pattern).finditer(text)]
    return found if most < 0 else found[:most]


def _filled(items: list[Any], name: str) -> list[Any]:
    if not items:
        raise ValueError(f"{name} called on empty list")
    return items


def _same(one: Any, other: Any) -> bool:
    """Python takes true for 1."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text.replace(r"\z", r"\Z"))
    except re.error as error:
        raise ValueError(f"Illegal regex: error parsing regexp: {error}") from None
