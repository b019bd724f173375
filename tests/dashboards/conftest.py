"""The published home and the app on it, without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.support import pages
from tests.support.published import copy_of, session_home
from throughline import warehouse
from throughline.home import Home


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy of the session's published home: what a test writes (exports, comments) stays in this folder."""
    return copy_of(session_home(tmp_path_factory), tmp_path_factory.mktemp("dashboards") / "home")


@pytest.fixture
def at_home(published: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """The dashboard reads the published home."""
    monkeypatch.setenv("THROUGHLINE_HOME", str(published.root))
    yield published
    st.cache_resource.clear()


@pytest.fixture
def sql(published: Home) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Reads of the published file that go around the dashboard altogether."""
    connection: duckdb.DuckDBPyConnection = warehouse.open_published(published)

    def read(statement: str, *parameters: Any) -> list[dict[str, Any]]:
        cursor = connection.cursor().execute(statement, list(parameters))
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    yield read
    connection.close()


Opener = Callable[..., AppTest]


@pytest.fixture
def open_page(at_home: Home) -> Opener:
    """Opens a page with a query: ``open_page("exceptions", scope="REGION:EU")``."""
    return pages.open_page
