"""Refusals of the API as `Status` objects: one class, and a function for each reason a client distinguishes. Pure."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cause:
    """One broken rule: where, in which way, and the sentence."""

    field: str
    reason: str
    message: str

    def as_json(self) -> dict[str, str]:
        told = {"reason": self.reason, "message": self.message, "field": self.field}
        return {key: text for key, text in told.items() if text}


def missing(field: str, detail: str = "") -> Cause:
    """A required field is absent or empty."""
    return Cause(field, "FieldValueRequired", "Required value" + (f": {detail}" if detail else ""))


def wrong(field: str, value: Any, detail: str) -> Cause:
    """A value breaks a rule."""
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {detail}")


def unsupported(field: str, value: Any, allowed: list[str]) -> Cause:
    """A value is not one of those allowed."""
    names = ", ".join(f'"{name}"' for name in allowed)
    return Cause(
        field, "FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {names}"
    )


def forbidden_field(field: str, detail: str) -> Cause:
    """A field that may not be set here."""
    return Cause(field, "FieldValueForbidden", f"Forbidden: {detail}")


def shown(value: Any) -> str:
    """A value as it appears in messages: JSON-like, strings in double quotes."""
    import json

    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Problem(Exception):
    """Ends a request with a `Status` object."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message
        self.details = details
        self.headers = headers or {}

    def as_status(self) -> dict[str, Any]:
        """The body of the answer."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        return status


def _about(name: str, group: str, kind: str) -> dict[str, Any]:
    parts = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in parts.items() if value}


def qualified(plural: str, group: str) -> str:
    """`pods`, `jobs.batch`: how messages name a resource."""
    return f"{plural}.{group}" if group else plural


def not_found(plural: str, group: str, name: str) -> Problem:
    text = f'{qualified(plural, group)} "{name}" not found'
    return Problem(404, "NotFound", text, details=_about(name, group, plural))


def already_exists(plural: str, group: str, name: str) -> Problem:
    text = f'{qualified(plural, group)} "{name}" already exists'
    return Problem(409, "AlreadyExists", text, details=_about(name, group, plural))


def conflict(plural: str, group: str, name: str, detail: str) -> Problem:
    text = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {detail}'
    return Problem(409, "Conflict", text, details=_about(name, group, plural))


STALE = "the object has been modified; please apply your changes to the latest version and try again"


def invalid(kind: str, group: str, name: str, causes: list[Cause]) -> Problem:
    """422 with every broken rule at once; the sentence says each once."""
    texts = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = _about(name, group, kind) | {"causes": [cause.as_json() for cause in causes]}
    return Problem(422, "Invalid", f'{qualified(kind, group)} "{name}" is invalid: {joined}', details=details)


def bad_request(message: str) -> Problem:
    return Problem(400, "BadRequest", message)


def forbidden(plural: str, group: str, name: str, detail: str, causes: list[Cause] | None = None) -> Problem:
    details = _about(name, group, plural)
    if causes:
        details["causes"] = [cause.as_json() for cause in causes]
    named = f' "{name}"' if name else ""
    return Problem(
        403, "Forbidden", f"{qualified(plural, group)}{named} is forbidden: {detail}", details=details
    )


def unauthorized() -> Problem:
    return Problem(401, "Unauthorized", "Unauthorized")


def unknown_path() -> Problem:
    """What the server says about a resource it does not serve."""
    return Problem(404, "NotFound", "the server could not find the requested resource", details={})


def method_not_allowed() -> Problem:
    return Problem(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource", details={}
    )


def unsupported_media_type(allowed: list[str], *, details: dict[str, Any] | None = None) -> Problem:
    accepted = ", ".join(allowed)
    text = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return Problem(415, "UnsupportedMediaType", text, details=details)


def not_acceptable(offered: list[str]) -> Problem:
    text = f"only the following media types are accepted: {', '.join(offered)}"
    return Problem(406, "NotAcceptable", text)


def expired(message: str) -> Problem:
    """410: a resourceVersion or continue token that is no longer kept."""
    return Problem(410, "Expired", message)


def too_old(version: int, oldest: int) -> Problem:
    return expired(f"too old resource version: {version} ({oldest})")


def timed_out() -> Problem:
    return Problem(504, "Timeout", "Timeout: request did not complete within requested timeout", details={})


def too_many_requests(
    message: str, *, retry_after: int, causes: list[dict[str, str]] | None = None
) -> Problem:
    details: dict[str, Any] = {"retryAfterSeconds": retry_after} if retry_after else {}
    if causes:
        details["causes"] = causes
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return Problem(429, "TooManyRequests", message, details=details, headers=headers)
