"""Who sees and sends what on the pages of rights, people, the audit log and the own account."""

import json

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access import audit, urls
from access.models import AccessRule, AuditEvent
from tests import factories

pytestmark = pytest.mark.django_db
PEOPLE = ("ada", "ben", "cyd", "eve", "root")
PAGES = {
    "rules": (403, 200, 403, 403, 200),
    "give_rule": (403, 200, 403, 403, 200),
    "people": (403, 200, 403, 403, 200),
    "add_person": (403, 403, 403, 403, 200),
    "audit": (403, 403, 403, 403, 200),
    "event": (404, 404, 404, 404, 200),
    "account": (200, 200, 200, 200, 200),
}
POSTS = {
    "give_rule": (403, 422, 403, 403, 422),
    "take_rule": (403, 302, 404, 404, 302),
    "add_person": (403, 403, 403, 403, 422),
    "open_or_close": (403, 403, 404, 404, 302),
    "reset_password": (403, 403, 404, 404, 200),
    "account": (422, 422, 422, 422, 422),
    "revoke_token": (404, 404, 404, 404, 404),
}


def address(name, ada):
    known = {
        "rule_id": AccessRule.objects.get(user=ada).pk,
        "person_id": ada.pk,
        "event_id": AuditEvent.objects.values_list("pk", flat=True).first() or 0,
        "token_id": 1,
    }
    pattern = next(p for p in urls.urlpatterns if p.name == name)
    return reverse(f"access:{name}", kwargs={key: known[key] for key in pattern.pattern.converters})


def cases(table):
    return [(name, PEOPLE[i], code) for name, codes in table.items() for i, code in enumerate(codes)]


@pytest.fixture
def event(acme, root):
    return audit.record(
        root,
        "Update",
        entity_type="project",
        entity_name="vision",
        scope=acme.vision.scope,
        before={"quota": 8, "name": "vision"},
        after={"quota": 10, "name": "vision"},
    )


def test_every_page_is_in_the_tables():
    assert {pattern.name for pattern in urls.urlpatterns} == set(PAGES) | set(POSTS)


@pytest.mark.parametrize(("name", "person", "code"), cases(PAGES))
def test_who_sees_which_page(client, request, acme, ada, event, name, person, code):
    client.force_login(request.getfixturevalue(person))
    assert client.get(address(name, ada)).status_code == code


@pytest.mark.parametrize(("name", "person", "code"), cases(POSTS))
def test_who_may_send_which_form(client, request, acme, ada, name, person, code):
    client.force_login(request.getfixturevalue(person))
    assert client.post(address(name, ada)).status_code == code


@pytest.mark.parametrize("name", sorted(set(PAGES) | set(POSTS)))
def test_nobody_comes_in_without_signing_in(client, acme, ada, name):
    for answer in (client.get(address(name, ada)), client.post(address(name, ada))):
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/account/login/")


# --- rights and people ---------------------------------------------------------------------------------------------------------------


def test_a_project_administrator_sees_the_rights_of_the_project_only(client, acme, ada, ben, cyd, root):
    client.force_login(ben)
    body = client.get("/access/").content.decode()
    assert ada.email in body
    assert "project vision" in body
    for other in (cyd, root):
        assert other.email not in body
    people = client.get("/access/people/").content.decode()
    assert ada.email in people
    assert cyd.email not in people


def test_a_role_is_given_and_taken(client, acme, root, cyd):
    client.force_login(root)
    form = {"email": cyd.email, "role": "viewer", "scope": acme.research.scope}
    assert client.post("/access/give/", form).status_code == 302
    rule = AccessRule.objects.get(user=cyd, role="viewer")
    assert (rule.scope, rule.created_by) == (acme.research.scope, root)
    client.post(f"/access/{rule.pk}/take/")
    assert not AccessRule.objects.filter(pk=rule.pk).exists()
    actions = AuditEvent.objects.filter(entity_type="access-rule").values_list("action", flat=True)
    assert sorted(actions) == ["Create", "Delete"]


