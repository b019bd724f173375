"""The inputs of a build: what was decided, as of what was known then; and a real build."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.unit.core_support import a_home
from throughline import clock, content, dbt_quick, inputs, publish, runs, state
from throughline.errors import ThroughlineError
from throughline.home import Home
from throughline.recon import archive
from throughline.stages import build as build_stage
from throughline.stages.build import build

KNOWN = datetime(2026, 7, 1, tzinfo=UTC)


def collected(home: Home, known_at: datetime = KNOWN) -> dict[str, list[inputs.Row]]:
    return inputs.collect(
        home,
        a_home(home.root)[1],
        run_id="r1",
        as_of=date(2026, 6, 30),
        known_at=known_at,
        started_at=KNOWN,
    )


def test_every_table_is_there_even_when_empty(tmp_path: Path) -> None:
    home, _ = a_home(tmp_path)
    summary = inputs.write(home.build, collected(home))
    connection = duckdb.connect(str(home.build), read_only=True)
    found = {name for _, name in content.tables(connection)}
    context = connection.execute(
        "select run_id, as_of, reporting_currency from inputs.run_context"
    ).fetchall()
    connection.close()
    assert found == set(inputs.TABLES) == set(summary)
    assert context == [("r1", date(2026, 6, 30), "EUR")]


def test_the_same_inputs_have_the_same_hashes(tmp_path: Path) -> None:
    home, _ = a_home(tmp_path)
    first = inputs.write(home.build, collected(home))
    assert inputs.write(home.build, collected(home)) == first
    state.append(
        home, "close", "1|2026-05", "ann", {"legal_entity_id": "1", "period": "2026-05", "close_type": "HARD"}
    )
    again = inputs.write(home.build, collected(home, datetime(2100, 1, 1, tzinfo=UTC)))
    assert again["period_close"] != first["period_close"]
    assert again["parameter"] == first["parameter"]


def test_decisions_count_from_when_they_were_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, _ = a_home(tmp_path)

    def on(day: str, kind: str, thing: str, **payload: object) -> None:
        monkeypatch.setenv(clock.VARIABLE, day)
        state.append(home, kind, thing, "ann", dict(payload))

    on(
        "2026-06-01",
        "waiver",
        "x1",
        reason="agreed",
        valid_to="2026-09-30",
        amount_cap="1000.50",
        currency="EUR",
    )
    on("2026-06-01", "assignment", "x1", owner="bob")
    on("2026-06-02", "state", "x1", state="IN_PROGRESS")
    on("2026-06-03", "acknowledgement", "x2", reason="late", until="2026-08-01")
    on("2026-06-04", "close", "1|2026-05", legal_entity_id="1", period="2026-05", close_type="SOFT")
    on("2026-06-20", "waiver_revoked", "x1", reason="no longer")
    on("2026-06-21", "reopen", "1|2026-05", legal_entity_id="1", period="2026-05", reason="late invoice")

    early = collected(home, datetime(2026, 6, 10, tzinfo=UTC))
    assert [(row[0], row[4], row[5]) for row in early["waiver"]] == [
        ("x1", date(2026, 9, 30), Decimal("1000.50"))
    ]
    assert [row[1:5] for row in early["period_close"]] == [("1", "2026-05", "ALL", "SOFT")]
    assert [row[:3] for row in early["exception_state"]] == [
        ("x1", "IN_PROGRESS", "bob"),
        ("x2", "ACKNOWLEDGED", None),
    ]
    assert inputs.write(home.build, early)["waiver"]["rows"] == 1

    late = collected(home)
    assert late["waiver"] == []
    assert [row[4] for row in late["period_close"]] == ["SOFT", "REOPEN"]


def test_prior_exceptions_come_from_what_is_published(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    assert collected(home)["prior_exception"] == []
    run = runs.start(home, settings, verb="run", quiet=True)
    run.manifest |= {"as_of": "2026-06-29", "known_at": "2026-06-30T00:00:00Z"}
    connection = duckdb.connect(str(home.candidate(run.run_id)))
    connection.execute(
        "create schema reconciliation; create table reconciliation.exception as select 'x1' as exception_id,"
        " 'C-1' as control_id, 'a|b' as grain_key, 'EXCEPTION' as outcome, 'NEW' as state, 'S1' as severity,"
        " date '2026-06-01' as becomes_exception_on, 12.5::decimal(19,4) as amount_at_risk,"
        " cast(null as varchar) as root_exception_id, 'deal:x' as risk_object"
    )
    connection.execute(
        "create table reconciliation.control_run as select 'C-1' as control_id, 'ALL' as legal_entity_id,"
        " 1 as control_version, 'EXCEPTIONS' as status, 1 as population_count,"
        " 12.5::decimal(19,4) as population_amount, 0 as pass_count, 0 as pending_count,"
        " 0::decimal(19,4) as pending_amount, 1 as exception_count, 12.5::decimal(19,4) as exception_amount,"
        " 0 as waived_count, 0::decimal(19,4) as waived_amount, 0 as not_evaluable_count"
    )
    connection.execute(
        "create schema marts; create table marts.revenue_outlook as select * from (values"
        " ('SCHEDULED', date '2026-07-01', 'US', 'DATA', 100.0),"
        " ('PIPELINE', date '2026-07-01', 'US', 'DATA', 50.5),"
        " ('PIPELINE', date '2026-08-01', 'US', 'DATA', null), ('UNSCHEDULED', null, 'US', 'DATA', 9.0),"
        " ('PLAN', date '2026-07-01', 'US', 'DATA', 999.0),"
        " ('ACTUAL', date '2026-06-01', 'US', 'DATA', 888.0)"
        ") as told(basis, month_start, legal_entity_id, practice_id, amount_cc)"
    )
    connection.close()
    with run.stage("check"):
        pass
    publish.publish(run)
    assert collected(home)["prior_outlook"] == [], "no month has begun since"
    # it stood when July began and when August did; what has no month is no forecast
    told = archive.outlooks(home, date(2026, 8, 2), datetime(2026, 8, 2, tzinfo=UTC))
    july, august = date(2026, 7, 1), date(2026, 8, 1)
    assert [(row[0], row[2], row[3], row[4], row[7]) for row in told] == [
        (begun, date(2026, 6, 29), measure, month, amount)
        for begun in (july, august)
        for measure, month, amount in (
            ("BACKLOG_BURN", july, Decimal("100.0000")),
            ("PIPELINE", july, Decimal("50.5000")),
            ("PIPELINE", august, None),
            ("REVENUE", july, Decimal("150.5000")),
            ("REVENUE", august, None),
        )
    ]
    # a run of before the two were told apart kept the whole alone
    path = next(home.runs.glob(f"*/*/{archive.OUTLOOK}"))
    held = pq.read_table(path)
    whole = held.filter(pc.equal(held.column("measure"), "REVENUE")).drop_columns(["measure"])
    pq.write_table(whole, path)
    told = archive.outlooks(home, date(2026, 7, 2), datetime(2026, 7, 2, tzinfo=UTC))
    assert [(row[3], row[4], row[7]) for row in told] == [
        ("REVENUE", july, Decimal("150.5000")),
        ("REVENUE", august, None),
    ]
    rows = collected(home)["prior_exception"]
    assert [row[0] for row in rows] == ["x1"]
    names = [
        part.strip().split(" ")[0] for part in re.split(r",(?![^(]*\))", inputs.TABLES["prior_exception"])
    ]
    row = dict(zip(names, rows[0], strict=True))
    assert (row["run_id"], row["amount_at_risk"]) == (run.run_id, Decimal("12.5000"))
    assert (row["first_seen_on"], row["occurrences"], row["was_open"]) == (date(2026, 6, 29), 1, True)
    # handed over as the build will read them, and the same again after the published file is gone
    assert inputs.write(home.build, collected(home))["prior_exception"]["rows"] == 1
    home.published(run.run_id).unlink()
    assert collected(home)["prior_exception"] == rows


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 1, 31), "date '2026-01-31'"),
        ("it's", "'it''s'"),
    ],
)
def test_literals(value: object, expected: str) -> None:
    assert content.literal(value) == expected
    with pytest.raises(TypeError):
        content.literal(object())


# A real build, with the project's own profile and settings on a project of three models.

MODELS = {
    "staging/stg_thing.sql": "select id, amount from raw.demo_main.thing",
    "master/dim_thing.sql": "{{ config(database='serving') }} select id from {{ ref('stg_thing') }}",
    "ledger/entry.sql": "select id, amount from {{ ref('stg_thing') }}",
    "marts/untouched.sql": "select count(*) as number from {{ ref('entry') }}",
    "marts/total.sql": "select sum(amount) as amount, max(c.as_of) as as_of, max(c.run_id) as run_id"
    " from {{ ref('entry') }} cross join inputs.run_context as c",
    "schema.yml": "models:\n  - name: dim_thing\n    columns: [{name: id, data_tests: [unique]}]\n",
}


def a_project(folder: Path, root: Path) -> Path:
    """A dbt project of a few models under the repository's own settings, profile and schema macro."""
    for name in ("dbt_project.yml", "profiles.yml", "macros/generate_schema_name.sql"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / "dbt_project" / name, folder / name)
    for name, text in MODELS.items():
        (folder / "models" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "models" / name).write_text(text, encoding="utf-8")
    return folder


