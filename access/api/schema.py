"""Bodies of this app's API, for reading and for the OpenAPI document."""

# ruff: noqa: N815  (fields carry the names of the API)

from typing import Any

from rest_framework import serializers

from access.roles import ROLES
from access.services import NAME_AT_MOST, TOKEN_DAYS_AT_MOST, TOKEN_NAME_AT_MOST

Fields = serializers.Serializer[Any]
SCOPES = ("tenant", "cluster", "department", "project")


class TokenRequest(Fields):
    grantType = serializers.CharField(help_text="password")
    username = serializers.CharField(help_text="the e-mail address", required=False, max_length=254)
    password = serializers.CharField(required=False, trim_whitespace=False, max_length=4096)


class TokenAnswer(Fields):
    accessToken = serializers.CharField()
    tokenType = serializers.CharField()
    expiresIn = serializers.IntegerField(help_text="seconds")


class RuleRequest(Fields):
    subjectId = serializers.CharField(help_text="the e-mail address", max_length=254)
    subjectType = serializers.ChoiceField(choices=["user"], default="user")
    roleId = serializers.ChoiceField(choices=list(ROLES))
    scopeType = serializers.ChoiceField(choices=SCOPES)
    scopeId = serializers.CharField(max_length=64)


class Rule(Fields):
    id = serializers.CharField()
    subjectId = serializers.CharField()
    subjectType = serializers.CharField()
    roleId = serializers.CharField()
    roleName = serializers.CharField()
    scopeType = serializers.CharField(allow_null=True)
    scopeId = serializers.CharField(allow_null=True)
    scopeName = serializers.CharField()
    status = serializers.CharField()
    createdBy = serializers.CharField(allow_null=True)
    createdAt = serializers.DateTimeField()


class Rules(Fields):
    accessRules = Rule(many=True)
    next = serializers.IntegerField(required=False)


class RowCount(Fields):
    count = serializers.IntegerField()


class ScopesRequest(Fields):
    resourceType = serializers.CharField(max_length=80)
    action = serializers.CharField(max_length=20)


class Role(Fields):
    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())


class Roles(Fields):
    roles = Role(many=True)


class PersonRequest(Fields):
    email = serializers.EmailField(max_length=NAME_AT_MOST)
    firstName = serializers.CharField(max_length=NAME_AT_MOST, required=False, allow_blank=True, default="")
    lastName = serializers.CharField(max_length=NAME_AT_MOST, required=False, allow_blank=True, default="")


class Person(Fields):
    id = serializers.CharField()
    email = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField()
    active = serializers.BooleanField()
    lastLogin = serializers.DateTimeField(allow_null=True)
    createdAt = serializers.DateTimeField()


class People(Fields):
    users = Person(many=True)
    next = serializers.IntegerField(required=False)


class NewPerson(Person):
    temporaryPassword = serializers.CharField(help_text="shown once")


class PasswordRequest(Fields):
    currentPassword = serializers.CharField(trim_whitespace=False, max_length=4096)
    newPassword = serializers.CharField(trim_whitespace=False, max_length=4096)


class KeyRequest(Fields):
    name = serializers.CharField(max_length=TOKEN_NAME_AT_MOST)
    expiresInDays = serializers.IntegerField(min_value=1, max_value=TOKEN_DAYS_AT_MOST, default=90)


class Key(Fields):
    id = serializers.CharField()
    name = serializers.CharField()
    createdAt = serializers.DateTimeField()
    expiresAt = serializers.DateTimeField()


class Keys(Fields):
    accessKeys = Key(many=True)
    next = serializers.IntegerField(required=False)


class NewKey(Key):
    accessToken = serializers.CharField(help_text="shown once")


class AuditedEvent(Fields):
    id = serializers.CharField()
    timestamp = serializers.DateTimeField()
    subject = serializers.CharField()
    subjectType = serializers.CharField()
    sourceIp = serializers.CharField(allow_null=True)
    event = serializers.CharField()
    status = serializers.CharField()
    entityType = serializers.CharField()
    entityName = serializers.CharField()
    entityId = serializers.CharField()
    scope = serializers.CharField()
    message = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    requestId = serializers.CharField()


class AuditedEvents(Fields):
    events = AuditedEvent(many=True)
    next = serializers.IntegerField(required=False)
