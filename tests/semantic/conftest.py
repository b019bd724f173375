"""What needs MetricFlow: run by `make test-semantic`, which makes its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.published import session_home
from throughline.home import Home

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands here needs MetricFlow and is marked so."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.semantic)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A published tiny firm with every fault."""
    return session_home(tmp_path_factory)
