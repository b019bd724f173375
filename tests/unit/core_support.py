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
    """A candidate of three tables in two schemas, every row of which carries `mark`, and rows to drill into.

    Of these, the ones of June 2026 and the positions carry `mark`; ten each of April and May are fixed.
    """
    connection = duckdb.connect(str(home.candidate(run_id)))
    connection.execute("create schema marts; create schema reconciliation")
    for name in ("marts.metric_value", "marts.other", "reconciliation.control_run"):
        connection.execute(
            f"create table {name} as select {mark} as mark, i, cast(i * 1.25 as decimal(19,4)) as amount"
            " from range(50) as r(i)"
        )
    connection.execute(
        f"""create table marts.metric_drill as
        select 'billed' as metric_id, date '2026-06-30' as as_of,
            case when i < 25 then date '2026-06-01' end as period_month, 'E1' as legal_entity_id,
            {mark} as mark, i, cast(i * 1.25 as decimal(28,4)) as amount_rc
        from range(50) as r(i)
        union all
        select 'billed', last_day(month), month, 'E1', null, i, 0.5
        from range(10) as r(i), (values (date '2026-04-01'), (date '2026-05-01')) as m(month)"""
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
