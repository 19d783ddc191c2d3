"""One running product for all browser tests, and browsers signed in as its people."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from runai_portal.running.ports import free_port
from tests.e2e.product import Product


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    quiet = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    return {"executable_path": "/usr/bin/chromium", "args": quiet}


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    one = Product(tmp_path_factory.mktemp("product"), free_port())
    try:
        one.start()
        yield one
    finally:
        one.stop()


AWAY = (
    "Failed to load resource",
    "htmx:sendError",
    "htmx:afterRequest",
    "htmx:responseError",
    "htmx:sendAbort",
)
"""What a browser says of a server that does not answer: some tests kill it. An abort is a preview that a newer one replaces."""


class Complaints(list[str]):
    """What the browser complained of: script errors and violations of the content security policy."""

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                self.append(f"{page.url}: {message.text}")
                if message.type == "error" and not message.text.startswith(AWAY)
                else None
            ),
        )


SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(browser: Browser, product: Product) -> Iterator[SignIn]:
    """`sign_in("ada")` gives a page signed in as her; at the end no page may have complained."""
    complaints = Complaints()
    contexts: list[BrowserContext] = []

    def signed_in(name: str, *, width: int = 1440, height: int = 900, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        complaints.listen(page)
        page.goto(f"{product.url}/account/login/")
        page.fill("input[name=login]", f"{name}@acme.example")
        page.fill("input[name=password]", product.password_of(name))
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "/account/login" not in url)
        return page

    yield signed_in
    for context in contexts:
        context.close()
    assert not complaints
