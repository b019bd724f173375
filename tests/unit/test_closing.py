"""Closing periods from the command line: what may be closed when, what it keeps, and that it is whole."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from tests.unit.core_support import a_home
from throughline import clock, closing, files, inputs, state
from throughline.cli import app
from throughline.clock import parse_instant
from throughline.errors import ThroughlineError
from throughline.home import Home
from throughline.state import Store

D = Decimal
RUN = "r20260708T233000Z-01"
KNOWN = "2026-07-08T23:30:00Z"
PERIODS = ("2026-04", "2026-05", "2026-06", "2026-07")
ENTITIES = {"netsuite:main:1": "US01", "netsuite:main:4": "GB01"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A published run as of 8 July that says: April is closed by the ERP, May to July are open."""
    found, _ = a_home(tmp_path / "home")
    monkeypatch.setenv("THROUGHLINE_ACTOR", "ann")
    monkeypatch.setenv(clock.VARIABLE, "2026-07-09T09:00:00Z")
    connection = duckdb.connect(str(found.published(RUN)))
    connection.execute(
        f"""
        create schema publication; create schema reconciliation; create schema master;
        create table publication.run as select '{RUN}' as run_id, date '2026-07-08' as as_of,
            timestamptz '{KNOWN}' as known_at, 'USD' as reporting_currency;
        create table master.dim_legal_entity (legal_entity_id varchar, entity_code varchar,
            is_active boolean);
        create table reconciliation.period_close (legal_entity_id varchar, period varchar, area varchar,
            state varchar, proof varchar, restatements bigint);
        create table reconciliation.close_content (legal_entity_id varchar, period varchar, area varchar,
            movement_type varchar, is_increase boolean, currency_code varchar, functional_currency varchar,
            amount_tc decimal(28,4), amount_fc decimal(28,4), amount_rc decimal(28,4), hours decimal(28,2),
            rows_standing bigint);
        create table reconciliation.restatement (restatement_id varchar, legal_entity_id varchar,
            period varchar, area varchar, is_last boolean, movement_type varchar, change varchar,
            cause varchar, treatment varchar, currency_code varchar, source_system varchar,
            source_instance varchar, source_record_id varchar, delta_tc decimal(28,4),
            delta_rc decimal(28,4), recorded_at timestamptz, detected_at timestamptz);
        create table reconciliation.exception as select 'EXCEPTION' as outcome, 'S1' as severity;
        insert into reconciliation.restatement values
            ('a', 'netsuite:main:1', '2026-04', 'GL', true, 'recognised', 'ADDED', 'LATE_ENTRY', 'RESTATE',
            'EUR', 'netsuite', 'main', '77', 50, 55, '{KNOWN}', '{KNOWN}'),
            ('b', 'netsuite:main:4', '2026-04', 'AR', true, 'billed', 'CHANGED', 'CORRECTION', 'RESTATE',
            'GBP', 'netsuite', 'main', '78', -5, -6.25, '{KNOWN}', '{KNOWN}'),
            ('c', 'netsuite:main:4', '2026-04', 'AR', false, 'billed', 'CHANGED', 'CORRECTION', 'RESTATE',
            'GBP', 'netsuite', 'main', '79', 1, 1.25, '{KNOWN}', '{KNOWN}');
        """
    )
    entities = ", ".join(f"('{key}', '{code}', true)" for key, code in ENTITIES.items())
    connection.execute(f"insert into master.dim_legal_entity values {entities}")
    states = ", ".join(
        f"('{key}', '{period}', '{area}', '{closing.HARD if closed else closing.OPEN}',"
        f" '{'NOT_STORED' if closed else 'NOT_CLOSED'}', 0)"
        for key in ENTITIES
        for period, closed in ((period, period == "2026-04") for period in PERIODS)
        for area in closing.AREAS
    )
    connection.execute(f"insert into reconciliation.period_close values {states}")
    connection.execute(
        "insert into reconciliation.close_content values"
        " ('netsuite:main:1', '2026-05', 'GL', 'recognised', true, 'EUR', 'USD', 100, 110, 110, 0, 3),"
        " ('netsuite:main:1', '2026-05', 'AR', 'billed', true, 'EUR', 'USD', 40.5, 44.55, 44.55, 0, 1)"
    )
    connection.close()
    files.write_json(found.pointer, {"run_id": RUN})
    return found


