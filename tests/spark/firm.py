"""One tiny firm, landed twice and built by both engines, each in a home of its own and on its own landing."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.keyed import home_secret, secret_path
from sandbox.build import build as build_firm
from sandbox.build import load_times, wanted
from sandbox.clock_file import set_clock
from sandbox.home_setup import set_up
from sandbox.inbox import deliver, receiving
from sandbox.served import served
from throughline import clock, config, process, runs
from throughline.home import VARIABLE, Home
from throughline.stages.build import build

SEED = 23
# Every port, the journal and what it is fed by, two controls of two shapes (deals against contracts, hours
# against what was billed), and the tables people read of them.
SLICE = (
    "+path:models/canonical",
    "+path:models/ledger",
    "+ctl_crm_erp_001",
    "+ctl_psa_erp_001",
    "+backlog_rollforward",
    "+backlog_bridge",
    "+wip_rollforward",
    "+ar_rollforward",
    "+ar_ageing",
    "+metric_value",
    "+kpi_series",
)
# Small tables: starting tasks, generating code and splitting work cost more than the work.
SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.memory": "3g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.maxPlanStringLength": "1000",
    "spark.sql.shuffle.partitions": "1",
}


@dataclass(frozen=True)
class Both:
    """The two homes after their builds, and what the one on Spark says of its models."""

    duckdb: Home
    spark: Home
    run_ids: tuple[str, str]
    manifest: dict[str, Any]
    built: set[str]


@contextmanager
def _at(now: datetime) -> Iterator[None]:
    """The clock stands at `now` in this process and in those it starts."""
    before = os.environ.get(clock.VARIABLE)
    os.environ[clock.VARIABLE] = clock.iso(now)
    try:
        yield
    finally:
        os.environ.pop(clock.VARIABLE)
        if before is not None:
            os.environ[clock.VARIABLE] = before


def _say(began: float, line: str) -> None:
    print(f"[{time.monotonic() - began:6.1f} s] {line}", flush=True)


def _engine(home: Home) -> None:
    """Choose Spark in the home's configuration, as a firm would."""
    settings = "\n".join(f'"{name}" = "{value}"' for name, value in SETTINGS.items())
    text = home.config.read_text(encoding="utf-8")
    text = text.replace("[engine]\nthreads = 1 ", '[engine]\nname = "spark"\nthreads = 2 ')
    home.config.write_text(f"{text}\n[engine.spark]\n{settings}\n", encoding="utf-8")


def _land(home: Home, now: datetime) -> None:
    done = process.run(
        process.module("throughline.cli", "land"),
        environment={clock.VARIABLE: clock.iso(now), VARIABLE: str(home.root), "NO_COLOR": "1"},
        log=home.root / "land.log",
    )
    assert done.code == 0, (home.root / "land.log").read_text(encoding="utf-8")[-4000:]


def _build(home: Home) -> str:
    run = runs.start(home, config.load(home), verb="build", quiet=True)
    build(run, " ".join(SLICE), tests=False)
    return run.run_id


def build_both(folder: Path) -> Both:
    """Make the firm, land it at two times for each engine, build the slice with each."""
    began = time.monotonic()
    firm, homes = folder / "firm", (Home(folder / "duckdb"), Home(folder / "spark"))
    build_firm(firm, wanted(SEED, "tiny", "all"), truth=False)
    facts = json.loads((firm / "sandbox.json").read_text(encoding="utf-8"))
    times = load_times(firm)[-2:]
    _say(began, "the firm is made")
    with served(firm, folder / "emulators.log") as announced:
        for home in homes:
            set_up(home, announced, str(facts["reporting_currency"]))
        # hashes of personal fields are keyed by the home's secret: one secret, so that they can be compared
        home_secret(homes[0].root)
        shutil.copy2(secret_path(homes[0].root), secret_path(homes[1].root))
        _engine(homes[1])
        for now in times:
            set_clock(firm, now)
            with receiving(homes[0], firm, announced) as inbox:
                deliver(announced, inbox)
            # an event is pushed once: both engines read what one inbox received
            shutil.copytree(homes[0].root / "inbox", homes[1].root / "inbox", dirs_exist_ok=True)
            with ThreadPoolExecutor(len(homes)) as pool:
                list(pool.map(_land, homes, [now] * len(homes)))
            _say(began, f"landed at {clock.iso(now)}, as DuckDB's file and as Parquet")

    def timed(home: Home) -> str:
        run_id = _build(home)
        _say(began, f"built by {home.root.name}")
        return run_id

    # side by side: neither keeps two cores busy all the time
    with _at(times[-1]), ThreadPoolExecutor(len(homes)) as pool:
        run_ids = list(pool.map(timed, homes))
    target = homes[1].run(run_ids[1]) / "dbt"
    results = json.loads((target / "models_results.json").read_text(encoding="utf-8"))
    return Both(
        *homes,
        (run_ids[0], run_ids[1]),
        json.loads((target / "manifest.json").read_text(encoding="utf-8")),
        {node["unique_id"] for node in results["results"] if node["status"] == "success"},
    )