def landed(home: Home, *ids: int) -> None:
    connection = duckdb.connect(str(home.raw))
    connection.execute("create schema if not exists demo_main")
    connection.execute(
        f"create or replace table demo_main.thing as select unnest({list(ids)}) as id, 1.5 as amount"
    )
    connection.close()


@pytest.mark.slow
def test_dbt_builds_across_the_three_files(
    tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, settings = a_home(tmp_path / "home")
    project = a_project(tmp_path / "project", project_root)
    monkeypatch.setattr(build_stage, "PROJECT", project)
    run = runs.start(home, settings, verb="run", as_of=date(2026, 6, 30), quiet=True)
    with pytest.raises(ThroughlineError) as caught:
        build(run)
    assert caught.value.code == "E-RUN-011"

    landed(home, 1, 2)
    build(run)
    candidate = duckdb.connect(str(home.candidate(run.run_id)), read_only=True)
    assert content.tables(candidate) == [("marts", "total"), ("marts", "untouched"), ("master", "dim_thing")]
    assert candidate.execute("from marts.total").fetchall() == [
        (Decimal("3.0"), date(2026, 6, 30), run.run_id)
    ]
    candidate.close()
    own = duckdb.connect(str(home.build), read_only=True)
    assert {schema for schema, _ in content.tables(own)} == {"fingerprint", "inputs", "ledger"}
    assert content.views(own) == [("staging", "stg_thing")]
    own.close()
    assert run.manifest["dbt_tests"]["counts"] == {"pass": 1}
    assert not home.attached.exists()

    # Only two models again: the rest of the candidate is what is published. A failing test is the check
    # stage's to judge.
    with run.stage("check"):
        pass
    publish.publish(run)
    landed(home, 1, 1, 3)
    again = runs.start(home, settings, verb="run", quiet=True)
    monkeypatch.setenv(dbt_quick.PLAIN, "1")  # its log of every statement says how the project was read
    build(again, "dim_thing total")
    log = (again.folder / "dbt" / "logs" / "dbt.log").read_text(encoding="utf-8")
    assert "skipping parsing" in log, "a second run reads the project it parsed before"
    candidate = duckdb.connect(str(home.candidate(again.run_id)), read_only=True)
    assert candidate.execute("select count(*) from master.dim_thing").fetchone() == (3,)
    assert candidate.execute("from marts.untouched").fetchone() == (2,)
    candidate.close()
    assert again.manifest["dbt_tests"]["counts"] == {"fail": 1}

    # Another home reads what the first one parsed; a project that is read-only is parsed all the same.
    other, told = a_home(tmp_path / "elsewhere" / "home")
    landed(other, 1, 2)
    for writable, parsed in ((True, "skipping parsing"), (False, "Unable to do partial parsing")):
        if not writable:
            shutil.rmtree(project / "target")
            (project / "target").touch()
            shutil.rmtree(other.partial_parse.parent)
        first = runs.start(other, told, verb="run", as_of=date(2026, 6, 30), quiet=True)
        build(first)
        assert parsed in (first.folder / "dbt" / "logs" / "dbt.log").read_text(encoding="utf-8")
    (project / "target").unlink()

    # A model that cannot be built stops the run here.
    (project / "models/marts/total.sql").write_text(
        "select nothing from {{ ref('entry') }}", encoding="utf-8"
    )
    with pytest.raises(ThroughlineError) as caught:
        build(again)
    assert caught.value.code == "E-RUN-010"
    assert "total" in caught.value.what
    assert (
        json.loads((again.folder / "manifest.json").read_text(encoding="utf-8"))["stages"][-1]["status"]
        == "FAILED"
    )
