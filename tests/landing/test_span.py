"""A load that is asked for other than what is new: a stretch read again, everything, or nothing stored."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.landing import SourceResult, run_source
from pipelines.span import PLAIN, Span
from tests.landing.conftest import Home
from tests.landing.fakes import Org
from tests.landing.test_landing_versions import ONLY, TABLE, item
from throughline.commands import source_rows
from throughline.errors import ThroughlineError

FAR = {"key_compare_rows": 0, "key_compare_days": 9999}


def at(day: int) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC)


class Firm:
    """An org and a home that lands it, whose clock moves a day with each load."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.org = Org()
        self.day = 9
        item(self.org, "a", "2026-03-01T08:00:00.000+0000")
        item(self.org, "b", "2026-03-05T08:00:00.000+0000")

    def land(self, span: Span = PLAIN) -> SourceResult:
        self.day += 1
        self.home.at(f"2026-03-{self.day}T12:00:00Z")
        config = {**self.org.config(), "limits": FAR}
        return run_source("salesforce", "main", self.home.path, config, "run", ONLY, span)

    def changed_without_a_stamp(self, key: str, stamp: str) -> None:
        """As formula fields change: nothing tells of it."""
        item(self.org, key, stamp, TotalPrice=77)

    def prices(self, key: str) -> list[str]:
        rows = self.home.sql(
            f"select total_price from {TABLE} where tl_record_id = '{key}' order by tl_loaded_at"
        )
        return [str(row[0]) for row in rows]


@pytest.fixture
def firm(home: Home) -> Firm:
    return Firm(home)


def test_since_reads_again_what_the_cursor_has_passed(firm: Firm) -> None:
    firm.land()
    firm.changed_without_a_stamp("b", "2026-03-04T08:00:00.000+0000")
    assert firm.land().rows_landed == 0
    assert firm.land(Span(since=at(4))).rows_landed == 1
    assert firm.prices("b") == ["10.5000", "77.0000"]
    # and once is enough
    assert firm.land(Span(since=at(4))).rows_landed == 0


def test_since_reads_no_less_than_a_load_does(firm: Firm) -> None:
    firm.land()
    item(firm.org, "c", "2026-03-09T08:00:00.000+0000")
    assert firm.land(Span(since=at(11))).rows_landed == 1


def test_a_stretch_is_read_and_what_lies_outside_is_left(firm: Firm) -> None:
    firm.land()
    firm.changed_without_a_stamp("a", "2026-03-01T08:00:00.000+0000")
    firm.changed_without_a_stamp("b", "2026-03-04T08:00:00.000+0000")
    result = firm.land(Span(since=at(1), until=at(2)))
    assert (result.status, result.rows_landed) == ("PARTIAL", 1)
    assert (firm.prices("a"), firm.prices("b")) == (["10.5000", "77.0000"], ["10.5000"])


def test_until_deletes_nothing_and_leaves_no_gap(firm: Firm) -> None:
    first = firm.land(Span(until=at(3)))
    assert (first.status, first.rows_landed) == ("PARTIAL", 1)
    assert firm.land(Span(until=at(2))).resources[0].rows_deleted == 0
    rest = firm.land()
    assert (rest.status, rest.rows_landed) == ("OK", 1)
    assert firm.prices("b") == ["10.5000"]


def test_a_full_refresh_finds_what_changed_or_vanished_unseen(firm: Firm) -> None:
    firm.land()
    firm.changed_without_a_stamp("a", "2026-03-01T08:00:00.000+0000")
    firm.org.purge("OpportunityLineItem", "b")
    assert firm.land(Span(full=True, dry=True)).resources[0].rows_deleted == 1
    result = firm.land(Span(full=True)).resources[0]
    assert (result.status, result.rows_landed, result.rows_deleted) == ("OK", 2, 1)


def test_a_dry_run_says_what_would_be_landed_and_stores_nothing(firm: Firm) -> None:
    firm.land()
    item(firm.org, "c", "2026-03-09T08:00:00.000+0000")
    before = (firm.home.path / "raw.duckdb").read_bytes()
    assert firm.land(Span(dry=True)).rows_landed == 1
    assert (firm.home.path / "raw.duckdb").read_bytes() == before
    assert firm.land().rows_landed == 1


def test_a_first_load_cannot_begin_in_the_middle(firm: Firm) -> None:
    [problem] = firm.land(Span(since=at(4))).errors
    assert problem.code == "E-SRC-049"


@pytest.mark.parametrize(
    "words",
    [
        ("2026-03-04", "2026-03-04", False),
        ("2026-03-04", None, True),
        ("yesterday", None, False),
    ],
)
def test_what_contradicts_itself_is_refused(words: tuple[Any, ...]) -> None:
    with pytest.raises(ThroughlineError) as caught:
        source_rows._span(*words, False)
    assert (caught.value.code, caught.value.exit_code) == ("E-RUN-001", 64)


def test_the_command_line_dry_runs_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from throughline.cli import app

    monkeypatch.setenv("THROUGHLINE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "currency.csv").write_text("currency_code,name\nEUR,Euro\n", encoding="utf-8")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "throughline.toml").write_text(
        f'[sources.files]\ninstance = "files"\npath = "{folder}"\n', encoding="utf-8"
    )
    done = CliRunner().invoke(app, ["source", "run", "files", "--dry-run", "--json"])
    assert done.exit_code == 0, done.output
    assert '"rows_landed": 1' in done.stdout
    assert not (tmp_path / "home" / "raw.duckdb").exists()
    # a table of throughline.toml may bear a name of its own
    with (tmp_path / "home" / "throughline.toml").open("a", encoding="utf-8") as out:
        out.write(f'[sources.books]\nconnector = "files"\ninstance = "books"\npath = "{folder}"\n')
    done = CliRunner().invoke(app, ["source", "run", "books", "--dry-run", "--json"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["source", "plan", "books", "--json"])
    assert '"everything: the first load"' in done.stdout
    done = CliRunner().invoke(app, ["source", "run", "netsuite", "--dry-run"])
    assert done.exception is not None
