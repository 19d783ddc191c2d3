"""An AdmissionReview: what is asked, and the answer in its form. Pure."""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.admission.reading import Json, at, mapping, sequence, text
from cluster.documents import Document

API_VERSION = "admission.k8s.io/v1"
LONGEST_UID = 253
MOST_PROBLEMS = 20
"""Told in one refusal; how many more there are is said."""


class UnreadableReview(ValueError):
    """Not a request of an AdmissionReview; the message names the field."""


@dataclass(frozen=True)
class Requester:
    """Who asked the API server."""

    name: str = ""
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Review:
    """`object` is as it would be stored; `old` is empty unless it is an update or a deletion. Both are read, never changed."""

    uid: str
    group: str
    resource: str
    operation: str
    subresource: str = ""
    namespace: str = ""
    requester: Requester = Requester()
    object: Document = field(default_factory=dict)
    old: Document = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """What is refused: the field as a path, and a sentence with the limit."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def read_review(body: Json) -> Review:
    """Raises UnreadableReview for what is no request at all; odd objects inside are let through to be judged."""
    request = at(body, "request")
    uid = text(request.get("uid"))
    if not 0 < len(uid) <= LONGEST_UID:
        raise UnreadableReview(
            f"request.uid: must be a text of 1 to {LONGEST_UID} characters, so that the answer can be matched to it"
        )
    resource, user = at(request, "resource"), at(request, "userInfo")
    return Review(
        uid=uid,
        group=text(resource.get("group")),
        resource=text(resource.get("resource")),
        operation=text(request.get("operation")),
        subresource=text(request.get("subResource")),
        namespace=text(request.get("namespace")),
        requester=Requester(
            text(user.get("username")),
            frozenset(group for group in sequence(user.get("groups")) if isinstance(group, str)),
        ),
        object=mapping(request.get("object")),
        old=mapping(request.get("oldObject")),
    )


def allowed(uid: str, *, patch: Sequence[Any] = (), warnings: Iterable[str] = ()) -> Document:
    """Let it pass, changed by an RFC 6902 patch when there is one."""
    response: Document = {"uid": uid, "allowed": True}
    if patch:
        encoded = json.dumps(patch, separators=(",", ":")).encode()
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(encoded).decode()}
    told = list(warnings)
    if told:
        response["warnings"] = told
    return _answer(response)


def refused(uid: str, problems: Sequence[Problem]) -> Document:
    """Refuse with all that is wrong at once, each with its field, as the API server does itself."""
    told = [str(problem) for problem in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        told.append(f"and {len(problems) - MOST_PROBLEMS} more")
    causes = [
        {"reason": "FieldValueForbidden", "field": one.field, "message": one.message}
        for one in problems[:MOST_PROBLEMS]
    ]
    status: Document = {
        "status": "Failure",
        "code": 422,
        "reason": "Invalid",
        "message": "; ".join(told),
        "details": {"causes": causes},
    }
    return _answer({"uid": uid, "allowed": False, "status": status})


def _answer(response: Document) -> Document:
    return {"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response}
