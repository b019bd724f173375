"""Hashes of what can be guessed, such as a name: keyed with a secret of the home, the same in every run.

The secret stands in `.dlt/personal.key`. Whoever lacks it cannot test a name against a hash. A home that
loses it sees every record with personal fields change once.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import duckdb

VARIABLE = "tl_home_secret"
DIGITS = 32


def secret_path(home: Path) -> Path:
    """Where the home's secret stands."""
    return home / ".dlt" / "personal.key"


def home_secret(home: Path) -> str:
    """The home's secret, made on first use and then never changed."""
    path = secret_path(home)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(secrets.token_hex(32))
        fresh.replace(path)
    return path.read_text(encoding="ascii").strip()


def hand_over(connection: duckdb.DuckDBPyConnection, secret: str) -> None:
    """Let SQL on `connection` use the secret: as a variable, so that no statement or error shows it."""
    connection.execute(f"set variable {VARIABLE} = ?", [secret])


def is_ready(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the secret was handed over: without it every keyed hash would silently be null."""
    row = connection.execute(f"select getvariable('{VARIABLE}')").fetchone()
    return bool(row and row[0])


def expression(value: str) -> str:
    """SQL of the keyed hash of the SQL text `value`; null where that is empty."""
    key = f"getvariable('{VARIABLE}')"
    # twice, as HMAC does it: a single pass could be extended by who knows a hash
    return f"case when {value} <> '' then substr(sha256({key} || sha256({key} || {value})), 1, {DIGITS}) end"


def digest(secret: str, value: str) -> str:
    """The keyed hash of `value`, as `expression` computes it."""
    inner = hashlib.sha256((secret + value).encode()).hexdigest()
    return hashlib.sha256((secret + inner).encode()).hexdigest()[:DIGITS]
