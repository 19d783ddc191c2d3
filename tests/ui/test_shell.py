"""The frame of every page: menu, theme, preferences, error pages, style guide."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client, override_settings

from ui import context, navigation, preferences
from ui.navigation import Item, assemble, begins

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def three_items() -> list[Item]:
    return [
        Item("Guide", "ui:style_guide", "template", order=2),
        Item("Search", "ui:search", "search", "Govern", "audit:read", order=1),
        Item("Nowhere", "no:such", "x"),
    ]


def only_ada(person: User) -> set[str]:
    return {"audit:read"} if person.username == "ada" else set()


@pytest.fixture
def own_menu(settings) -> Iterator[None]:
    settings.UI_NAVIGATION = "tests.ui.test_shell.three_items"
    settings.UI_PERMISSIONS = "tests.ui.test_shell.only_ada"
    context.load.cache_clear()
    yield
    context.load.cache_clear()


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", "ada@x.org", "pw", first_name="Ada", last_name="Lindqvist")


@pytest.fixture
def signed_in(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def test_an_item_a_person_may_not_open_is_not_drawn(own_menu: None, client: Client, ada: User):
    stranger = User.objects.create_user("cyd")
    for person, expected in ((ada, True), (stranger, False)):
        client.force_login(person)
        html = client.get("/style-guide/").content.decode()
        assert ('href="/search/"' in html) is expected
        assert 'href="/style-guide/" aria-current="page"' in html


def test_items_stand_in_groups_with_their_counts():
    groups = assemble(three_items(), path="/search/x/", counts={"ui:search": 7})
    assert [(group.label, [(i.label, i.is_current, i.count) for i in group.items]) for group in groups] == [
        ("", [("Guide", False, None)]),
        ("Govern", [("Search", True, 7)]),
    ]


@pytest.mark.parametrize(
    ("url", "path", "expected"),
    [("/", "/", True), ("/", "/nodes/", False), ("/nodes/", "/nodes/a/", True), ("/node", "/nodes/", False)],
)
def test_only_whole_segments_are_current(url: str, path: str, expected: bool):
    assert begins(url, path) is expected


def test_the_theme_is_set_by_the_server_so_that_nothing_flashes(signed_in: Client):
    assert "data-theme" not in signed_in.get("/style-guide/").content.decode().split(">")[1]
    answer = signed_in.post("/preferences/theme/", {"theme": "dark", "next": "/style-guide/"})
    assert answer.url == "/style-guide/"
    assert 'data-theme="dark"' in signed_in.get("/style-guide/").content.decode()
    signed_in.logout()
    signed_in.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in signed_in.get("/account/login/").content.decode()


@pytest.mark.parametrize(
    ("address", "values"),
    [("theme", {"theme": "pink"}), ("density", {"density": "huge"})],
)
def test_a_preference_that_does_not_exist_is_refused(signed_in: Client, address: str, values: dict[str, str]):
    assert signed_in.post(f"/preferences/{address}/", values).status_code == 400


def test_nobody_is_sent_to_another_site(signed_in: Client):
    assert signed_in.post("/preferences/theme/", {"theme": "dark", "next": "//evil.example/"}).url == "/"


def test_density_and_single_keys_are_kept_for_the_person(signed_in: Client):
    signed_in.post("/preferences/density/", {"density": "compact"})
    signed_in.post("/preferences/single-keys/", {"single_keys": "off"})
    html = signed_in.get("/style-guide/").content.decode()
    assert 'data-density="compact"' in html
    assert 'data-single-keys="off"' in html


def test_columns_are_chosen_and_put_back(signed_in: Client, ada: User):
    signed_in.post("/preferences/columns/things/", {"columns": ["pool", "below"], "next": "/style-guide/"})
    html = signed_in.get("/style-guide/").content.decode()
    assert 'value="below" checked' in html
    assert 'value="use" checked' not in html
    signed_in.post("/preferences/columns/things/", {"standard": "yes"})
    assert 'value="use" checked' in signed_in.get("/style-guide/").content.decode()


def test_preferences_need_a_person(client: Client, db: None):
    for address in ("density/", "single-keys/", "columns/things/"):
        assert client.post(f"/preferences/{address}").status_code == 302


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_error_pages_need_no_database(status: int):
    """A 500 must not fail again: this test has no database at all."""
    html = render_to_string(
        f"errors/{status}.html", {"status": status, "request_id": "abc-1", "message": "Because."}
    )
    assert html.count("<h1>") == 1
    assert "abc-1" in html


def test_the_policy_of_a_page_allows_nothing_inline(signed_in: Client):
    answer = signed_in.get("/style-guide/")
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    html = answer.content.decode()
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"|<script(?![^>]*src=)", html)
    assert '"includeIndicatorStyles": false' in html


def test_the_style_guide_shows_every_component(signed_in: Client, monkeypatch: pytest.MonkeyPatch):
    """Each template of the closed list is drawn when the guide is drawn."""
    from django.template import base

    used: set[str] = set()
    outer, inner = base.Template.render, base.Template._render

    def watch(template: base.Template, *args: object, **kwargs: object) -> str:
        used.add(template.name or "")
        return outer(template, *args, **kwargs)

    def watch_inner(template: base.Template, *args: object, **kwargs: object) -> str:
        used.add(template.name or "")
        return inner(template, *args, **kwargs)

    monkeypatch.setattr(base.Template, "render", watch)
    monkeypatch.setattr(base.Template, "_render", watch_inner)
    signed_in.get("/style-guide/")
    components = {f"ui/{path.name}" for path in (TEMPLATES / "ui").glob("[a-z]*.html")}
    assert components - used == {"ui/alone.html", "ui/fields.html"}


def test_the_readme_names_every_component():
    text = (TEMPLATES / "ui" / "README.md").read_text()
    from ui.templatetags.ui import register

    missing = [
        name
        for name in register.tags
        if f"{{% {name}" not in text and name not in {"stylesheets", "scripts", "keyboard"}
    ]
    assert not missing


def test_the_palette_finds_what_the_project_searches(signed_in: Client, settings):
    settings.UI_SEARCHES = ["tests.ui.test_shell.find_things"]
    hits = signed_in.get("/search/", {"q": "llm"}).json()["hits"]
    assert hits == [{"name": "llm of ada", "kind": "Workload", "url": "/x/"}]
    assert signed_in.get("/search/", {"q": " "}).json() == {"hits": []}


def find_things(person: User, text: str) -> list[dict[str, str]]:
    return [{"name": f"{text} of {person.username}", "kind": "Workload", "url": "/x/"}]


def test_a_name_in_a_list_is_escaped(signed_in: Client):
    html = signed_in.get("/style-guide/", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in html


@override_settings(UI_CLUSTER_STATE="tests.ui.test_shell.away")
def test_a_cluster_that_is_away_is_told_on_every_page(signed_in: Client):
    context.load.cache_clear()
    assert "oslo-1 has not answered since 14:28." in signed_in.get("/style-guide/").content.decode()


def away(request: object) -> context.ClusterState:
    return context.ClusterState("oslo-1", "Disconnected", notice="oslo-1 has not answered since 14:28.")


def test_modules_of_the_menu_are_the_apps_own():
    assert navigation.FOOT in navigation.GROUPS
    assert preferences.THEMES == ("light", "dark")
