"""Homes, runs and candidates for the core's tests, made without dbt and without any source."""

from __future__ import annotations

from pathlib import Path

import duckdb

from throughline import clock, config, runs
from throughline.config import Config
from throughline.home import Home
from throughline.runs import Run

TOML = """
reporting_currency = "EUR"
[sources.demo]
base_url = "http://127.0.0.1:1"
"""


def a_home(path: Path, keep: int = 14) -> tuple[Home, Config]:
    """A home with a configuration that keeps `keep` published runs."""
    home = Home(path).ensure()
    home.config.write_text(f"{TOML}[home]\nkeep_published = {keep}\n", encoding="utf-8")
    return home, config.load(home)


def a_candidate(home: Home, run_id: str, mark: int) -> None:
    """A candidate of three tables in two schemas, every row of which carries `mark`."""
    connection = duckdb.connect(str(home.candidate(run_id)))
    connection.execute("create schema marts; create schema reconciliation")
    for name in ("marts.metric_value", "marts.other", "reconciliation.control_run"):
        connection.execute(
            f"create table {name} as select {mark} as mark, i, cast(i * 1.25 as decimal(19,4)) as amount"
            " from range(50) as r(i)"
        )
    connection.close()


def a_checked_run(home: Home, settings: Config, mark: int) -> Run:
    """A run whose candidate has passed its checks."""
    run = runs.start(home, settings, verb="run", quiet=True)
    run.manifest["as_of"] = "2026-06-30"
    run.manifest["known_at"] = clock.iso(clock.now())
    a_candidate(home, run.run_id, mark)
    with run.stage("check"):
        pass
    return run
