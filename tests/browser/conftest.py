"""A real Chromium on a live server. `page` is a fresh one; `page.goto("/")` goes to the server of the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, sync_playwright
from pytest_django.live_server_helper import LiveServer

from crm.models import User

# Playwright's synchronous API runs an event loop in this thread; Django would refuse its ORM there.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = Path(__file__).parent
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SHOTS = os.environ.get("REBOUND_SHOTS", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser(django_db_setup: None) -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(live_server: LiveServer) -> str:
    """The URL of a live Rebound, empty but for its first rows; nobody has tried to sign in from here this minute."""
    cache.clear()  # the tests sign in more often than the 30 times a minute that one address may
    return str(live_server.url)


@pytest.fixture
def console_errors() -> Iterator[list[str]]:
    """What pages logged as errors, in every context of the test. None may be left when it ends."""
    errors: list[str] = []
    yield errors
    assert errors == [], "A page logged an error in the browser’s console."


@pytest.fixture
def new_context(browser: Browser, site: str, console_errors: list[str]) -> Iterator[Callable[..., BrowserContext]]:
    """`new_context(viewport={…}, color_scheme="dark")`: a browser profile of its own, looking at the site."""
    contexts: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        contexts.append(browser.new_context(base_url=site, **options))  # type: ignore[arg-type]  # Playwright's own options
        contexts[-1].set_default_timeout(10_000)
        listen(contexts[-1], console_errors)
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


def listen(context: BrowserContext, errors: list[str]) -> None:
    """Notes each error. That the page itself answered 403 or 404 is no fault of the page: the browser logs it too."""
    context.on("console", lambda said: errors.append(words_of(said)) if is_fault(said) else None)
    context.on("weberror", lambda error: errors.append(f"{error.page and error.page.url}: {error.error}"))


def is_fault(said: ConsoleMessage) -> bool:
    is_the_page = said.page is not None and said.location["url"].partition("#")[0] == said.page.url.partition("#")[0]
    return said.type == "error" and not (is_the_page and said.text.startswith("Failed to load resource"))


def words_of(said: ConsoleMessage) -> str:
    return f"{said.page and said.page.url}: {said.text} ({said.location['url']})"


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    return new_context().new_page()


@pytest.fixture
def sign_in(page: Page, site: str) -> Callable[[str], Page]:
    """`sign_in(email)`: a page for somebody who is signed in already. By the form: test_signin.py."""

    def with_a_session(email: str) -> Page:
        client = Client()
        client.force_login(User.objects.get(email=email))
        name = settings.SESSION_COOKIE_NAME
        page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])
        return page

    return with_a_session


def shoot(page: Page, name: str) -> None:
    """Kept where REBOUND_SHOTS says, at both widths; the page keeps its own."""
    if not SHOTS:
        return
    own = page.viewport_size
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        page.screenshot(path=Path(SHOTS) / f"{name}-{size['width']}.png", full_page=True)
    if own:
        page.set_viewport_size(own)
