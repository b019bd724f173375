"""A model that would be made of the same SQL and the same rows stands; every other one is built anew.

On a project of a few models with the house's own materializations, built by the house's own process.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt.ledger_support import PROJECT

RUN = "(select {column} from {{{{ source('inputs', 'run_context') }}}})"
MODELS = {
    # says only the newest word of each key
    "newest": "select id, max(amount) as amount from {{ source('vendor', 'thing') }} group by id",
    "shown": "select id, amount from {{ ref('newest') }} where amount > 0",
    "total": "select sum(amount) as amount from {{ ref('shown') }}",
    "aged": "select id, " + RUN.format(column="as_of") + " as as_of from {{ ref('newest') }}",
    "known": "select id from {{ source('vendor', 'thing') }} where tl_known_at <= "
    + RUN.format(column="known_at"),
    "asked": "select max(id) as id, "
    + RUN.format(column="known_at")
    + " as known_at from {{ ref('newest') }}",
    # in February another value comes into force
    "ruled": "select count(*) as number from {{ source('inputs', 'parameter') }} where effective_from <= "
    + RUN.format(column="as_of as settings_day"),
    # the whole of the run's row at hand, one column of it asked for
    "judged": "with run as (select run.as_of from {{ source('inputs', 'run_context') }} as run) "
    "select newest.id, run.as_of from {{ ref('newest') }} as newest cross join run",
    # a vendor's second instance: dbt knows nothing of its tables
    "bought": 'select id from "raw"."acquired"."thing"',
    "published": "select amount from {{ ref('total') }}",
}
FILES = ("raw", "build", "serving")
YAML = """
version: 2
sources:
  - {name: vendor, database: raw, schema: vendor, tables: [{name: thing}]}
  - {name: inputs, schema: inputs, tables: [{name: run_context}, {name: parameter}]}
"""
SETTINGS = """
name: throughline
version: "1.0.0"
config-version: 2
profile: throughline
models:
  throughline:
    +materialized: table
    shown: {+materialized: view}
    published: {+materialized: table, +database: serving, +schema: marts}
