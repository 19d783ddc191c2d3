"""Rights, people and the audit log over REST."""

import pytest
from rest_framework.test import APIClient

from access import audit
from access.models import AccessRule

pytestmark = pytest.mark.django_db
PEOPLE = ("ada", "ben", "cyd", "eve", "root")
GETS = {
    "authorization/access-rules": (200, 200, 200, 200, 200),
    "authorization/access-rules/count": (200, 200, 200, 200, 200),
    "authorization/access-rules/{rule}": (200, 200, 404, 404, 200),
    "authorization/roles": (200, 200, 200, 200, 200),
    "authorization/permissions": (200, 200, 200, 200, 200),
    "users": (403, 200, 403, 403, 200),
    "users/me": (200, 200, 200, 200, 200),
    "access-keys": (200, 200, 200, 200, 200),
    "audit/log": (403, 403, 403, 403, 200),
}


@pytest.fixture
def api() -> APIClient:
    return APIClient()


def get(api, path, **query):
    return api.get(f"/api/v1/{path}", query)


@pytest.mark.parametrize(
    ("path", "person", "code"), [(p, PEOPLE[i], c) for p, codes in GETS.items() for i, c in enumerate(codes)]
)
def test_who_reads_what(api, request, acme, ada, path, person, code):
    rule = AccessRule.objects.get(user=ada)
    api.force_authenticate(request.getfixturevalue(person))
    assert get(api, path.format(rule=rule.pk)).status_code == code


@pytest.mark.parametrize("path", GETS)
def test_nobody_is_answered_without_a_token(api, db, path):
    assert get(api, path.format(rule=1)).status_code == 401


def test_rules_are_given_and_taken(api, acme, ben, cyd):
    api.force_authenticate(ben)
    body = {
        "subjectId": cyd.email,
        "roleId": "researcher",
        "scopeType": "project",
        "scopeId": str(acme.vision.pk),
    }
    made = api.post("/api/v1/authorization/access-rules", body, format="json")
    assert made.status_code == 201, made.content
    assert (made.json()["scopeName"], made.json()["roleName"], made.json()["createdBy"]) == (
        "vision",
        "Researcher",
        ben.email,
    )
    path = f"/api/v1/authorization/access-rules/{made.json()['id']}"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"subjectId": "no@acme.test"}, 422, "/subjectId"),
        ({"subjectId": "ada@acme.test"}, 422, "/subjectId"),
        ({"roleId": "king"}, 400, "/roleId"),
        ({"scopeType": "galaxy"}, 400, "/scopeType"),
        ({"scopeId": "9999"}, 422, "/scopeId"),
        ({"scopeId": "x"}, 422, "/scopeId"),
        ({"scopeType": "cluster", "scopeId": "x"}, 422, "/scopeId"),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_at_its_field(api, acme, ada, ben, change, code, pointer):
    api.force_authenticate(ben)
    body = {
        "subjectId": "ben@acme.test",
        "roleId": "researcher",
        "scopeType": "project",
        "scopeId": str(acme.vision.pk),
    }
    answer = api.post("/api/v1/authorization/access-rules", {**body, **change}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (code, pointer)


def test_a_scope_one_may_not_see_looks_like_one_that_is_not_there(api, acme, ben):
    api.force_authenticate(ben)
    body = {"subjectId": ben.email, "roleId": "researcher", "scopeType": "project"}
    hidden = api.post(
        "/api/v1/authorization/access-rules", {**body, "scopeId": str(acme.speech.pk)}, format="json"
    )
    absent = api.post("/api/v1/authorization/access-rules", {**body, "scopeId": "99"}, format="json")
    assert hidden.json()["detail"].replace(str(acme.speech.pk), "99") == absent.json()["detail"]


def test_one_asks_where_one_may(api, acme, ada, root):
    api.force_authenticate(ada)
    where = api.post(
        "/api/v1/authorization/permitted-scopes",
        {"resourceType": "workloads", "action": "create"},
        format="json",
    )
    assert where.json() == {
        "tenants": [],
        "clusters": [],
        "departments": [],
        "projects": [str(acme.vision.pk)],
    }
    unknown = api.post(
        "/api/v1/authorization/permitted-scopes", {"resourceType": "moon", "action": "read"}, format="json"
    )
    assert unknown.status_code == 422
    assert get(api, "authorization/permissions").json()["permissions"][0]["scopeName"] == "vision"


def test_an_administrator_makes_people(api, acme, root, ada):
    api.force_authenticate(root)
    made = api.post("/api/v1/users", {"email": "dan@acme.test", "firstName": "Dan"}, format="json")
    assert (made.status_code, bool(made.json()["temporaryPassword"])) == (201, True)
    assert api.post("/api/v1/users", {"email": "dan@acme.test"}, format="json").status_code == 409
    api.force_authenticate(ada)
    assert api.post("/api/v1/users", {"email": "x@acme.test"}, format="json").status_code == 403


def test_the_log_is_narrowed_by_time_and_field(api, acme, root):
    event = audit.record(root, "Update", entity_type="project", entity_name="vision", scope=acme.vision.scope)
    audit.record(root, "Delete", entity_type="department", entity_name="old", scope=acme.research.scope)
    api.force_authenticate(root)
    assert [e["entityName"] for e in get(api, "audit/log").json()["events"]] == ["old", "vision"]
    only = get(api, "audit/log", **{"filterBy[]": "entityType==project"}).json()["events"]
    assert [e["id"] for e in only] == [str(event.pk)]
    assert get(api, "audit/log", end="2020-01-01T00:00:00Z").json() == {"events": []}
    assert get(api, "audit/log", start="yesterday").json()["errors"][0]["pointer"] == "/start"
