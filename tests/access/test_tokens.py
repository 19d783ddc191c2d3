"""Tokens: by password, by name, with the person's rights, revocable, limited in tries."""

import pytest
from knox.models import AuthToken
from rest_framework.test import APIClient

from access.errors import InvalidInput
from access.models import AuditEvent, PersonalToken
from access.services import create_token, set_active

pytestmark = pytest.mark.django_db


def ask(person, password, **body):
    return APIClient().post(
        "/api/v1/token",
        {"grantType": "password", "username": person.email, "password": password, **body},
        format="json",
    )


def with_token(text):
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return api


def test_a_password_gives_a_token_that_works(acme, ada):
    answer = ask(ada, "ada-ada-4711")
    assert (answer.status_code, answer.json()["expiresIn"]) == (200, 86_400)
    me = with_token(answer.json()["accessToken"]).get("/api/v1/users/me")
    assert me.json()["email"] == ada.email
    assert AuditEvent.objects.filter(action="Sign in", actor=ada, message="by API token").exists()


def test_a_wrong_password_gives_none_and_is_audited(acme, ada):
    answer = ask(ada, "wrong")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    event = AuditEvent.objects.get(action="Sign in")
    assert (event.outcome, event.actor_name, event.entity_name) == ("Failed", ada.email, ada.email)
    assert "wrong" not in str(event.before) + str(event.after)


def test_too_many_wrong_passwords_are_refused_even_when_the_next_is_right(acme, ada):
    answers = [ask(ada, "wrong").status_code for _ in range(6)]
    assert answers[:5] == [401] * 5
    assert answers[5] == 429
    assert ask(ada, "ada-ada-4711").status_code == 429


def test_one_address_cannot_ask_without_end(acme, ada):
    assert [ask(ada, "ada-ada-4711").status_code for _ in range(11)] == [200] * 10 + [429]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, 400, "/grantType"),
        ({"grantType": "magic"}, 422, "/grantType"),
        ({"grantType": "password", "password": "x"}, 422, "/username"),
        ({"grantType": "password", "username": "x"}, 422, "/password"),
    ],
)
def test_what_is_missing_is_named(db, body, code, pointer):
    answer = APIClient().post("/api/v1/token", body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (code, pointer)


def test_a_named_token_is_shown_once_and_can_be_revoked(client, acme, ada):
    client.force_login(ada)
    page = client.post("/settings/", {"name": "laptop", "days": "30"})
    token = PersonalToken.objects.get()
    text = page.context["shown"]["text"]
    assert text in page.content.decode()
    assert text not in client.get("/settings/").content.decode()
    assert with_token(text).get("/api/v1/users/me").status_code == 200

    client.post(f"/settings/tokens/{token.pk}/revoke/")
    assert with_token(text).get("/api/v1/users/me").status_code == 401
    assert not AuthToken.objects.exists()


def test_a_form_that_cannot_be_accepted_keeps_its_inputs(client, acme, ada):
    client.force_login(ada)
    page = client.post("/settings/", {"name": "laptop", "days": "366"})
    assert (page.status_code, 'value="laptop"' in page.content.decode()) == (422, True)
    assert not PersonalToken.objects.exists()


def test_nobody_revokes_the_token_of_another(client, acme, ada, root):
    token, text = create_token(person=ada, name="laptop", days=1)
    client.force_login(root)
    assert client.post(f"/settings/tokens/{token.pk}/revoke/").status_code == 404
    assert with_token(text).get("/api/v1/users/me").status_code == 200


def test_names_of_tokens_are_taken_once_and_days_limited(acme, ada):
    create_token(person=ada, name="laptop", days=1)
    for name, days, field in (("laptop", 1, "name"), ("", 1, "name"), ("x", 0, "days"), ("x", 366, "days")):
        with pytest.raises(InvalidInput) as errors:
            create_token(person=ada, name=name, days=days)
        assert list(errors.value.errors) == [field]


def test_a_closed_account_loses_its_tokens_at_once(acme, ada, root):
    _, text = create_token(person=ada, name="laptop", days=1)
    set_active(actor=root, person=ada, is_active=False)
    assert with_token(text).get("/api/v1/users/me").status_code == 401
    assert ask(ada, "ada-ada-4711").status_code == 401


def test_access_keys_are_the_same_over_rest(acme, ada, ben):
    api = APIClient()
    api.force_authenticate(ada)
    made = api.post("/api/v1/access-keys", {"name": "ci", "expiresInDays": 7}, format="json")
    assert made.status_code == 201
    assert with_token(made.json()["accessToken"]).get("/api/v1/users/me").json()["email"] == ada.email
    assert [key["name"] for key in api.get("/api/v1/access-keys").json()["accessKeys"]] == ["ci"]
    api.force_authenticate(ben)
    assert api.get("/api/v1/access-keys").json() == {"accessKeys": []}
    assert api.delete(f"/api/v1/access-keys/{made.json()['id']}").status_code == 404


def test_ones_own_password_is_changed_over_rest(acme, ada):
    api = APIClient()
    api.force_authenticate(ada)

    def put(old, new):
        return api.put("/api/v1/me/password", {"currentPassword": old, "newPassword": new}, format="json")

    assert put("wrong", "better-word-1").json()["errors"][0]["pointer"] == "/currentPassword"
    assert put("ada-ada-4711", "short").json()["errors"][0]["pointer"] == "/newPassword"
    assert put("ada-ada-4711", "better-word-1").status_code == 204
    assert ask(ada, "better-word-1").status_code == 200
