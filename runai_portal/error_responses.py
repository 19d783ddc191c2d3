"""One table: our errors -> status and page (HTML) or problem document (REST, RFC 9457 with Run:ai's code, message, details)."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from access.errors import InvalidInput, NameTaken, NotAllowed
from cluster.errors import ClusterUnavailable
from workloads.errors import NotPossibleNow

STATUS: list[tuple[type[Exception], int]] = [
    (NameTaken, 409),
    (NotPossibleNow, 409),
    (InvalidInput, 422),
    (NotAllowed, 403),
    (ClusterUnavailable, 503),
]
PROBLEM_JSON = "application/problem+json"


def status_of(error: Exception) -> int | None:
    return next((status for kind, status in STATUS if isinstance(error, kind)), None)


class DomainErrors:
    """Middleware: pages for our errors that reached no form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        status = status_of(error)
        return None if status is None else error_page(request, status, str(error))


def error_page(request: HttpRequest, status: int, message: str = "") -> HttpResponse:
    template = f"errors/{status if status in {400, 403, 404, 500, 503} else 400}.html"
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    return render(
        request, template, {"message": message, "status": status, "request_id": request_id}, status=status
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(
        request,
        403,
        "The form was open too long or came from another site. Reload the page and send it again.",
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 403, str(exception))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 400, "The request could not be read.")


def server_error(request: HttpRequest) -> HttpResponse:
    return error_page(request, 500)


def problem_document(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every error of the API as application/problem+json."""
    own = status_of(error)
    if own is not None:
        return problem(own, str(error), field_errors(error))
    if isinstance(error, Http404):
        return problem(404, "There is nothing here, or you may not see it.")
    if isinstance(error, PermissionDenied):
        return problem(403, str(error) or "You may not do this.")
    handled = exception_handler(error, context)
    if handled is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        fields = flatten(error.detail)
        response = problem(400, "; ".join(f"{e['pointer']}: {e['detail']}" for e in fields), fields)
    else:
        response = problem(handled.status_code, str(getattr(error, "detail", error)))
    for header in ("WWW-Authenticate", "Retry-After", "Allow"):
        if header in handled:
            response[header] = handled[header]
    return response


def problem(status: int, detail: str, errors: list[dict[str, str]] | None = None) -> Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": errors or [],
        "request_id": str(structlog.contextvars.get_contextvars().get("request_id", "")),
        "code": status,
        "message": detail,
        "details": errors or [],
    }
    return Response(body, status=status, content_type=PROBLEM_JSON)


def field_errors(error: Exception) -> list[dict[str, str]]:
    if not isinstance(error, InvalidInput):
        return []
    return [
        {"pointer": "/" + field.replace(".", "/"), "detail": text}
        for field, texts in error.errors.items()
        for text in texts
    ]


def flatten(detail: Any, pointer: str = "") -> list[dict[str, str]]:
    """DRF's nested errors as JSON pointers."""
    if isinstance(detail, dict):
        return [row for key, value in detail.items() for row in flatten(value, f"{pointer}/{key}")]
    if isinstance(detail, list):
        return [
            row
            for index, value in enumerate(detail)
            for row in flatten(value, pointer if isinstance(value, str) else f"{pointer}/{index}")
        ]
    return [{"pointer": pointer or "/", "detail": str(detail)}]
