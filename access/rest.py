"""Lists of the API: the grammar's conditions as filters of tables, and pages of answers. Every app's lists are made of this."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from access.errors import InvalidInput
from access.list_grammar import Condition, ListQuery
from ui.filters import search_condition

LOOKUPS = {
    "==": "exact",
    "!=": "exact",
    "<=": "lte",
    ">=": "gte",
    "=@": "icontains",
    "!@": "icontains",
    "=^": "istartswith",
    "=$": "iendswith",
}
ORDERING = ("<=", ">=")
TEXTUAL = ("=@", "!@", "=^", "=$")
PAGING = [
    OpenApiParameter("offset", int, description="Rows to leave out, 0 by default."),
    OpenApiParameter("limit", int, description="1 to 500 rows, 50 by default."),
]
LISTING = [
    *PAGING,
    OpenApiParameter("sortBy", str),
    OpenApiParameter("sortOrder", str, enum=["asc", "desc"]),
    OpenApiParameter("search", str, description="Every word must stand in one of the searched fields."),
    OpenApiParameter(
        "filterBy[]",
        {"type": "array", "items": {"type": "string"}},
        description="`field op value` with op one of == != <= >= =@ !@ =^ =$.",
    ),
]
ANYTHING = OpenApiTypes.OBJECT


def person_of(request: Request) -> User:
    return cast(User, request.user)  # the default permission lets only signed-in people in


# --- how values of a query string are read; each raises ValueError with the end of a sentence ----------------------------------------


def uuid_value(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ValueError("is not a UUID") from None


def whole_value(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise ValueError("is not a whole number")
    return int(text)


def number_value(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("is not a number") from None
    if not abs(number) < 1e12:
        raise ValueError("is not a number below 1e12")
    return number


def milli_value(text: str) -> int:
    return round(number_value(text) * 1000)


def truth_value(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return text.lower() == "true"


def time_value(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("is not an ISO 8601 time with a zone, such as 2030-01-01T12:00:00Z")
    return moment


@dataclass(frozen=True)
class Field:
    """A field of the API: where it lives in the table, and how a value is read."""

    column: str
    read: Callable[[str], Any] = str
    textual: bool = True


def whole(column: str) -> Field:
    return Field(column, whole_value, textual=False)


def moment(column: str) -> Field:
    return Field(column, time_value, textual=False)


def iso(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


@dataclass(frozen=True)
class Listing:
    """One list of the API: `documents` turns the rows of a page into JSON, all at once, so that it can fetch for all at once."""

    plural: str
    fields: Mapping[str, Field]
    documents: Callable[[Sequence[Any]], list[dict[str, Any]]]
    searched: tuple[str, ...] = ()
    order: tuple[str, ...] = ("pk",)

    def answer(self, request: Request, rows: QuerySet[Any]) -> Response:
        """`{plural: [...], "next": offset}`; `next` is absent at the end."""
        query = self.query_of(request)
        found = list(self.narrowed(rows, query)[query.offset : query.offset + query.limit + 1])
        body: dict[str, Any] = {self.plural: self.documents(found[: query.limit])}
        if len(found) > query.limit:
            body["next"] = query.offset + query.limit
        return Response(body)

    def count(self, request: Request, rows: QuerySet[Any]) -> Response:
        return Response({"count": self.narrowed(rows, self.query_of(request)).count()})

    def query_of(self, request: Request) -> ListQuery:
        parameters = {name: request.query_params.getlist(name) for name in request.query_params}
        return ListQuery.read(parameters, fields=list(self.fields), sortable=list(self.fields))

    def narrowed(self, rows: QuerySet[Any], query: ListQuery) -> QuerySet[Any]:
        """The rows that match, in a total order; raises InvalidInput naming each value that cannot be read."""
        errors: list[str] = []
        for condition in query.conditions:
            rows = rows.filter(condition_of(condition, self.fields, errors))
        if errors:
            raise InvalidInput({"filterBy": errors})
        if query.search and self.searched:
            rows = rows.filter(search_condition(self.searched, query.search))
        if not query.sort_by:
            return rows.order_by(*self.order, "pk")
        column = self.fields[query.sort_by].column
        return rows.order_by(f"-{column}" if query.descending else column, "pk")


def condition_of(condition: Condition, fields: Mapping[str, Field], errors: list[str]) -> Q:
    """One condition as a filter; one that cannot be read adds a sentence to `errors`."""
    field, operator = fields[condition.field], condition.operator
    if operator in TEXTUAL and not field.textual:
        errors.append(f"{condition.field} is no text: use == != <= >=.")
        return Q()
    if operator in ORDERING and field.textual:
        errors.append(f"{condition.field} is a text: use == != =@ !@ =^ =$.")
        return Q()
    try:
        value = field.read(condition.value)
    except ValueError as error:
        errors.append(f"{condition.field}: {condition.value[:60]!r} {error}.")
        return Q()
    found = Q(**{f"{field.column}__{LOOKUPS[operator]}": value})
    return ~found if operator in ("!=", "!@") else found


def number_of(text: str) -> int:
    """An id in an address; raises Http404 for what cannot be one, so that a typing error and a stranger's object look alike."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise Http404
    return int(text)
