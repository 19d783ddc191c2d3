"""RBAC: which roles bind a user, and whether their rules allow what is asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cluster.simulator.identities import ADMINISTRATORS, AUTHENTICATED, User
from cluster.simulator.problems import Problem, forbidden
from cluster.simulator.server.api import Api
from cluster.simulator.server.messages import Request, Target
from cluster.simulator.server.routing import verb_of

RBAC = "rbac.authorization.k8s.io"
Rule = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """May someone `verb` this? Either a resource or a `path`."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


def allowed(api: Api, user: User, question: Question) -> str | None:
    """Why it is allowed, or None when nothing allows it."""
    if ADMINISTRATORS in user.groups:
        return ""
    for binding, rule in rules_of(api, user, question.namespace):
        if _covers(rule, question):
            return f"RBAC: allowed by {binding}"
    return None


def impersonated(api: Api, user: User, headers: dict[str, str]) -> User:
    """Whom the request says it acts as; of several groups HTTP joins the headers by commas. Raises 403."""
    name = headers["impersonate-user"]
    groups = tuple(
        group.strip() for group in headers.get("impersonate-group", "").split(",") if group.strip()
    )
    for resource, wanted in (("users", (name,)), ("groups", groups)):
        for one in wanted:
            if allowed(api, user, Question("impersonate", "", resource, name=one)) is None:
                detail = f'User "{user.name}" cannot impersonate resource "{resource}" in API group "" at the cluster scope'
                raise forbidden(resource, "", one, detail)
    return User(name, headers.get("impersonate-uid", ""), tuple(dict.fromkeys((*groups, AUTHENTICATED))))


def refuse_unless_allowed(api: Api, user_request: Request, target: Target, *, watching: bool) -> None:
    """Raises 403 when the user may not do this to the target."""
    user, resource = user_request.user, target.resource
    verb = verb_of(user_request.method, target, watching=watching)
    question = Question(
        verb, resource.group, resource.plural, target.subresource, target.namespace, target.name
    )
    if allowed(api, user, question) is not None:
        return
    full = f"{resource.plural}/{target.subresource}" if target.subresource else resource.plural
    place = f' in the namespace "{target.namespace}"' if target.namespace else " at the cluster scope"
    detail = f'User "{user.name}" cannot {verb} resource "{full}" in API group "{resource.group}"{place}'
    raise forbidden(resource.plural, resource.group, target.name, detail)


def refuse_unless_allowed_path(api: Api, request: Request) -> None:
    """Raises 403 when the user may not read a path that is not a resource."""
    verb = {"GET": "get", "HEAD": "head"}.get(request.method, request.method.lower())
    if allowed(api, request.user, Question(verb, path=request.path)) is None:
        text = f'forbidden: User "{request.user.name}" cannot {verb} path "{request.path}"'
        raise Problem(403, "Forbidden", text, details={})


def rules_of(api: Api, user: User, namespace: str) -> Iterator[tuple[str, Rule]]:
    """(where it comes from, rule) of every rule that binds the user in a namespace and everywhere."""
    if ADMINISTRATORS in user.groups:
        yield "the group system:masters", {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        yield "the group system:masters", {"verbs": ["*"], "nonResourceURLs": ["*"]}
    bindings = [("ClusterRoleBinding", stored) for stored in api.store.listed(f"clusterrolebindings.{RBAC}")]
    if namespace:
        bindings += [
            ("RoleBinding", stored) for stored in api.store.listed(f"rolebindings.{RBAC}", namespace)
        ]
    for kind, stored in bindings:
        subjects = stored.document.get("subjects") or []
        if any(_is_subject(subject, user, stored.namespace) for subject in subjects):
            reference = stored.document["roleRef"]
            source = f'{kind} "{stored.name}" of {reference["kind"]} "{reference["name"]}"'
            for rule in _rules(api, reference, stored.namespace):
                yield source, rule


def _rules(api: Api, reference: dict[str, str], namespace: str) -> list[Rule]:
    if reference["kind"] == "ClusterRole":
        role = api.store.get(f"clusterroles.{RBAC}", "", reference["name"])
    else:
        role = api.store.get(f"roles.{RBAC}", namespace, reference["name"])
    return (role.document.get("rules") or []) if role else []


def _is_subject(subject: dict[str, str], user: User, namespace: str) -> bool:
    kind, name = subject.get("kind"), subject.get("name", "")
    if kind == "User":
        return name == user.name
    if kind == "Group":
        return name in user.groups
    return user.name == f"system:serviceaccount:{subject.get('namespace') or namespace}:{name}"


def _covers(rule: Rule, question: Question) -> bool:
    if not _has(rule.get("verbs"), question.verb):
        return False
    if question.path:
        return any(_path_fits(pattern, question.path) for pattern in rule.get("nonResourceURLs") or [])
    if not _has(rule.get("apiGroups"), question.group):
        return False
    names = rule.get("resourceNames") or []
    if names and question.name not in names:
        return False
    full = f"{question.resource}/{question.subresource}" if question.subresource else question.resource
    resources = rule.get("resources") or []
    return (
        "*" in resources
        or full in resources
        or (bool(question.subresource) and f"*/{question.subresource}" in resources)
    )


def _has(listed: list[str] | None, wanted: str) -> bool:
    return listed is not None and ("*" in listed or wanted in listed)


def _path_fits(pattern: str, path: str) -> bool:
    return pattern == "*" or pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1]))
