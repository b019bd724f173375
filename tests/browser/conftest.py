"""The dashboard of a published home in Debian's Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.app_server import CHROMIUM_FLAGS, QUIET, STILL, chromium, serve_app
from tests.support.published import copy_of, session_home
from throughline import publish
from throughline.home import Home

HERE = Path(__file__).resolve().parent
OpenPage = Callable[..., Page]
# a busy machine is slow, not wrong
expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever needs the browser is marked so, by where it stands."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy of the session's published home, pointing at its newest run."""
    return copy_of(session_home(tmp_path_factory), tmp_path_factory.mktemp("browser") / "home")


@pytest.fixture(scope="session")
def runs(published: Home) -> list[str]:
    """Kept runs, oldest first; at least two."""
    found = publish.published_runs(published)
    assert len(found) >= 2, "play publishes twice"
    return found


@pytest.fixture(scope="session")
def address(published: Home) -> Iterator[str]:
    """Where the app answers."""
    with serve_app(published.root) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def profiles(browser: Browser) -> Iterator[Callable[[bool], BrowserContext]]:
    """One profile per appearance for the whole session: the front end's files are fetched once for each."""
    kept: dict[bool, BrowserContext] = {}

    def profile(dark: bool) -> BrowserContext:
        if dark not in kept:
            kept[dark] = browser.new_context(
                color_scheme="dark" if dark else "light", reduced_motion=STILL, accept_downloads=True
            )
        return kept[dark]

    yield profile
    for context in kept.values():
        context.close()


@pytest.fixture
def visit(browser: Browser, profiles: Callable[[bool], BrowserContext], address: str) -> Iterator[OpenPage]:
    """Opens a path in a page (and session) of its own: ``visit("/exceptions?sev=S1", width=390, dark=True)``.

    With ``fresh`` the browser has never been here: nothing is kept from any other page.
    """
    pages: list[Page] = []
    contexts: list[BrowserContext] = []

    def opened(path: str, width: int = 1440, dark: bool = False, fresh: bool = False) -> Page:
        context = profiles(dark)
        if fresh:
            context = browser.new_context(reduced_motion=STILL, accept_downloads=True)
            contexts.append(context)
        page = context.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(address + path)
        settle(page)
        return page

    yield opened
    for page in pages:
        page.close()
    for context in contexts:
        context.close()


def settle(page: Page) -> None:
    """Waits until the script has run and nothing is being loaded, for half a second without a break.

    A choice reaches the script a moment after the click, and what a run leaves behind goes a moment after its
    end: a page that looks quiet once may still hold the last run's cards beside the new ones.
    """
    page.get_by_test_id("stMetric").or_(page.get_by_test_id("stDataFrame")).first.wait_for()
    while True:
        page.wait_for_function(QUIET)
        if all(_quiet_after(page, milliseconds) for milliseconds in (100, 200, 200)):
            return


def _quiet_after(page: Page, milliseconds: int) -> bool:
    page.wait_for_timeout(milliseconds)
    return bool(page.evaluate(QUIET))
