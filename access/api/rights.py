"""REST of rights: access rules, roles, and where one may do what."""

from collections.abc import Sequence
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access import queries, scope_names, services
from access.api import schema
from access.api.reading import read
from access.errors import InvalidInput
from access.models import AccessRule
from access.permissions import Permission
from access.rest import LISTING, Field, Listing, iso, moment, person_of, whole
from access.roles import ROLES


def rules_of(rules: Sequence[AccessRule]) -> list[dict[str, Any]]:
    known = scope_names.known({rule.scope for rule in rules})
    return [_rule(rule, known.get(rule.scope)) for rule in rules]


def _rule(rule: AccessRule, place: scope_names.ScopeName | None) -> dict[str, Any]:
    return {
        "id": str(rule.pk),
        "subjectId": rule.user.email,
        "subjectType": "user",
        "roleId": rule.role,
        "roleName": ROLES[rule.role].label,
        "scopeType": place.kind if place else None,
        "scopeId": place.key if place else None,
        "scopeName": place.name if place else rule.scope,
        "status": "Ready",
        "createdBy": rule.created_by.email if rule.created_by else None,
        "createdAt": iso(rule.created_at),
    }


RULES = Listing(
    "accessRules",
    {
        "id": whole("id"),
        "subjectId": Field("user__email"),
        "roleId": Field("role"),
        "createdAt": moment("created_at"),
        "createdBy": Field("created_by__email"),
    },
    rules_of,
    ("user__email", "role"),
    ("user__email",),
)


@extend_schema(
    methods=["GET"],
    parameters=LISTING,
    responses=schema.Rules,
    tags=["authorization"],
    operation_id="list_access_rules",
)
@extend_schema(
    methods=["POST"],
    request=schema.RuleRequest,
    responses={201: schema.Rule},
    tags=["authorization"],
    operation_id="create_access_rule",
)
@api_view(["GET", "POST"])
def access_rules(request: Request) -> Response:
    if request.method == "GET":
        return RULES.answer(request, queries.visible_rules(request.user))
    body = read(schema.RuleRequest, request)
    place = scope_names.find(body["scopeType"], body["scopeId"])
    visible = {one.scope for one in scope_names.where(request.user, Permission.VIEW_PROJECTS)}
    if place is None or place.scope not in visible:
        raise InvalidInput(
            {"scopeId": [f"There is no {body['scopeType']} {body['scopeId']}, or you may not see it."]}
        )
    try:
        person = services.person_with(body["subjectId"])
        rule = services.give_role(
            actor=person_of(request), person=person, role=body["roleId"], scope=place.scope, place=place.words
        )
    except InvalidInput as refusal:
        raise type(refusal)(
            {{"email": "subjectId", "role": "roleId"}.get(k, k): v for k, v in refusal.errors.items()}
        ) from None
    return Response(_rule(rule, place), status=201)


@extend_schema(
    parameters=LISTING, responses=schema.RowCount, tags=["authorization"], operation_id="count_access_rules"
)
@api_view(["GET"])
def access_rules_count(request: Request) -> Response:
    return RULES.count(request, queries.visible_rules(request.user))


@extend_schema(methods=["GET"], responses=schema.Rule, tags=["authorization"], operation_id="get_access_rule")
@extend_schema(
    methods=["DELETE"], responses={204: None}, tags=["authorization"], operation_id="delete_access_rule"
)
@api_view(["GET", "DELETE"])
def access_rule(request: Request, rule_id: int) -> Response:
    rule = get_object_or_404(queries.visible_rules(request.user), pk=rule_id)
    if request.method == "GET":
        return Response(rules_of([rule])[0])
    services.take_role(
        actor=person_of(request), rule=rule, place=scope_names.names_of([rule.scope])[rule.scope]
    )
    return Response(status=204)


@extend_schema(responses=schema.Roles, tags=["authorization"], operation_id="list_roles")
@api_view(["GET"])
def roles(request: Request) -> Response:
    found = [
        {"id": r.key, "name": r.label, "description": r.summary, "permissions": sorted(r.permissions)}
        for r in ROLES.values()
    ]
    return Response({"roles": found})


@extend_schema(
    request=schema.ScopesRequest,
    responses={200: dict},
    tags=["authorization"],
    operation_id="permitted_scopes",
)
@api_view(["POST"])
def permitted_scopes(request: Request) -> Response:
    """Where one may do `action` (read, create, update, delete) with `resourceType` (workloads, project, …)."""
    body = read(schema.ScopesRequest, request)
    wanted = f"{body['resourceType']}:{body['action']}"
    if wanted not in {permission.value for permission in Permission}:
        raise InvalidInput({"resourceType": [f"There is no permission {wanted[:80]}."]})
    found: dict[str, list[str]] = {"tenants": [], "clusters": [], "departments": [], "projects": []}
    for place in scope_names.where(request.user, Permission(wanted)):
        found[f"{place.kind}s"].append(place.key)
    return Response(found)


@extend_schema(responses={200: dict}, tags=["authorization"], operation_id="own_permissions")
@api_view(["GET"])
def own_permissions(request: Request) -> Response:
    """Every right of one's own: role, where, and what it permits."""
    rules = queries.rules_of(person_of(request))
    documents = rules_of(rules)
    return Response(
        {
            "permissions": [
                {
                    **{key: one[key] for key in ("roleId", "roleName", "scopeType", "scopeId", "scopeName")},
                    "permissions": sorted(ROLES[rule.role].permissions),
                }
                for rule, one in zip(rules, documents, strict=True)
            ]
        }
    )
