"""Reviews: kinds that are answered and never stored: who am I, may I, whose token is this."""

from typing import Any

from cluster.simulator.identities import User
from cluster.simulator.problems import Cause, bad_request, invalid, method_not_allowed
from cluster.simulator.server.api import Api, Document
from cluster.simulator.server.authorization import Question, allowed, rules_of
from cluster.simulator.server.bodies import check_type, decode, read_body
from cluster.simulator.server.creating import timestamp
from cluster.simulator.server.messages import Answer, Request, Target, json_answer
from cluster.simulator.server.options import WriteOptions

GROUPS = ("authorization.k8s.io", "authentication.k8s.io")


def answer_review(api: Api, request: Request, target: Target) -> Answer:
    """The review with its status filled in. Raises 405, 422."""
    if request.method != "POST":
        raise method_not_allowed()
    options = WriteOptions.of(request)
    body = read_body(request, options.strictness)
    check_type(target.resource, body)
    document = decode(target.resource, body, options.strictness)
    document["metadata"] = {**document.get("metadata", {})}
    document["metadata"].pop("managedFields", None)
    document["status"] = _ANSWERS[target.resource.plural](api, request.user, document, target)
    if target.resource.plural == "selfsubjectreviews":
        document["metadata"]["creationTimestamp"] = timestamp()
    return json_answer(document, 201)


def _own_access(api: Api, user: User, document: Document, target: Target) -> dict[str, Any]:
    spec = document.get("spec") or {}
    return _decision(api, user, spec, document["kind"])


def _anyones_access(api: Api, user: User, document: Document, target: Target) -> dict[str, Any]:
    spec = document.get("spec") or {}
    subject = User(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups") or ()))
    if not subject.name and not subject.groups:
        cause = Cause(
            "spec.user",
            "FieldValueInvalid",
            'Invalid value: "": at least one of user or group must be specified',
        )
        raise invalid(document["kind"], GROUPS[0], "", [cause])
    if target.namespace and (spec.get("resourceAttributes") or {}).get("namespace") != target.namespace:
        raise bad_request("spec.resourceAttributes.namespace must match the namespace of the request")
    return _decision(api, subject, spec, document["kind"])


def _decision(api: Api, user: User, spec: dict[str, Any], kind: str) -> dict[str, Any]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if bool(resource) == bool(path):
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise invalid(
            kind,
            GROUPS[0],
            "",
            [Cause("spec.resourceAttributes", "FieldValueInvalid", f"Invalid value: {text}")],
        )
    if resource:
        question = Question(
            resource.get("verb", ""),
            resource.get("group", ""),
            resource.get("resource", ""),
            resource.get("subresource", ""),
            resource.get("namespace", ""),
            resource.get("name", ""),
        )
    else:
        asked = path or {}
        question = Question(asked.get("verb", ""), path=asked.get("path", ""))
    reason = allowed(api, user, question)
    if reason is None:
        return {"allowed": False}
    return {"allowed": True, "reason": reason} if reason else {"allowed": True}


def _own_rules(api: Api, user: User, document: Document, target: Target) -> dict[str, Any]:
    namespace = (document.get("spec") or {}).get("namespace", "")
    if not namespace:
        raise bad_request("no namespace on request")
    resource_rules: list[dict[str, Any]] = []
    path_rules: list[dict[str, Any]] = []
    for _, rule in rules_of(api, user, namespace):
        if rule.get("nonResourceURLs"):
            path_rules.append({"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]})
        else:
            resource_rules.append(
                {
                    key: rule[key]
                    for key in ("verbs", "apiGroups", "resources", "resourceNames")
                    if key in rule
                }
            )
    return {"resourceRules": resource_rules, "nonResourceRules": path_rules, "incomplete": False}


def _token_owner(api: Api, user: User, document: Document, target: Target) -> dict[str, Any]:
    found = api.identities.user_of((document.get("spec") or {}).get("token", ""))
    if found is None:
        return {"user": {}, "error": "invalid bearer token"}
    return {"authenticated": True, "user": found.as_json(), "audiences": ["https://kubernetes.default.svc"]}


def _own_identity(api: Api, user: User, document: Document, target: Target) -> dict[str, Any]:
    return {"userInfo": user.as_json()}


_ANSWERS = {
    "selfsubjectaccessreviews": _own_access,
    "subjectaccessreviews": _anyones_access,
    "localsubjectaccessreviews": _anyones_access,
    "selfsubjectrulesreviews": _own_rules,
    "tokenreviews": _token_owner,
    "selfsubjectreviews": _own_identity,
}
