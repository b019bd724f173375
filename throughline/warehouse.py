"""Opening what is published: read-only, shut off from everything but the one file.

A published file's name is used once, so a connection keeps seeing the run it opened, whatever is published
meanwhile. The pointer says which run that is for those who ask now.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import duckdb

from throughline.errors import error
from throughline.files import read_json
from throughline.home import Home

# Everything that could reach outside the file is off; the same words for every connection, because DuckDB
# refuses a second connection to a file with other settings in one process.
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_locking = threading.Lock()


@dataclass(frozen=True)
class Publication:
    """A published run and its file."""

    run_id: str
    path: Path


def current(home: Home) -> Publication:
    """What the pointer names now. Raises E-PUB-001 when nothing is published."""
    pointer = read_json(home.pointer)
    if pointer is None:
        raise error("E-PUB-001", home=home.root)
    run_id = str(pointer["run_id"])
    return Publication(run_id, home.published(run_id))


def resolve(home: Home, run_id: str | None = None) -> Publication:
    """The publication of `run_id`, or the current one. Raises E-PUB-001 or E-PUB-002 when there is none."""
    if run_id is None:
        return current(home)
    path = home.published(run_id)
    if not path.exists():
        raise error("E-PUB-002", run_id=run_id, home=home.root)
    return Publication(run_id, path)


def open_file(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to one DuckDB file, in UTC, external access off, configuration locked."""
    with _locking:
        connection = duckdb.connect(str(path), read_only=True, config=SETTINGS)
        locked = connection.execute("select current_setting('lock_configuration')").fetchone()
        if locked is None or not locked[0]:
            connection.execute("set global TimeZone = 'UTC'")
            connection.execute("set global lock_configuration = true")
    return connection


def open_published(home: Home, run_id: str | None = None) -> duckdb.DuckDBPyConnection:
    """A read-only connection to what is published (now, or by `run_id`).

    Raises E-PUB-001 when nothing is published, E-PUB-002 when that run is not kept.
    """
    for _ in range(3):
        publication = resolve(home, run_id)
        try:
            return open_file(publication.path)
        except duckdb.IOException:
            # Retention may have taken the file between the pointer and the open; the pointer has moved then.
            if publication.path.exists():
                raise
    raise error("E-PUB-002", run_id=run_id or publication.run_id, home=home.root)