def told(home: Home, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["--home", str(home.root), "close", *words])
    assert "Traceback" not in done.output, done.output
    return done.exit_code, done.stdout, done.stderr


def kept(home: Home) -> list[tuple[str, str]]:
    return [(event.object_id, event.payload.get("close_type", "REOPEN")) for event in Store(home).read()]


def test_a_close_keeps_what_the_published_run_says_of_the_period(home: Home) -> None:
    code, _, said = told(home, "soft", "2026-05")
    assert code == 0, said
    assert "US01 2026-05 GL: SOFT_CLOSED" in said
    assert "1 exceptions of S1 or S2 open" in said
    found = closing.decisions(Store(home).read())
    assert [(one.legal_entity_id, one.area, one.known_at) for one in found] == [
        (key, area, parse_instant(KNOWN)) for key in sorted(ENTITIES, reverse=True) for area in closing.AREAS
    ]
    found = found[3:]
    assert found[0].content == (
        ("recognised", True, "EUR", "USD", D("100.0000"), D("110.0000"), D("110.0000"), D("0.00"), 3),
    )
    # worked out by hand from the row above: one JSON list and a line feed
    line = '["recognised",true,"EUR","USD","100.0000","110.0000","110.0000","0.00",3]\n'
    assert found[0].content_sha256 == hashlib.sha256(line.encode()).hexdigest()


def test_what_was_closed_reaches_the_build_as_it_was_stored(home: Home) -> None:
    told(home, "soft", "2026-05", "--entity", "US01", "--area", "GL")
    rows = inputs.collect(
        home, a_home(home.root)[1], run_id="r2", as_of=date(2026, 8, 8),
        known_at=parse_instant("2026-08-08T23:30:00Z"), started_at=parse_instant("2026-08-08T23:30:00Z"),
    )  # fmt: skip
    [close] = rows["period_close"]
    assert close[1:6] == ("netsuite:main:1", "2026-05", "GL", "SOFT", parse_instant(KNOWN))
    [content] = rows["close_content"]
    assert content[1:7] == ("GL", "recognised", True, "EUR", "USD", D("100.0000"))
    inputs.write(home.build, rows)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("soft", "2026-07"), "E-CLS-002"),
        (("soft", "July"), "E-RUN-001"),
        (("soft", "2026-04"), "E-CLS-003"),
        (("hard", "2026-05"), "E-CLS-003"),
        (("reopen", "2026-05", "--approver", "bob", "--reason", "An invoice was forgotten"), "E-CLS-003"),
        (("soft", "2026-06"), "E-CLS-004"),
        (("reopen", "2026-04", "--approver", "ann", "--reason", "An invoice was forgotten"), "E-CLS-005"),
        (("reopen", "2026-04", "--approver", "bob", "--reason", "too short"), "E-CLS-005"),
        (("soft", "2026-05", "--entity", "FR01"), "E-REC-004"),
        (("soft", "2026-05", "--area", "HR"), "E-RUN-001"),
    ],
)
def test_what_may_not_be_decided_is_refused_and_nothing_is_recorded(
    home: Home, words: tuple[str, ...], code: str
) -> None:
    exit_code, _, said = told(home, *words)
    assert (exit_code, said.split()[0]) == (64, code), said
    assert kept(home) == []


