"""Pictures of the pages into docs/screenshots: light and dark, desktop and phone.

Needs a published home (``make run APP=0`` makes one) and Debian's Chromium.
Usage: ``python scripts/screenshots.py [HOME [PAGE ...]]``; all pages unless some are named.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.app_server import CHROMIUM_FLAGS, QUIET, STILL, chromium, serve_app  # noqa: E402

TARGET = ROOT / "docs" / "screenshots"
PAGES = {
    "overview": "/",
    "backlog": "/backlog",
    "wip": "/wip",
    "margin": "/margin",
    "revenue": "/revenue",
    "handoff": "/handoff",
    "close": "/close",
    "utilisation": "/utilisation",
    "collections": "/collections",
    "exceptions": "/exceptions",
}
WIDTHS = (1440, 390)
LARGEST = 300 * 1024
COLOURS = 128
DRAWN = (
    QUIET + " && [...document.querySelectorAll('[data-testid=stPlotlyChart]')]"
    ".every(chart => chart.querySelector('.main-svg'))"
)
HEIGHT = "() => document.querySelector('[data-testid=stMain]').scrollHeight"


def shrink(path: Path) -> None:
    """Rewrites a picture with a palette: flat surfaces and text lose nothing that is seen."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def settle(page: Page) -> None:
    """Waits until the page has stopped running and its charts and tables stand."""
    page.get_by_test_id("stMetric").or_(page.get_by_test_id("stDataFrame")).first.wait_for()
    page.wait_for_function(DRAWN)
    page.wait_for_timeout(1500)
    page.wait_for_function(DRAWN)


def take(browser: Browser, address: str, pages: dict[str, str]) -> None:
    """All pictures of these pages of the app at ``address``, each as tall as its page."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for mode in ("light", "dark"):
        for width in WIDTHS:
            context = browser.new_context(
                viewport={"width": width, "height": 1000},
                color_scheme="dark" if mode == "dark" else "light",
                reduced_motion=STILL,
            )
            page = context.new_page()
            page.set_default_timeout(120_000)
            for name, path in pages.items():
                page.set_viewport_size({"width": width, "height": 1000})
                page.goto(address + path)
                settle(page)
                # what stands below the fold is drawn only once it is in view
                for _ in range(2):
                    page.set_viewport_size({"width": width, "height": int(page.evaluate(HEIGHT))})
                    settle(page)
                target = TARGET / f"{name}-{mode}-{width}.png"
                page.screenshot(path=target)
                shrink(target)
                size = target.stat().st_size
                print(f"{target.relative_to(ROOT)}: {size // 1024} KiB")
                if size >= LARGEST:
                    raise SystemExit(f"{target.name} is larger than {LARGEST // 1024} KiB")
            context.close()


def main() -> None:
    """Serve the home's dashboard and take the pictures."""
    home = Path(sys.argv[1] if len(sys.argv) > 1 else ".throughline").resolve()
    pages = {name: PAGES[name] for name in sys.argv[2:] or PAGES}
    with serve_app(home) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        take(browser, address, pages)
        browser.close()


if __name__ == "__main__":
    main()
