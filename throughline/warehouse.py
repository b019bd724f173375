"""Opening what is published: read-only, shut off from everything but the file and the rows it lists.

A published file's name is used once, so a connection keeps seeing the run it opened, whatever is published
meanwhile. The pointer says which run that is for those who ask now.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import duckdb

from throughline import facts
from throughline.errors import ThroughlineError, error
from throughline.files import read_json
from throughline.home import Home

# The same words for every connection, because DuckDB refuses a second connection to a file with other
# settings in one process.
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
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
    """A read-only connection to one DuckDB file, in UTC, external access off, configuration locked.

    A published file brings the files of rows that it lists. Raises duckdb.IOException when the file cannot be
    opened, E-PUB-005 when one of those it lists cannot.
    """
    with _locking:
        connection = duckdb.connect(str(path), read_only=True, config=SETTINGS)
        try:
            locked = connection.execute("select current_setting('lock_configuration')").fetchone()
            if locked is None or not locked[0]:
                _shut_off(connection, path)
        except BaseException:
            # Nobody may find it half shut off.
            connection.close()
            raise
    return connection


def _shut_off(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Attach what the file lists; from then on nothing else can be reached and nothing can be set."""
    needed = facts.listed(connection)
    try:
        facts.attach(connection, path.parent, needed)
    except duckdb.Error as problem:
        missing = [one.file for one in needed if not (path.parent / one.file).exists()]
        detail = str(problem).splitlines()[0]
        raise error(
            "E-PUB-005", path=path.name, file=", ".join(missing) or "a file", detail=detail
        ) from problem
    connection.execute("set global TimeZone = 'UTC'")
    connection.execute("set global enable_external_access = false")
    connection.execute("set global lock_configuration = true")


def open_published(home: Home, run_id: str | None = None) -> duckdb.DuckDBPyConnection:
    """A read-only connection to what is published (now, or by `run_id`).

    Raises E-PUB-001 when nothing is published, E-PUB-002 when that run is not kept, E-PUB-005 when a file of
    rows it needs is missing, E-PUB-006 when the file cannot be opened.
    """
    for _ in range(3):
        publication = resolve(home, run_id)
        try:
            return open_file(publication.path)
        except (duckdb.Error, ThroughlineError) as problem:
            # Retention may have taken the file between the pointer and the open; the pointer has moved then.
            if not publication.path.exists():
                continue
            if isinstance(problem, ThroughlineError):
                raise
            detail = str(problem).splitlines()[0]
            raise error("E-PUB-006", path=publication.path, detail=detail) from problem
    raise error("E-PUB-002", run_id=run_id or publication.run_id, home=home.root)
