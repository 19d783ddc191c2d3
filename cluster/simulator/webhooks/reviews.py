"""An AdmissionReview as it is sent, and what its answer says. Pure."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from cluster.simulator.identities import User
from cluster.simulator.problems import Problem
from cluster.simulator.webhooks.attributes import Attributes
from cluster.simulator.webhooks.registered import Invocation

API_VERSION = "admission.k8s.io/v1"
Document = dict[str, Any]


class CallFailed(Exception):
    """A webhook could not be asked, or what it said is no answer; its failurePolicy decides."""


@dataclass(frozen=True)
class Verdict:
    """What a webhook said. `failure` is set when it said nothing that could be used."""

    allowed: bool = True
    status: Document | None = None
    patch: tuple[Document, ...] = ()
    warnings: tuple[str, ...] = ()
    failure: str = ""


def review_request(invocation: Invocation, attributes: Attributes, shown: Attributes, user: User) -> Document:
    """The `request`, but for its uid. `shown` is the write in the version the webhook's rule names."""
    request: Document = {
        "kind": shown.kind.as_json("kind"),
        "resource": shown.plural.as_json("resource"),
        "requestKind": attributes.kind.as_json("kind"),
        "requestResource": attributes.plural.as_json("resource"),
        "operation": attributes.operation,
        "userInfo": user.as_json(),
        "object": shown.document,
        "oldObject": shown.old,
        "dryRun": attributes.dry_run,
        "options": dict(attributes.options) or None,
    }
    if attributes.subresource:
        request["subResource"] = request["requestSubResource"] = attributes.subresource
    if attributes.name:
        request["name"] = attributes.name
    if attributes.shown_namespace:
        request["namespace"] = attributes.shown_namespace
    return request


def read_verdict(answer: Any, uid: str, *, mutating: bool) -> Verdict:
    """Raises CallFailed for what is no answer to the review `uid`."""
    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        raise CallFailed("received invalid webhook response: webhook response was absent")
    problem = _form_problem(answer, response, uid, mutating=mutating)
    if problem:
        raise CallFailed(f"received invalid webhook response: {problem}")
    warnings = tuple(text for text in response.get("warnings") or [] if isinstance(text, str))
    if not response.get("allowed"):
        return Verdict(allowed=False, status=response.get("status") or {}, warnings=warnings)
    return Verdict(patch=_patch(response), warnings=warnings)


def _form_problem(answer: Document, response: Document, uid: str, *, mutating: bool) -> str:
    if response.get("uid") != uid:
        return f'expected response.uid="{uid}", got "{response.get("uid", "")}"'
    kind = f"{answer.get('apiVersion', '')}, Kind={answer.get('kind', '')}"
    if kind != f"{API_VERSION}, Kind=AdmissionReview":
        return f"expected webhook response of {API_VERSION}, Kind=AdmissionReview, got {kind}"
    has_patch, has_type = bool(response.get("patch")), response.get("patchType") is not None
    if not mutating and has_patch:
        return "validating webhook may not return response.patch"
    if not mutating and has_type:
        return "validating webhook may not return response.patchType"
    if has_patch and not has_type:
        return "webhook returned response.patch but not response.patchType"
    if has_type and not has_patch:
        return "webhook returned response.patchType but not response.patch"
    if has_type and response["patchType"] != "JSONPatch":
        return f'unsupported patch type "{response["patchType"]}"'
    return ""


def _patch(response: Document) -> tuple[Document, ...]:
    if not response.get("patch"):
        return ()
    try:
        operations = json.loads(base64.b64decode(response["patch"], validate=True))
    except ValueError as error:
        raise CallFailed(f"received undecodable patch in webhook response: {error}") from None
    if not isinstance(operations, list):
        raise CallFailed("received undecodable patch in webhook response: it is not a list of operations")
    return tuple(operations)


def refusal(name: str, status: Document | None) -> Problem:
    """What the client is told when a webhook refuses: never a success, always naming the webhook."""
    status = status or {}
    said = status.get("message") or status.get("reason")
    denied = f'admission webhook "{name}" denied the request'
    code = status.get("code") or 0
    return Problem(
        code if isinstance(code, int) and code >= 400 else 400,
        status.get("reason") or "",
        f"{denied}: {said}" if said else f"{denied} without explanation",
        details=status.get("details"),
    )


def call_problem(name: str, failure: str) -> Problem:
    """What the client is told when a webhook that must be asked cannot be."""
    text = f'failed calling webhook "{name}": {failure}'
    details = {"causes": [{"message": text}]}
    return Problem(500, "InternalError", f"Internal error occurred: {text}", details=details)