def test_a_period_goes_from_soft_to_hard_and_back_only_with_two_people(home: Home) -> None:
    assert told(home, "soft", "2026-05", "--entity", "US01", "--area", "AR")[0] == 0
    # what is closed already stays as it is; the rest follows
    assert told(home, "soft", "2026-05", "--entity", "US01")[0] == 0
    assert kept(home) == [(f"netsuite:main:1|2026-05|{area}", "SOFT") for area in ("AR", "GL", "AP")]
    assert told(home, "soft", "2026-05", "--entity", "US01")[0] == 64
    assert told(home, "hard", "2026-05", "--entity", "US01")[0] == 0
    assert told(home, "reopen", "2026-05", "--entity", "US01", "--area", "AR", "--approver", "bob",
                "--reason", "Invoice 4711 was forgotten")[0] == 0  # fmt: skip
    rows = json.loads(told(home, "--json")[1])
    shown = {(row["period"], row["legal_entity"]): (row["GL"], row["AR"], row["AP"]) for row in rows}
    assert shown["2026-05", "US01"] == ("HARD_CLOSED", "REOPENED", "HARD_CLOSED")
    assert shown["2026-05", "GB01"] == ("OPEN", "OPEN", "OPEN")
    assert shown["2026-04", "GB01"] == ("HARD_CLOSED", "HARD_CLOSED", "HARD_CLOSED")
    # June stays refused while receivables of May are open again
    assert told(home, "soft", "2026-06", "--entity", "US01")[0] == 64
    assert told(home, "soft", "2026-05", "--entity", "US01", "--area", "AR")[0] == 0
    assert told(home, "soft", "2026-06", "--entity", "US01")[0] == 0


def test_restatements_are_listed_by_period_and_entity(home: Home) -> None:
    _, out, said = told(home, "restatements", "--json")
    assert [(row["record"], row["delta_rc"]) for row in json.loads(out)] == [
        ("netsuite:main:77", "55.0000"), ("netsuite:main:78", "-6.2500"),
    ]  # fmt: skip
    assert "2 lines" in said
    assert len(json.loads(told(home, "restatements", "--earlier", "--json")[1])) == 3
    assert len(json.loads(told(home, "restatements", "--entity", "GB01", "--json")[1])) == 1
    assert json.loads(told(home, "restatements", "--period", "2026-05", "--json")[1]) == []


def test_a_run_without_closes_says_that_it_has_none(home: Home) -> None:
    connection = duckdb.connect(str(home.published(RUN)))
    connection.execute("drop table reconciliation.period_close")
    connection.close()
    code, _, said = told(home, "soft", "2026-05")
    assert (code, said.split()[0]) == (3, "E-REC-003")


def test_content_that_somebody_changed_stops_the_build(home: Home) -> None:
    told(home, "soft", "2026-05", "--entity", "US01", "--area", "GL")
    with sqlite3.connect(home.state) as connection:
        connection.execute("drop trigger event_is_final")
        connection.execute("update event set payload = replace(payload, '110.0000', '120.0000')")
    with pytest.raises(ThroughlineError) as caught:
        closing.decisions(Store(home).read())
    assert caught.value.code == "E-CLS-006"


def test_a_close_of_an_earlier_form_without_area_or_content_still_counts(home: Home) -> None:
    state.append(home, "close", "1|2026-05", "ann", {"legal_entity_id": "1", "period": "2026-05"})
    [one] = closing.decisions(Store(home).read())
    assert (one.area, one.close_type, one.known_at, one.content) == ("ALL", "SOFT", one.at, ())
    assert closing.states({}, [one]) == {("1", "2026-05", area): closing.SOFT for area in closing.AREAS}


@pytest.mark.parametrize("stop", range(1, 7))
def test_a_close_killed_between_two_of_its_events_leaves_everything_open(home: Home, stop: int) -> None:
    """Two entities in three areas are six events; SIGKILL after each of them, before they are one."""
    program = textwrap.dedent(
        f"""
        import os, signal
        from throughline import state
        def stop(point):
            if point == "recorded {stop}":
                os.kill(os.getpid(), signal.SIGKILL)
        state.reached = stop
        from throughline.cli import app
        app(["--home", {str(home.root)!r}, "close", "soft", "2026-05"])
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=dict(os.environ), capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert kept(home) == []
    # and the next one closes it whole
    assert told(home, "soft", "2026-05")[0] == 0
    assert len(kept(home)) == 6
