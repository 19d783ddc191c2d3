"""REST of people and one's own account."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access import queries, services
from access.api import schema
from access.api.reading import read
from access.api.tokens import WrongCredentials, authenticated
from access.checks import require_anywhere
from access.errors import InvalidInput
from access.permissions import Permission
from access.rest import LISTING, Field, Listing, iso, moment, person_of, whole


def people_of(people: Sequence[User]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(person.pk),
            "email": person.email,
            "name": person.get_full_name(),
            "type": "local",
            "active": person.is_active,
            "lastLogin": iso(person.last_login),
            "createdAt": iso(person.date_joined),
        }
        for person in people
    ]


PEOPLE = Listing(
    "users",
    {
        "id": whole("id"),
        "email": Field("email"),
        "createdAt": moment("date_joined"),
        "lastLogin": moment("last_login"),
    },
    people_of,
    ("email", "first_name", "last_name"),
    ("email",),
)


@extend_schema(
    methods=["GET"], parameters=LISTING, responses=schema.People, tags=["users"], operation_id="list_users"
)
@extend_schema(
    methods=["POST"],
    request=schema.PersonRequest,
    responses={201: schema.NewPerson},
    tags=["users"],
    operation_id="create_user",
)
@api_view(["GET", "POST"])
def users(request: Request) -> Response:
    if request.method == "GET":
        require_anywhere(request.user, Permission.VIEW_USERS)
        return PEOPLE.answer(request, queries.visible_people(request.user))
    body = read(schema.PersonRequest, request)
    person, password = services.create_person(
        actor=person_of(request),
        email=body["email"],
        first_name=body["firstName"],
        last_name=body["lastName"],
    )
    return Response({**people_of([person])[0], "temporaryPassword": password}, status=201)


@extend_schema(responses=schema.Person, tags=["users"], operation_id="get_own_user")
@api_view(["GET"])
def me(request: Request) -> Response:
    return Response(people_of([person_of(request)])[0])


@extend_schema(
    request=schema.PasswordRequest, responses={204: None}, tags=["users"], operation_id="change_own_password"
)
@api_view(["PUT"])
def own_password(request: Request) -> Response:
    body, person = read(schema.PasswordRequest, request), person_of(request)
    try:
        authenticated(request, person.email, body["currentPassword"])
    except WrongCredentials:
        raise InvalidInput({"currentPassword": ["This is not your password."]}) from None
    try:
        validate_password(body["newPassword"], person)
    except ValidationError as error:
        raise InvalidInput({"newPassword": list(error.messages)}) from error
    services.change_password(person=person, password=body["newPassword"])
    return Response(status=204)
