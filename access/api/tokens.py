"""REST of tokens: signing in by password, and one's own named tokens."""

from collections.abc import Sequence
from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import permissions
from rest_framework.decorators import api_view, authentication_classes, permission_classes, throttle_classes
from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle

from access import queries, services
from access.api import schema
from access.api.reading import read
from access.errors import InvalidInput
from access.models import PersonalToken
from access.rest import LISTING, Field, Listing, iso, moment, person_of

TOKEN_SECONDS = 86_400


class WrongCredentials(APIException):
    """401 also here, where no other way of signing in is tried."""

    status_code = 401
    default_code = "authentication_failed"
    default_detail = "The address or the password is wrong."
    auth_header = "Bearer"


class TokenThrottle(AnonRateThrottle):
    """By address, on top of the limits on failed sign-ins that forms and API share."""

    scope = "token"


@extend_schema(
    request=schema.TokenRequest,
    responses=schema.TokenAnswer,
    auth=[],
    tags=["tokens"],
    operation_id="create_token",
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([permissions.AllowAny])
@throttle_classes([TokenThrottle])
def token(request: Request) -> Response:
    """A token of 24 hours for an e-mail address and its password."""
    body = read(schema.TokenRequest, request)
    if body["grantType"] != "password":
        raise InvalidInput(
            {"grantType": [f"There is no grant {body['grantType'][:40]!r}; there is password."]}
        )
    missing = {field: ["This is needed."] for field in ("username", "password") if not body.get(field)}
    if missing:
        raise InvalidInput(missing)
    person = authenticated(request, body["username"], body["password"])
    text = services.sign_in_by_password(person=person, seconds=TOKEN_SECONDS)
    return Response({"accessToken": text, "tokenType": "Bearer", "expiresIn": TOKEN_SECONDS})


def authenticated(request: Request, email: str, password: str) -> User:
    """Through allauth, so that failed tries count against the same limits as on the page."""
    try:
        person = get_adapter().authenticate(request._request, email=email, password=password)  # noqa: SLF001  (DRF hides Django's request)
    except ValidationError as error:
        raise Throttled(detail=" ".join(error.messages)) from error
    if person is None or not person.is_active:
        raise WrongCredentials
    found: User = person
    return found


def keys_of(tokens: Sequence[PersonalToken]) -> list[dict[str, Any]]:
    return [
        {"id": str(t.pk), "name": t.name, "createdAt": iso(t.created_at), "expiresAt": iso(t.expires_at)}
        for t in tokens
    ]


KEYS = Listing(
    "accessKeys", {"name": Field("name"), "createdAt": moment("created_at")}, keys_of, ("name",), ("name",)
)


@extend_schema(
    methods=["GET"],
    parameters=LISTING,
    responses=schema.Keys,
    tags=["tokens"],
    operation_id="list_access_keys",
)
@extend_schema(
    methods=["POST"],
    request=schema.KeyRequest,
    responses={201: schema.NewKey},
    tags=["tokens"],
    operation_id="create_access_key",
)
@api_view(["GET", "POST"])
def access_keys(request: Request) -> Response:
    """One's own named tokens."""
    person = person_of(request)
    if request.method == "GET":
        return KEYS.answer(request, queries.own_tokens(person))
    body = read(schema.KeyRequest, request)
    made, text = services.create_token(person=person, name=body["name"], days=body["expiresInDays"])
    return Response({**keys_of([made])[0], "accessToken": text}, status=201)


@extend_schema(responses={204: None}, tags=["tokens"], operation_id="delete_access_key")
@api_view(["DELETE"])
def access_key(request: Request, key_id: int) -> Response:
    person = person_of(request)
    services.revoke_token(person=person, token=get_object_or_404(queries.own_tokens(person), pk=key_id))
    return Response(status=204)
