"""The style guide in Chromium: axe, the content security policy, widths, keys, dialogs, lists, charts.

Screenshots go to the folder named by UI_SCREENSHOTS, if it is set, to be looked at.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed here"),
]
GUIDE = "/style-guide/"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in the thread of the tests
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Guide:
    """Opens pages signed in as ada and notes what the browser complains of."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.complaints: list[str] = []

    def open(self, path: str = GUIDE, *, width: int = 1440, theme: str = "light") -> Page:
        person, _ = User.objects.get_or_create(username="ada", first_name="Ada", last_name="Lindqvist")
        client = Client()
        client.force_login(person)
        context = self.browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.address}])
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda m: self.complaints.append(m.text) if is_complaint(m.type, m.text) else None)
        page.route(
            f"{self.address}/events/", lambda route: route.abort()
        )  # the test server is no ASGI server: pages poll
        page.goto(f"{self.address}{path}")
        page.wait_for_selector("[data-chart-plot] .main-svg, h1")
        return page


def is_complaint(kind: str, text: str) -> bool:
    """The aborted event stream is no complaint."""
    return kind == "error" and "Failed to load resource" not in text


@pytest.fixture
def guide(chromium: Browser, live_server) -> Iterator[Guide]:
    one = Guide(chromium, live_server.url)
    yield one
    for context in chromium.contexts:
        context.close()
    assert not one.complaints


@pytest.mark.parametrize(
    ("width", "theme"), [(390, "dark"), (1024, "light"), (1440, "light"), (1440, "dark")]
)
def test_axe_finds_nothing_and_no_page_scrolls_sideways(guide: Guide, width: int, theme: str):
    page = guide.open(width=width, theme=theme)
    page.wait_for_selector("[data-chart-plot] .main-svg")
    found = Axe().run(page).response["violations"]
    assert [
        f"{v['id']}: {v['nodes'][0]['html'][:160]} {v['nodes'][0]['failureSummary'][:200]}" for v in found
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    folder = os.environ.get("UI_SCREENSHOTS")
    if folder:
        page.screenshot(path=f"{folder}/guide_{width}_{theme}.png", full_page=True)


def test_the_palette_opens_by_key_narrows_and_goes(guide: Guide):
    page = guide.open()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.type("keyboard")
    expect(page.locator("#palette-list [role=option]:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keyboard")).to_be_hidden()


def test_single_keys_are_off_in_inputs(guide: Guide):
    page = guide.open()
    page.keyboard.press("/")
    expect(page.locator("#things-search")).to_be_focused()
    page.keyboard.type("t?")
    expect(page.locator("#keyboard")).to_be_hidden()
    assert page.evaluate("document.documentElement.dataset.theme") is None


def test_the_theme_switches_without_a_reload_and_stays(guide: Guide):
    page = guide.open()
    axis = "document.querySelector('.xtick text').style.fill"
    page.wait_for_selector("[data-chart-plot] .xtick")
    before = page.evaluate(axis)
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_function(f"{axis} !== {before!r}")
    page.wait_for_load_state("networkidle")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_searching_replaces_the_list_and_keeps_the_focus(guide: Guide):
    page = guide.open()
    page.locator("#things-search").click()
    page.keyboard.type("vision")
    expect(page.locator("#things-list tbody tr")).to_have_count(3)
    expect(page.locator("#things-search")).to_have_value("vision")
    page.keyboard.type("-p")
    expect(page.locator("#things-list tbody tr")).to_have_count(1)
    assert "q=vision-p" in page.url


def test_selecting_rows_shows_the_verbs_and_escape_clears(guide: Guide):
    page = guide.open()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".bulk-bar .selected")).to_have_text("1 selected")
    expect(page.locator('tr[aria-selected="true"] .name')).to_have_text("vision-pano-train")
    page.locator("[data-select-all]").check()
    expect(page.locator(".bulk-bar .selected")).to_have_text("13 selected")
    page.keyboard.press("Escape")
    expect(page.locator(".bulk-bar")).to_be_hidden()


def test_sorting_and_columns_work_with_and_without_script(guide: Guide):
    page = guide.open()
    page.get_by_role("link", name="Asked", exact=True).click()
    expect(page.locator("#things-list th[aria-sort=ascending]")).to_have_text("Asked")
    page.locator("[popovertarget=things-columns]").click()
    page.locator("#things-columns input[value=pool]").uncheck()
    page.locator("#things-columns button[type=submit]").first.click()
    expect(page.locator("#things-list th", has_text="Pool")).to_have_count(0)


def test_a_dialog_names_the_loss_and_gives_the_focus_back(guide: Guide):
    page = guide.open()
    opener = page.locator("button", has_text="Open the dialog")
    opener.click()
    expect(page.locator("#guide-dialog")).to_be_visible()
    page.locator("#guide-dialog button", has_text="Keep it").click()
    expect(page.locator("#guide-dialog")).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_chart_is_a_table_too(guide: Guide):
    page = guide.open()
    page.wait_for_selector("[data-chart-plot] .main-svg")
    page.locator("[data-chart-table]").click()
    rows = page.locator("[data-chart-rows] tbody tr")
    expect(rows).to_have_count(72)
    expect(page.locator("[data-chart-rows] th").nth(2)).to_have_text("Allocated")
    expect(rows.nth(30).locator("td").nth(3)).to_have_text("–")


