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


@pytest.fixture(scope="session", autouse=True)
def _session_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Point THROUGHLINE_HOME at a folder of this session (of this worker, under xdist)."""
    os.environ["THROUGHLINE_HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The repository's root."""
    return Path(__file__).resolve().parent.parent
