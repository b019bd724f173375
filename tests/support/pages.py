"""The app on a published home, page by page, without a browser."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

APP = Path(__file__).resolve().parent.parent.parent / "dashboards" / "app.py"


def open_page(page: str = "", *, timeout: float = 90, **query: str) -> AppTest:
    """The page of that address, run once: ``open_page("exceptions", scope="REGION:EU")``.

    AppTest can name pages that are files only; ours are functions, so the page is named by its hash.
    """
    app = AppTest.from_file(str(APP), default_timeout=timeout)
    for name, value in query.items():
        app.query_params[name] = value
    if page:
        app._page_hash = calc_hash(page)
    return app.run()