def test_pools_are_ordered_by_keyboard(guide: Guide):
    page = guide.open()
    pools = page.locator("[data-ordered=pools]")
    pools.locator("[data-move=down]").first.focus()
    page.keyboard.press("Enter")
    expect(pools.locator("[data-label]")).to_have_text(["l40s", "h100"])
    pools.locator("select").select_option("a100")
    expect(pools.locator("[data-label]")).to_have_text(["l40s", "h100", "a100"])
    values = pools.locator("li input").evaluate_all("inputs => inputs.map((input) => input.value)")
    assert values == ["l40s", "h100", "a100"]


def test_the_menu_opens_over_a_narrow_page(guide: Guide):
    page = guide.open(width=390)
    page.locator("[data-rail-toggle]").click()
    expect(page.locator("#rail")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#rail")).to_be_hidden()


def test_searching_a_log_marks_its_lines(guide: Guide):
    page = guide.open()
    page.locator("[data-log-search]").fill("step 4100")
    expect(page.locator("[data-log-found]")).to_have_text("2 lines")
    expect(page.locator("[data-log-lines] mark")).to_have_count(2)


def test_the_page_is_complete_without_script(chromium: Browser, live_server):
    guide = Guide(chromium, live_server.url)
    User.objects.get_or_create(username="ada")
    client = Client()
    client.force_login(User.objects.get(username="ada"))
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1024, "height": 900})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": guide.address}])
    page = context.new_page()
    page.goto(f"{guide.address}{GUIDE}?q=asr")
    assert page.locator("#things-list tbody tr").count() == 1
    assert page.locator(".heat-cell").count() > 40
    page.locator("#things-search").fill("rlhf")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=rlhf**")
    assert page.locator("#things-list .name").inner_text() == "rlhf-sweep"
    context.close()


def test_a_named_row_is_fetched_again_and_keeps_its_place_and_selection(guide: Guide):
    page = guide.open()
    page.locator("#things-3 .row-check").check()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "row=" in request.url else None)
    page.evaluate("htmx.trigger(document.getElementById('things-3'), 'live')")
    page.wait_for_function("document.querySelector('#things-3:not(.htmx-swapping) .name')")
    expect(page.locator("#things-3 .row-check")).to_be_checked()
    expect(page.locator("#things-list tbody tr").nth(2)).to_have_attribute("id", "things-3")
    assert any("row=3" in url for url in asked)


def test_without_a_stream_the_list_is_polled_in_one_request(guide: Guide):
    page = guide.open()
    page.evaluate("document.querySelector('#things-2 .since').textContent = '11 min'")
    with page.expect_request(lambda r: r.headers.get("hx-target") == "things-list", timeout=15000):
        pass
    expect(page.locator("#things-2 .since")).to_have_text("12 min")
    expect(page.locator("[data-changed-count]")).to_have_text("1")
    expect(page.locator("#things-list tbody tr").nth(1)).to_have_attribute("id", "things-2")


def test_the_stream_names_rows_and_pausing_stops_them(guide: Guide):
    page = guide.open("/account/password/change/")
    told = 'event: changed\ndata: {"topic": "things", "ids": ["5"]}\n\n'
    page.unroute(f"{guide.address}/events/")
    page.route(
        f"{guide.address}/events/", lambda route: route.fulfill(content_type="text/event-stream", body=told)
    )
    with page.expect_request(lambda request: "row=5" in request.url, timeout=15000):
        page.goto(f"{guide.address}{GUIDE}")
    page.locator("#live-pause").click()
    expect(page.locator("[data-live-marker]")).to_have_attribute("data-state", "paused")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "row=" in request.url else None)
    page.wait_for_timeout(4000)
    assert not asked


def test_a_draft_is_offered_again_and_filled_in_when_wanted(guide: Guide):
    page = guide.open()
    page.evaluate("""document.querySelectorAll('[aria-invalid]').forEach((e) => e.removeAttribute('aria-invalid'));
                     document.querySelector('[data-form-errors]').remove()""")
    form = page.locator("form[data-draft]")
    form.locator("[name=name]").fill("my-draft")
    form.locator("[name=compute][value=half]").check(force=True)
    form.locator("[data-move=down]").first.click()
    kept = page.evaluate("localStorage.getItem('draft:style-guide')")
    assert "csrf" not in kept
    assert '["name","my-draft"]' in kept
    module = page.evaluate("document.querySelector('script[src*=drafts]').src")
    page.reload()
    page.evaluate("""document.querySelectorAll('[aria-invalid]').forEach((e) => e.removeAttribute('aria-invalid'));
                     document.querySelector('[data-form-errors]').remove()""")
    page.evaluate(
        "address => import(`${address}?again`)", module
    )  # the guide's form opens with an error: no offer
    page.get_by_role("button", name="Fill it in").click()
    expect(form.locator("[name=name]")).to_have_value("my-draft")
    expect(form.locator("[name=compute][value=half]")).to_be_checked()
    expect(form.locator("[data-ordered=pools] [data-label]")).to_have_text(["l40s", "h100"])
