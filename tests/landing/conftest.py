"""A home, a clock and a way to land into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.conform.bench import ask
from pipelines.landing import SourceResult, run_source


class Home:
    """A home of its own, whose clock the test moves."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self._monkeypatch = monkeypatch
        self.runs = 0

    def at(self, now: str) -> None:
        """Set the clock."""
        self._monkeypatch.setenv("THROUGHLINE_NOW", now)

    def land(
        self, source: str, config: dict[str, Any], now: str, resources: list[str] | None = None
    ) -> SourceResult:
        """Land a source at an instant."""
        self.at(now)
        self.runs += 1
        return run_source(source, "main", self.path, config, f"run-{self.runs}", resources)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the raw warehouse."""
        return ask(self.path / "raw.duckdb", query)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A fresh home."""
    return Home(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def private_key() -> str:
    """A throwaway RSA key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


Lander = Callable[..., SourceResult]
