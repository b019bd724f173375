"""doctor: whether this machine and this home are fit to run."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import stat
import sys
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import typer

from throughline import clock, config, lock, publish, warehouse
from throughline.commands.common import AsJson, home
from throughline.errors import ThroughlineError
from throughline.home import PROJECT_ROOT, Home
from throughline.output import emit

app = typer.Typer()
OK, WARN, FAIL = "OK", "WARN", "FAIL"
Finding = tuple[str, str, str]
MATTERING = (
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "dlt",
    "great-expectations",
    "streamlit",
    "plotly",
    "pyarrow",
)
LEAST_FREE_GIB = 2


def _python(_: Home) -> Iterator[Finding]:
    fit = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield "python", OK if fit else FAIL, f"{sys.version.split()[0]} (3.11 to 3.13)"


def _packages(_: Home) -> Iterator[Finding]:
    locked = PROJECT_ROOT / "requirements.lock"
    if not locked.exists():
        yield "packages", WARN, "requirements.lock is not at hand to compare with"
        return
    pinned = dict(
        re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", locked.read_text(encoding="utf-8"), re.MULTILINE)
    )
    for name in MATTERING:
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield name, FAIL, f"missing; the lock says {pinned.get(name)}"
            continue
        same = installed == pinned.get(name)
        yield name, OK if same else WARN, installed + ("" if same else f"; the lock says {pinned.get(name)}")


def _configuration(found: Home) -> Iterator[Finding]:
    try:
        read = config.load(found)
    except ThroughlineError as problem:
        yield "configuration", FAIL, problem.what
        return
    names = ", ".join(one.name for one in read.enabled_sources())
    yield "configuration", OK if names else WARN, f"{read.path}: {names or 'no source enabled'}"


def _secrets(found: Home) -> Iterator[Finding]:
    if not found.secrets.exists():
        yield "secrets", WARN, f"{found.secrets} does not exist; no source can log in without it"
        return
    try:
        tomllib.loads(found.secrets.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        yield "secrets", FAIL, f"{found.secrets} cannot be read: {problem}"
        return
    open_to_others = found.secrets.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    detail = f"{found.secrets}" + (" can be read by others; chmod 600" if open_to_others else "")
    yield "secrets", WARN if open_to_others else OK, detail


def _writer(found: Home) -> Iterator[Finding]:
    busy = lock.holder(found)
    yield "writer", OK, f"process {busy.pid} on {busy.host} since {busy.since}" if busy else "none"


def _disk(found: Home) -> Iterator[Finding]:
    there = found.root if found.root.exists() else found.root.parent
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free / 2**30
    yield "disk", OK if free >= LEAST_FREE_GIB else FAIL, f"{free:,.1f} GiB free"


def _published(found: Home) -> Iterator[Finding]:
    current = publish.current_run(found)
    if current is None:
        yield "published", WARN, "nothing yet"
    elif not found.published(current).exists():
        yield (
            "published",
            FAIL,
            f"the pointer names {current}, whose file is missing; throughline publish rollback",
        )
    else:
        try:
            warehouse.open_published(found).close()
        except ThroughlineError as problem:
            yield "published", FAIL, problem.what
        else:
            yield "published", OK, current


def _clock(_: Home) -> Iterator[Finding]:
    try:
        yield "clock", OK, clock.iso(clock.now())
    except ValueError as problem:
        yield "clock", FAIL, str(problem)


def _chromium(_: Home) -> Iterator[Finding]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    yield (
        "chromium",
        OK if found else WARN,
        found or "not found; needed by make test-browser and make screenshots",
    )


CHECKS: tuple[Callable[[Home], Iterator[Finding]], ...] = (
    _python, _packages, _configuration, _secrets, _writer, _disk, _published, _clock, _chromium,
)  # fmt: skip


@app.command("doctor")
def doctor(json_: AsJson = False) -> None:
    """Whether this machine and home are fit to run; exit 1 when not. Example: throughline doctor"""
    found = home()
    rows: list[dict[str, Any]] = [
        {"check": name, "status": status, "detail": detail}
        for check in CHECKS
        for name, status, detail in check(found)
    ]
    emit(rows, ["check", "status", "detail"], json_=json_)
    if any(row["status"] == FAIL for row in rows):
        raise typer.Exit(1)