"""


@dataclass
class Small:
    """The project, and the three files it works on."""

    folder: Path

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.duckdb"

    def execute(self, name: str, *statements: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.file(name))) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for statement in statements[:-1]:
                connection.execute(statement)
            return connection.execute(statements[-1]).fetchall()

    def built(self, *words: str) -> set[str]:
        """Build; the models that were made, of those that did not stand."""
        done = self.build("", *words)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        said = json.loads((self.folder / "target" / "models_results.json").read_text(encoding="utf-8"))
        return {one["unique_id"].split(".")[-1] for one in said["results"] if one["message"] != "STANDS"}

    def build(self, run_id: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Build, under the name of a run."""
        files = {f"THROUGHLINE_{one.upper()}_DB": str(self.file(one)) for one in FILES}
        return subprocess.run(
            [
                sys.executable, "-m", "throughline.dbt_process", "--project", str(self.folder / "project"),
                "--target", str(self.folder / "target"), "--steps", "models", *words,
            ],
            env={**os.environ, **files, "THROUGHLINE_RUN_ID": run_id or quiet_run()},
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def write(self, **models: str) -> None:
        folder = self.folder / "project" / "models"
        folder.mkdir(parents=True, exist_ok=True)
        for name, sql in models.items():
            (folder / f"{name}.sql").write_text(sql + "\n", encoding="utf-8")


def drawn(run_id: str) -> set[str]:
    """The models that a run of this name makes anew to see that they are the same."""
    told = {one: f"{run_id}model.throughline.{one}" for one in MODELS if one != "shown"}
    return {one for one, text in told.items() if hashlib.md5(text.encode()).hexdigest()[0] == "0"}


def quiet_run() -> str:
    """The name of a run that makes none anew."""
    return next(name for name in map(str, range(1000)) if not drawn(name))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Built once, of two things that were landed on the first of January."""
    made = Small(tmp_path_factory.mktemp("first"))
    project = made.folder / "project"
    (project / "macros").mkdir(parents=True)
    for name in ("in_place.sql", "portable.sql", "generate_schema_name.sql"):
        shutil.copyfile(PROJECT / "macros" / name, project / "macros" / name)
    shutil.copyfile(PROJECT / "profiles.yml", project / "profiles.yml")
    (project / "dbt_project.yml").write_text(SETTINGS, encoding="utf-8")
    made.write(**MODELS)
    (project / "models" / "sources.yml").write_text(YAML, encoding="utf-8")
    made.execute(
        "raw",
        "create schema vendor",
        "create table vendor.thing (id int, amount decimal(9,2), tl_known_at timestamptz)",
        "create schema acquired",
        "create table acquired.thing as from vendor.thing",
        "insert into vendor.thing values (1, 5, '2026-01-01'), (2, 7, '2026-01-01')",
    )
    made.execute(
        "build",
        "create schema inputs",
        "create table inputs.run_context"
        " (run_id text, as_of date, known_at timestamptz, reporting_currency text, started_at timestamptz)",
        "create table inputs.parameter (effective_from date)",
        "insert into inputs.parameter values ('2026-01-01'), ('2026-02-15')",
        "insert into inputs.run_context values ('r1', '2026-01-31', '2026-02-01', 'USD', '2026-02-01')",
    )
    assert made.built() == set(MODELS)
    return made


@pytest.fixture
def small(first: Small, tmp_path: Path) -> Small:
    """The same, to do with as a test likes."""
    return Small(Path(shutil.copytree(first.folder, tmp_path / "small")))


def land(small: Small, rows: str) -> None:
    small.execute("raw", f"insert into vendor.thing values {rows}")


def test_what_would_be_the_same_stands_and_what_would_not_is_made(small: Small) -> None:
    # another run of another day, which knows nothing more and asks under the same settings
    small.execute(
        "build", "update inputs.run_context set run_id = 'r2', as_of = '2026-02-14', known_at = '2026-02-15'"
    )
    assert small.built() == {"asked", "aged", "judged"}
    small.execute("raw", "insert into acquired.thing values (9, 9, '2026-02-01')")
    assert small.built() == {"bought"}
    # what is landed anew says nothing new: whoever reads it looks, whoever reads those need not
    land(small, "(1, 4, '2026-02-01')")
    assert small.built() == {"newest", "known"}
    assert small.execute("serving", "select amount from marts.published") == [(12,)]
    # ... and here it does: through a view too, up to the file that is published. The run knows no third yet
    land(small, "(1, 6, '2026-02-01'), (3, 0, '2026-03-01')")
    assert small.built() == {*MODELS} - {"ruled", "bought"}
    assert small.execute("serving", "select amount from marts.published") == [(13,)]
    assert small.execute("build", "select count(*) from main.known") == [(4,)]
    # nothing else tells the run that does know it from the one before
    small.execute("build", "update inputs.run_context set as_of = '2026-02-28', known_at = '2026-03-02'")
    assert small.built() == {"aged", "judged", "known", "asked", "ruled"}
    assert small.execute("build", "select number from main.ruled") == [(2,)]
    assert small.execute("build", "select count(*) from main.known") == [(5,)]


def test_other_words_another_file_or_none_is_made_anew(small: Small) -> None:
    before = small.file("serving").read_bytes()
    # the same rows under another name: who reads them by the old one does not stand on them
    small.write(total="select sum(amount) as whole from {{ ref('shown') }}")
    assert small.build("").returncode == 1
    small.write(total="select sum(amount) + 1 as amount from {{ ref('shown') }}")
    assert small.built() == {"total", "published"}
    # the published file is an older one again, as after a rollback
    small.file("serving").write_bytes(before)
    assert small.built() == {"published"}
    assert small.execute("serving", "select amount from marts.published") == [(13,)]
    # a file that says nothing of itself, and a table that somebody took away
    small.file("serving").unlink()
    small.execute("build", "drop table main.aged")
    assert small.built() == {"published", "aged"}
    # what no model makes any more does not stay to be published, and its word is not believed later
    (small.folder / "project" / "models" / "published.sql").unlink()
    assert small.built() == set()
    assert (
        small.execute("serving", "select table_name from duckdb_tables() where schema_name = 'marts'") == []
    )
    small.write(published=MODELS["published"])
    assert small.built("--full-refresh") == set(MODELS)


def test_of_what_stands_some_is_made_anew_and_has_to_be_the_same(small: Small) -> None:
    of_total = next(name for name in map(str, range(10_000)) if drawn(name) == {"total"})
    assert small.build(of_total).returncode == 0
    said = json.loads((small.folder / "target" / "models_results.json").read_text(encoding="utf-8"))
    assert {one["message"] for one in said["results"]} == {"STANDS", "SAME"}
    # somebody wrote into the file: the first run that draws it says so, and makes it right
    small.execute("build", "update main.total set amount = 99")
    done = small.build(of_total)
    assert done.returncode == 1
    assert "would have been left as it stands" in done.stdout
    assert small.execute("build", "select amount from main.total") == [(12,)]
    assert small.built() == set()
