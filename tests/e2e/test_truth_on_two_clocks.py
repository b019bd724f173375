"""The warehouse against what really happened, and the law of the ledger.

Every case, count and metric of every load must be what the oracle says. The law: building from only the loads
known at T equals filtering the journal at T. Its companion: a rebuild from nothing equals the advanced build.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sandbox import score
from sandbox.build import LOAD_TIMES
from sandbox.score import shown
from tests.e2e.conftest import LOADS, Scored
from tests.support import port_files
from throughline.clock import iso
from throughline.home import Home

# Files of the home that a build reads or writes; the rest of a home is not needed for it.
NEEDED = ("raw.duckdb", "throughline.toml")
JOURNAL = "ledger.fct_value_movement"
# What names the run or the clock of the build, or says of the tables what they were made of; not the world.
OF_THE_RUN = {"inputs", "fingerprint", "publication"}


def copy_home(source: Path, target: Path) -> Path:
    """A home with the same raw data and settings, and nothing built."""
    target.mkdir()
    for name in NEEDED:
        shutil.copyfile(source / name, target / name)
    return target


def rebuild(home: Path, now: str, *words: str) -> None:
    """Build everything from the home's raw data at the clock's time ``now``."""
    done = subprocess.run(
        [sys.executable, "-m", "throughline.cli", "build", *words],
        env={**os.environ, "THROUGHLINE_HOME": str(home), "THROUGHLINE_NOW": now},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def forget_after(raw: Path, known_at: str) -> int:
    """Take everything that was landed after ``known_at`` out of a raw file; returns the rows taken."""
    taken = 0
    with duckdb.connect(str(raw)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        tables = connection.execute(
            "select distinct schema_name, table_name from duckdb_columns() where column_name = 'tl_loaded_at'"
        ).fetchall()
        for schema, table in tables:
            found = connection.execute(
                f'delete from "{schema}"."{table}" where tl_loaded_at > ?::timestamptz', [known_at]
            ).fetchone()
            taken += int(found[0]) if found else 0
        connection.execute("delete from landing.extract_run where started_at > ?::timestamptz", [known_at])
    return taken


def read(build: Path, statement: str) -> pa.Table:
    """What a statement says of a build; the file is opened by itself, because its views name it ``build``."""
    with duckdb.connect(str(build), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(statement).to_arrow_table()


def differences(one: Path, one_says: str, other: Path, other_says: str) -> list[tuple[object, ...]]:
    """Rows that one build's statement has and the other's has not, either way, as multisets."""
    left, right = read(one, one_says), read(other, other_says)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("l", left)
        connection.register("r", right)
        return connection.execute(
            "(select * from l except all select * from r)"
            " union all (select * from r except all select * from l) limit 5"
        ).fetchall()


def built_tables(build: Path) -> list[str]:
    """Every table a build made."""
    with duckdb.connect(str(build), read_only=True) as connection:
        rows = connection.execute(
            "select schema_name, table_name from duckdb_tables() order by all"
        ).fetchall()
    return [f"{schema}.{table}" for schema, table in rows if schema not in OF_THE_RUN]


def test_each_load_of_a_firm_with_every_fault_agrees_with_its_truth(scored: Scored) -> None:
    problems = [line for load in scored.score.loads for line in shown(load.comparison.differences)]
    assert problems == []
    # the loads, and one of them asked for again later by --known-at
    assert len(scored.score.loads) == LOADS + 1


def test_the_faults_were_there_to_be_found(scored: Scored) -> None:
    tallies = scored.score.controls()
    for control in ("MDM-001", "CRM-ERP-001", "CRM-PSA-001", "ERP-PSA-002", "BIL-001"):
        assert tallies[control].truth > 0, control
        assert tallies[control].matched == tallies[control].truth
    # months were closed on the way and held against the load that was closed
    assert all(load.comparison.closes > 0 for load in scored.score.loads[1:])


def test_the_same_firm_read_from_files_gives_the_same_numbers(
    scored: Scored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records, as they are known after the last load, as files in the ports' columns and nothing else."""
    at = LOAD_TIMES[LOADS - 1]
    written = port_files.write_ports(scored.home.build, tmp_path / "files")
    assert written["time_entry"] > 0
    home = Home(tmp_path / "home").ensure()
    settings = (scored.home.root / "throughline.toml").read_text(encoding="utf-8")
    home.config.write_text(port_files.settings(settings, tmp_path / "files"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "throughline.cli", "run"],
        env={**os.environ, "THROUGHLINE_HOME": str(home.root), "THROUGHLINE_NOW": iso(at)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    truth = score.truth_of
    monkeypatch.setattr(score, "truth_of", lambda *which: port_files.renamed(truth(*which)))
    found = score.compare_published(home, scored.source, at)
    # what a project manager thought before stands in no file: what is expected of a month rests on it, the
    # provision of the day itself does not
    of_before = {"expected_revenue", "revenue_posted_less_expected"}
    today = f"{at:%Y-%m-%d} "
    others = [
        one
        for one in found.differences
        # nor what was forecast: the home was loaded once, and no earlier run of it expected anything
        if one.kind not in ("estimate", "forecast", "accuracy")
        and one.subject not in of_before
        and (one.subject != "loss_provision" or one.key.startswith(today))
    ]
    assert shown(others) == []
    assert 0 < len(found.differences) < 0.1 * sum(found.metrics.values())
    assert sum(found.metrics.values()) > 1000


@pytest.mark.law
@pytest.mark.parametrize("position", [0, 1, 2], ids=lambda n: f"load{n + 1}")
def test_building_from_the_loads_known_equals_filtering_the_journal(
    scored: Scored, tmp_path: Path, position: int
) -> None:
    at = iso(LOAD_TIMES[position])
    home = copy_home(scored.home.root, tmp_path / "home")
    assert forget_after(home / "raw.duckdb", at) > 0, "there must be later loads to forget"
    # the journal and what it is made of: the rest of a build says nothing about it
    rebuild(home, at, "--select", "+fct_value_movement")
    everything = f"select {columns(scored.home.build, JOURNAL)} from {JOURNAL}"
    filtered = f"{everything} where known_at <= '{at}'::timestamptz"
    mine, full = home / "build.duckdb", scored.home.build
    assert differences(mine, filtered, full, filtered) == []
    # Nothing may be known later than the loads it was built from, and the full journal must know more.
    assert differences(mine, everything, mine, filtered) == []
    assert differences(full, everything, full, filtered) != []


def columns(path: Path, table: str) -> str:
    """A table's columns without those that name the run."""
    schema, name = table.split(".")
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(
            "select column_name from duckdb_columns() where schema_name = ? and table_name = ? "
            "order by column_index",
            [schema, name],
        ).fetchall()
    return ", ".join(f'"{column}"' for (column,) in found if not column.endswith("run_id"))


@pytest.mark.law
def test_a_rebuild_from_nothing_equals_the_build_advanced_load_by_load(
    scored: Scored, tmp_path: Path
) -> None:
    home = copy_home(scored.home.root, tmp_path / "home")
    # what was published before is read by both: exceptions and forecasts of earlier runs
    shutil.copytree(scored.home.serving, home / "serving")
    rebuild(home, iso(LOAD_TIMES[LOADS - 1]), "--full-refresh")
    # The score's look back asked the advanced build for an earlier knowledge: bring it back to the last load.
    advanced = tmp_path / "advanced"
    copy_home(scored.home.root, advanced)
    shutil.copyfile(scored.home.build, advanced / "build.duckdb")
    shutil.copytree(scored.home.serving, advanced / "serving")
    rebuild(advanced, iso(LOAD_TIMES[LOADS - 1]))
    # not all of it was built anew: what stood is what is compared
    assert stood(advanced) > 100
    assert stood(home) == 0
    wrong = {}
    for fresh, kept in (
        (home / "build.duckdb", advanced / "build.duckdb"),
        (candidate(home), candidate(advanced)),
    ):
        tables = built_tables(fresh)
        assert tables == built_tables(kept)
        for table in tables:
            one, other = (f"select {columns(path, table)} from {table}" for path in (fresh, kept))
            if found := differences(fresh, one, kept, other):
                wrong[table] = found
    assert wrong == {}


def stood(home: Path) -> int:
    """How many models the home's last build left as they were."""
    manifest = json.loads(max(home.glob("runs/*/manifest.json")).read_text(encoding="utf-8"))
    return int(manifest["stages"][0]["models"]["stood"])


def candidate(home: Path) -> Path:
    """The serving file that the home's last build wrote."""
    [found] = (home / "serving").glob("candidate_*.duckdb")
    return found
