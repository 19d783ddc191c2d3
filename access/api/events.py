"""REST of the audit log."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access import queries
from access.api import schema
from access.checks import require_anywhere
from access.errors import InvalidInput
from access.events import document_of
from access.permissions import Permission
from access.rest import LISTING, Field, Listing, moment, time_value, whole

EVENTS = Listing(
    "events",
    {
        "id": whole("id"),
        "timestamp": moment("at"),
        "subject": Field("actor_name"),
        "event": Field("action"),
        "status": Field("outcome"),
        "entityType": Field("entity_type"),
        "entityName": Field("entity_name"),
        "entityId": Field("entity_id"),
        "requestId": Field("request_id"),
    },
    lambda rows: [document_of(event) for event in rows],
    ("actor_name", "entity_name", "message"),
    ("-at",),
)


@extend_schema(
    parameters=[
        *LISTING,
        OpenApiParameter("start", str, description="From this moment on (ISO 8601 with a zone)."),
        OpenApiParameter("end", str, description="Up to, without, this moment."),
    ],
    responses=schema.AuditedEvents,
    tags=["audit"],
    operation_id="audit_log",
)
@api_view(["GET"])
def audit_log(request: Request) -> Response:
    require_anywhere(request.user, Permission.VIEW_AUDIT)
    rows = queries.visible_events(request.user)
    errors: dict[str, list[str]] = {}
    for name, lookup in (("start", "at__gte"), ("end", "at__lt")):
        text = request.query_params.get(name)
        if text:
            try:
                rows = rows.filter(**{lookup: time_value(text)})
            except ValueError as error:
                errors[name] = [f"{text[:60]!r} {error}."]
    if errors:
        raise InvalidInput(errors)
    return EVENTS.answer(request, rows)
