"""dbt on Apache Spark, in a process of its own: a session, the landed files as tables, dbt's steps in it.

`python -m throughline.spark_process --raw DIR --inputs DIR --warehouse DIR [--settings JSON]
-- ARGUMENTS OF throughline.dbt_process`

It runs in the environment that holds pyspark and dbt-spark (`scripts/bootstrap.py spark`), never in the
project's own. dbt's session method takes the session that is there, so what is made known here (the landed
Parquet files, the inputs of the run) is there for the models. The catalog lives in memory and the files of
the tables in `--warehouse`, which is emptied first: Spark has no delete by key, every build writes its tables
whole.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import SparkSession

from throughline import dbt_process

# One machine, nothing open to others, instants in UTC and written as Parquet's own, exact errors.
SETTINGS = {
    "spark.app.name": "throughline",
    "spark.master": "local[*]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.sources.default": "parquet",
}


def open_session(warehouse: Path, settings: Mapping[str, str]) -> SparkSession:
    """A session whose managed tables lie in `warehouse`; `settings` come last and win."""
    # Spark starts its workers with the interpreter of this environment, whatever PATH says.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder
    for name, value in {**SETTINGS, "spark.sql.warehouse.dir": str(warehouse), **settings}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def declare(session: SparkSession, folder: Path) -> int:
    """Make every `SCHEMA/TABLE/*.parquet` under `folder` a table SCHEMA.TABLE; how many.

    A column that came later is in the later files alone, so their schemas are merged.
    """
    found = 0
    for schema in sorted(path for path in folder.iterdir() if path.is_dir()):
        session.sql(f"create schema if not exists `{schema.name}`")
        for table in sorted(path for path in schema.iterdir() if path.is_dir()):
            if table.name.startswith("_") or not any(table.glob("*.parquet")):
                continue
            session.sql(
                f"create table `{schema.name}`.`{table.name}` using parquet"
                f" options (mergeSchema 'true') location '{table}'"
            )
            found += 1
    return found


def main(argv: list[str] | None = None) -> int:
    """Run the steps; the exit codes are dbt_process's."""
    parser = argparse.ArgumentParser(prog="throughline.spark_process")
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--warehouse", type=Path, required=True)
    parser.add_argument("--settings", default="{}")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    given = parser.parse_args(argv)
    shutil.rmtree(given.warehouse, ignore_errors=True)
    given.warehouse.mkdir(parents=True)
    session = open_session(given.warehouse, json.loads(given.settings))
    try:
        number = declare(session, given.raw) + declare(session, given.inputs)
        print(f"spark: {number} landed tables and inputs", flush=True)
        return dbt_process.main([word for word in given.rest if word != "--"])
    finally:
        session.stop()


if __name__ == "__main__":
    sys.exit(main())
