"""Pure: how a list of the API is asked for: offset, limit, sortBy, sortOrder, search and filterBy[] = "field op value"."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from access.errors import InvalidInput

LIMIT = 50
LIMIT_AT_MOST = 500
OFFSET_AT_MOST = 10_000_000
FILTERS_AT_MOST = 50
OPERATORS = ("==", "!=", "<=", ">=", "=@", "!@", "=^", "=$")
"""Equal, not equal, at most, at least, contains, does not contain, begins with, ends with."""
_FILTER = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)\s*(==|!=|<=|>=|=@|!@|=\^|=\$)\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Condition:
    field: str
    operator: str
    value: str


@dataclass(frozen=True)
class ListQuery:
    """What is asked for; fields are names of the API, known to the list."""

    offset: int = 0
    limit: int = LIMIT
    sort_by: str = ""
    descending: bool = False
    search: str = ""
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def read(
        cls, parameters: Mapping[str, Sequence[str]], *, fields: Sequence[str], sortable: Sequence[str]
    ) -> "ListQuery":
        """From a query string (name -> values); raises InvalidInput with every mistake."""
        errors: dict[str, list[str]] = {}

        def last(name: str) -> str:
            return (parameters.get(name) or [""])[-1]

        sort_by, order = last("sortBy"), last("sortOrder") or "asc"
        if sort_by and sort_by not in sortable:
            errors["sortBy"] = [
                f"The list is not sorted by {sort_by[:40]!r}; choose one of {', '.join(sortable)}."
            ]
        if order not in ("asc", "desc"):
            errors["sortOrder"] = ["Choose asc or desc."]
        query = cls(
            offset=_number("offset", last("offset"), 0, OFFSET_AT_MOST, 0, errors),
            limit=_number("limit", last("limit"), 1, LIMIT_AT_MOST, LIMIT, errors),
            sort_by=sort_by,
            descending=order == "desc",
            search=last("search").strip().replace("\0", ""),
            conditions=_conditions(
                [*parameters.get("filterBy", ()), *parameters.get("filterBy[]", ())], fields, errors
            ),
        )
        if errors:
            raise InvalidInput(errors)
        return query


def _number(name: str, text: str, least: int, most: int, default: int, errors: dict[str, list[str]]) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdecimal()) or len(text) > 12 or not least <= int(text) <= most:
        errors[name] = [f"A whole number between {least} and {most}."]
        return default
    return int(text)


def _conditions(
    texts: Sequence[str], fields: Sequence[str], errors: dict[str, list[str]]
) -> tuple[Condition, ...]:
    if len(texts) > FILTERS_AT_MOST:
        errors["filterBy"] = [f"At most {FILTERS_AT_MOST} filters; there are {len(texts)}."]
        return ()
    found = []
    for text in texts:
        match = _FILTER.fullmatch(text)
        if match is None or "\0" in text:
            sentence = (
                f"{text[:60]!r} is not of the form: field op value, with op one of {' '.join(OPERATORS)}."
            )
            errors.setdefault("filterBy", []).append(sentence)
        elif match[1] not in fields:
            sentence = f"There is no field {match[1][:40]!r}; choose one of {', '.join(fields)}."
            errors.setdefault("filterBy", []).append(sentence)
        else:
            found.append(Condition(match[1], match[2], match[3].strip()))
    return tuple(found)
