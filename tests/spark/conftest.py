"""What needs Spark: run by `make test-spark`, which makes the environment and finds Java."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spark.firm import Both, build_both

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands here needs Spark and is marked so."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The firm as both engines built it."""
    return build_both(tmp_path_factory.mktemp("both"))