def test_nobody_gives_a_role_where_they_may_not(client, acme, ben, cyd):
    client.force_login(ben)
    form = {"email": cyd.email, "role": "viewer", "scope": acme.speech.scope}
    assert client.post("/access/give/", form).status_code == 422
    assert (
        client.post(
            "/access/give/", {**form, "role": "system-administrator", "scope": acme.vision.scope}
        ).status_code
        == 403
    )
    assert AccessRule.objects.filter(user=cyd).count() == 1


def test_a_person_gets_a_first_password_that_is_shown_once_and_works(client, acme, root):
    client.force_login(root)
    page = client.post("/access/people/add/", {"email": "Dan@acme.test", "first_name": "Dan"})
    password = page.context["password"]
    assert password in page.content.decode()
    assert User.objects.get(email="dan@acme.test").check_password(password)
    event = AuditEvent.objects.get(entity_type="user", action="Create")
    assert password not in json.dumps([event.before, event.after, event.message])
    assert client.post("/access/people/add/", {"email": "dan@acme.test"}).status_code == 422


def test_closing_an_account_ends_its_session(client, acme, root, ada):
    from django.test import Client

    hers = Client()
    hers.force_login(ada)
    client.force_login(root)
    client.post(f"/access/people/{ada.pk}/open-or-close/", {"active": "no"})
    assert hers.get("/settings/").status_code == 302
    client.post(f"/access/people/{ada.pk}/open-or-close/", {"active": "yes"})
    ada.refresh_from_db()
    assert ada.is_active


def test_nobody_closes_their_own_account(client, acme, root):
    client.force_login(root)
    answer = client.post(f"/access/people/{root.pk}/open-or-close/", {"active": "no"}, follow=True)
    assert "You cannot close your own account." in answer.content.decode()
    root.refresh_from_db()
    assert root.is_active


def test_the_last_administrator_is_told_why_the_role_stays(client, acme, root):
    client.force_login(root)
    answer = client.post(f"/access/{root.access_rules.get().pk}/take/", follow=True)
    assert "is the last system administrator" in answer.content.decode()
    assert root.access_rules.exists()


@pytest.mark.parametrize("path", ["/access/", "/access/people/", "/audit/"])
def test_lists_cost_the_same_for_many_rows(client, acme, root, path):
    client.force_login(root)

    def count():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    def more(number):
        for n in range(number):
            factories.make_person(f"x{number}-{n}", ("viewer", acme.vision.scope))
            audit.record(
                root,
                "Update",
                entity_type="project",
                scope=acme.vision.scope,
                before={"a": 1},
                after={"a": 2},
            )

    more(1)
    few = count()
    more(8)
    assert count() <= few


# --- the audit log -------------------------------------------------------------------------------------------------------------------


def test_an_event_shows_what_changed_and_nothing_else(client, acme, root, event):
    client.force_login(root)
    page = client.get(f"/audit/{event.pk}/")
    assert page.context["changes"] == [("quota", 8, 10)]


def test_events_are_filtered_and_downloaded(client, acme, root, event):
    audit.record(root, "Delete", entity_type="department", entity_name="old", scope=acme.research.scope)
    client.force_login(root)
    csv = b"".join(client.get("/audit/?format=csv&entity_type=project")).decode()
    assert "vision" in csv
    assert "old" not in csv
    events = client.get("/audit/?format=json&action=Delete").json()["events"]
    assert [one["entityName"] for one in events] == ["old"]
    assert events[0]["subject"] == root.email


def test_the_days_of_the_filter_include_both_ends(client, acme, root, event):
    client.force_login(root)
    day = event.at.date().isoformat()
    for query, count in ((f"since={day}&until={day}&action=Update", 1), ("until=2020-01-01", 0)):
        assert len(client.get(f"/audit/?format=json&{query}").json()["events"]) == count


def test_old_events_go(acme, root, event, settings):
    from datetime import timedelta

    from access.services import forget_old

    AuditEvent.objects.filter(pk=event.pk).update(at=event.at - timedelta(days=settings.AUDIT_KEPT_DAYS + 1))
    young = audit.record(root, "Update", entity_type="project")
    forget_old()
    assert list(AuditEvent.objects.values_list("pk", flat=True)) == [young.pk]


def test_own_roles_stand_under_settings(client, acme, ada):
    client.force_login(ada)
    body = client.get("/settings/").content.decode()
    assert "project vision" in body
    assert "Researcher" in body
