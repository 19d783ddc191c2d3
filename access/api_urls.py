"""Addresses below /api/v1/."""

from django.urls import path

from access.api import events, people, rights, tokens

urlpatterns = [
    path("token", tokens.token),
    path("access-keys", tokens.access_keys),
    path("access-keys/<int:key_id>", tokens.access_key),
    path("authorization/access-rules", rights.access_rules),
    path("authorization/access-rules/count", rights.access_rules_count),
    path("authorization/access-rules/<int:rule_id>", rights.access_rule),
    path("authorization/roles", rights.roles),
    path("authorization/permissions", rights.own_permissions),
    path("authorization/permitted-scopes", rights.permitted_scopes),
    path("users", people.users),
    path("users/me", people.me),
    path("me/password", people.own_password),
    path("audit/log", events.audit_log),
]
