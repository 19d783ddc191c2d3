"""Lists of the API: the grammar's conditions as filters of the tables."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from access.errors import InvalidInput
from access.list_grammar import Condition, ListQuery
from ui.filters import search_condition
from workloads.kinds import KINDS
from workloads.models import Workload

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


@dataclass(frozen=True)
class Field:
    """A field of the API: where it lives in the table, and how a value is read. `read` raises ValueError with a sentence."""

    column: str
    read: Callable[[str], Any] = str
    textual: bool = True


def uuid_value(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ValueError("is not a UUID") from None


def whole_value(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise ValueError("is not a whole number")
    return int(text)


def milli_value(text: str) -> int:
    return round(number_value(text) * 1000)


def number_value(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("is not a number") from None
    if not abs(number) < 1e12:
        raise ValueError("is not a number below 1e12")
    return number


def time_value(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("is not an ISO 8601 time with a zone, such as 2030-01-01T12:00:00Z")
    return moment


def kind_value(text: str) -> str:
    """By the name of the API's list (Training) or the key."""
    for kind in KINDS.values():
        if text.lower() in (kind.key, kind.label.lower()):
            return kind.key
    return text


FIELDS: dict[str, Field] = {
    "id": Field("id", uuid_value, textual=False),
    "name": Field("name"),
    "type": Field("kind", kind_value),
    "source": Field("source"),
    "phase": Field("phase"),
    "phaseMessage": Field("message"),
    "clusterId": Field("cluster_id", uuid_value, textual=False),
    "projectId": Field("project_id", whole_value, textual=False),
    "projectName": Field("project__name"),
    "departmentId": Field("project__department_id", whole_value, textual=False),
    "departmentName": Field("project__department__name"),
    "submittedBy": Field("submitted_by"),
    "nodepool": Field("current_pool"),
    "image": Field("image"),
    "priorityClassName": Field("priority_class"),
    "preemptibility": Field("preemptibility"),
    "createdAt": Field("created_at", time_value, textual=False),
    "completedAt": Field("completed_at", time_value, textual=False),
    "deletedAt": Field("deleted_at", time_value, textual=False),
    "phaseUpdatedAt": Field("phase_since", time_value, textual=False),
    "allocatedGPU": Field("allocated_gpu_milli", milli_value, textual=False),
    "requestedGPU": Field("requested_gpu_milli", milli_value, textual=False),
    "totalPendingTimeSeconds": Field("pending_seconds", number_value, textual=False),
    "totalRunningTimeSeconds": Field("running_seconds", number_value, textual=False),
}
SEARCHED = ("name", "image", "submitted_by", "project__name")


def query_of(request: Request) -> ListQuery:
    parameters = {name: request.query_params.getlist(name) for name in request.query_params}
    return ListQuery.read(parameters, fields=list(FIELDS), sortable=list(FIELDS))


def narrowed(rows: QuerySet[Workload], query: ListQuery) -> QuerySet[Workload]:
    """The rows that match, in order; raises InvalidInput naming each value that cannot be read."""
    errors: list[str] = []
    for condition in query.conditions:
        wanted = condition_of(condition, FIELDS, errors)
        rows = rows.filter(wanted)
    if errors:
        raise InvalidInput({"filterBy": errors})
    if query.search:
        rows = rows.filter(search_condition(SEARCHED, query.search))
    column = FIELDS[query.sort_by].column if query.sort_by else "created_at"
    descending = query.descending if query.sort_by else True
    return rows.order_by(f"-{column}" if descending else column, "pk")


def condition_of(condition: Condition, fields: Mapping[str, Field], errors: list[str]) -> Q:
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


def page_of(
    rows: QuerySet[Any], query: ListQuery, plural: str, row: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """`{plural: [...], "next": offset}`; `next` is absent at the end."""
    found = list(rows[query.offset : query.offset + query.limit + 1])
    answer: dict[str, Any] = {plural: [row(one) for one in found[: query.limit]]}
    if len(found) > query.limit:
        answer["next"] = query.offset + query.limit
    return answer
