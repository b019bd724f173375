"""What every test stands on: no telemetry, UTC, and a home of its own for the session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

QUIET = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DBT_VERSION_CHECK": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    "TZ": "UTC",
}
os.environ.update(QUIET)
os.environ.pop("THROUGHLINE_NOW", None)

# Folders whose files take minutes each. Begun last, one of them would run on alone.
LONGEST_FIRST = ("e2e", "kill", "dashboards")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the rest as collected; `make test` keeps xdist from reordering them."""

    def rank(item: pytest.Item) -> int:
        folder = item.path.parent.name
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=rank)


@pytest.fixture(scope="session", autouse=True)
def _session_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Point THROUGHLINE_HOME at a folder of this session (of this worker, under xdist)."""
    os.environ["THROUGHLINE_HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The repository's root."""
    return Path(__file__).resolve().parent.parent
