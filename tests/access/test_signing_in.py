"""Signing in and out on the page: audited, limited in tries, and one's own password."""

import pytest
from django.contrib.auth.models import User

from access.models import AuditEvent

pytestmark = pytest.mark.django_db


def sign_in(client, email, password):
    return client.post("/account/login/", {"login": email, "password": password})


def test_signing_in_and_out_is_audited(client, acme, ada):
    assert sign_in(client, ada.email, "ada-ada-4711").status_code == 302
    client.post("/account/logout/")
    events = AuditEvent.objects.order_by("pk").values_list("action", "actor_name", "outcome")
    assert list(events) == [("Sign in", ada.email, "Succeeded"), ("Sign out", ada.email, "Succeeded")]


def test_a_failed_try_is_audited_without_the_password(client, acme, ada):
    assert sign_in(client, ada.email, "secret-guess").status_code == 200
    event = AuditEvent.objects.get()
    assert (event.action, event.outcome, event.actor_name) == ("Sign in", "Failed", ada.email)
    assert "secret-guess" not in str([event.before, event.after, event.message])


def test_the_sixth_wrong_try_is_refused_and_so_is_the_right_password_after_it(client, acme, ada):
    for _ in range(5):
        sign_in(client, ada.email, "wrong")
    body = sign_in(client, ada.email, "ada-ada-4711").content.decode()
    assert "Too many failed login attempts" in body
    assert "_auth_user_id" not in client.session


def test_others_still_come_in_meanwhile(client, acme, ada, ben):
    for _ in range(6):
        sign_in(client, ada.email, "wrong")
    assert sign_in(client, ben.email, "ben-ben-4711").status_code == 302


def test_nobody_signs_up_by_themselves(client, db):
    assert 'type="password"' not in client.get("/account/signup/").content.decode()
    client.post("/account/signup/", {"email": "me@acme.test", "password1": "better-word-1"})
    assert not User.objects.exists()


def test_ones_own_password_is_changed_and_audited(client, acme, ada):
    client.force_login(ada)
    form = {"oldpassword": "ada-ada-4711", "password1": "better-word-1", "password2": "better-word-1"}
    assert client.post("/account/password/change/", form).status_code == 302
    ada.refresh_from_db()
    assert ada.check_password("better-word-1")
    assert AuditEvent.objects.filter(action="Password change", actor=ada).exists()


def test_a_closed_account_cannot_sign_in(client, acme, ada):
    ada.is_active = False
    ada.save()
    sign_in(client, ada.email, "ada-ada-4711")
    assert "_auth_user_id" not in client.session
