"""What can go wrong with a cluster, by what the caller can do about it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cause:
    """One thing the server did not like: `field` is a path such as spec.template.spec.containers[0].image."""

    field: str
    message: str
    reason: str = ""


class ClusterError(Exception):
    """A call that the cluster answered with a refusal, or could not answer."""

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        code: int = 0,
        causes: tuple[Cause, ...] = (),
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.code = code
        self.causes = causes
        self.details: Mapping[str, Any] = details or {}
        self.unsure = False
        """Whether an earlier try of the same call may have worked: its answer was lost (cluster/outcomes.py)."""


class ClusterUnavailable(ClusterError):
    """No connection, no answer in time, 429 or 5xx: trying again later may help."""


class NotFound(ClusterError):
    """The object, or its kind, does not exist."""


class AlreadyExists(ClusterError):
    """There is an object of that name."""


class Conflict(ClusterError):
    """Someone else changed the object, or owns the field: read it again and decide again."""


class Invalid(ClusterError):
    """The object is wrong; `causes` name the fields."""


class Forbidden(ClusterError):
    """We are known, but may not."""


class Unauthorized(ClusterError):
    """We are not known, also after reading the credentials again."""


class Gone(ClusterError):
    """The version asked for is too old: list again."""


_BY_CODE: dict[int, type[ClusterError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: ClusterUnavailable,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: ClusterUnavailable,
}
_LONGEST_FOREIGN_TEXT = 500
"""Bytes quoted of an answer that is no Status: a proxy's HTML page says little after that."""


def error_from_status(status: Mapping[str, Any]) -> ClusterError:
    """The error a Kubernetes Status object stands for."""
    code = status.get("code")
    code = code if isinstance(code, int) else 0
    reason = str(status.get("reason") or "")
    details = status.get("details")
    details = details if isinstance(details, Mapping) else {}
    kind: type[ClusterError] = _BY_CODE.get(code, ClusterUnavailable if code >= 500 else ClusterError)
    if reason == "AlreadyExists":
        kind = AlreadyExists
    elif reason in ("Expired", "Gone"):
        kind = Gone
    causes = tuple(
        Cause(str(cause.get("field") or ""), str(cause.get("message") or ""), str(cause.get("reason") or ""))
        for cause in details.get("causes") or []
        if isinstance(cause, Mapping)
    )
    message = str(status.get("message") or reason or f"the cluster answered {code}")
    return kind(message, reason=reason, code=code, causes=causes, details=details)


def error_from_response(code: int, body: bytes) -> ClusterError:
    """The error an HTTP answer stands for, whether its body is a Status or a page of something in between."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if isinstance(document, dict) and document.get("kind") == "Status":
        return error_from_status({**document, "code": document.get("code") or code})
    text = body[:_LONGEST_FOREIGN_TEXT].decode("utf-8", "replace").strip()
    return error_from_status({"code": code, "message": f"the cluster answered {code}: {text or 'no text'}"})
