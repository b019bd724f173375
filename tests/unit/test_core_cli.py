"""The command line's endings: an exit code of the table and a text that teaches, whatever is wrong."""

from __future__ import annotations

import dataclasses
import errno
import json
import socket
import sqlite3
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines import sources
from pipelines.transports.base import Found
from tests.unit.core_support import a_checked_run, a_home
from throughline import config, foreseen, publish
from throughline.cli import app
from throughline.errors import error
from throughline.home import Home


def told(*words: str) -> tuple[int, str]:
    """Exit code and standard error of a command; a traceback fails the test."""
    done = CliRunner().invoke(app, list(words))
    assert "Traceback" not in done.output, done.output
    return done.exit_code, done.stderr


def at(home: Path, *words: str) -> tuple[int, str]:
    return told("--home", str(home), *words)


def code_of(text: str) -> str:
    """The error's code, after checking that it says effect, cause, remedy and the next command."""
    lines = [line for line in text.splitlines() if line]
    first = next(number for number, line in enumerate(lines) if line.startswith("E-"))
    labels = [line.split()[0] for line in lines[first + 1 :] if line.startswith("  ") and line[2] != " "]
    assert [name for name in ("Effect", "Why", "Fix", "Then", "More") if name not in labels] == [], text
    return lines[first].split()[0]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with one published run."""
    found, settings = a_home(tmp_path / "home")
    publish.publish(a_checked_run(found, settings, 1))
    return found


def test_init_writes_a_home_that_can_be_read(tmp_path: Path) -> None:
    place = tmp_path / "books"
    assert at(place, "init")[0] == 0
    home = Home(place)
    assert {source.enabled for source in config.load(home).sources.values()} == {False}
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o600
    assert tomllib.loads(home.secrets.read_text()) == {}, "an example, no credential"
    before = home.config.read_text()
    code, text = at(place, "init")
    assert (code, code_of(text)) == (64, "E-CFG-003")
    assert home.config.read_text() == before
    home.secrets.write_text("# mine")
    assert at(place, "init", "--force")[0] == 0
    assert home.secrets.read_text() == "# mine", "credentials are never replaced"


def test_an_init_cut_short_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "books"
    Home(place).dlt.mkdir(parents=True)
    Home(place).secrets.mkdir()  # stands in the way of writing it
    Home(place).config.parent.mkdir(exist_ok=True)
    at(place, "init")
    Home(place).secrets.rmdir()
    Home(place).config.unlink(missing_ok=True)
    assert at(place, "init")[0] == 0
    assert Home(place).secrets.is_file()


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["query", "select 1"], 3, "E-PUB-001"),
        (["trace", "billed"], 3, "E-PUB-001"),
        (["recon", "list"], 3, "E-PUB-001"),
        (["recon", "show", "x"], 3, "E-PUB-001"),
        (["recon", "export"], 3, "E-PUB-001"),
        (["publish", "rollback"], 3, "E-PUB-001"),
        (["publish", "pin", "r1"], 64, "E-PUB-002"),
        (["run"], 64, "E-CFG-002"),
        (["land"], 64, "E-CFG-002"),
        (["build"], 64, "E-CFG-002"),
        (["check"], 64, "E-CFG-002"),
        (["publish"], 64, "E-CFG-002"),
        (["source", "list"], 64, "E-CFG-002"),
        (["rejects", "show", "ab"], 64, "E-SRC-020"),
        (["explain", "E-NOT-001"], 64, "E-RUN-001"),
    ],
)
def test_a_home_that_is_not_there(tmp_path: Path, words: list[str], code: int, error: str) -> None:
    ended, text = at(tmp_path / "nowhere", *words)
    assert (ended, code_of(text)) == (code, error)


@pytest.mark.parametrize("words", [["status"], ["publish", "list"], ["rejects", "list"], ["doctor"]])
def test_looking_makes_no_home(tmp_path: Path, words: list[str]) -> None:
    at(tmp_path / "nowhere", *words, "--json")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--as-of", "tomorrow"],
        ["run", "--as-of", "2026-02-30"],
        ["run", "--known-at", "noon"],
        ["build", "--as-of", "31.01.2026"],
        ["recon", "list", "--as-of", "soon"],
        ["recon", "acknowledge", "x", "--reason", "long enough a reason", "--until", "someday"],
        ["query", "select 1", "--json", "--csv"],
        ["recon", "export", "--format", "pdf"],
    ],
)
def test_words_that_cannot_be_understood(home: Home, words: list[str]) -> None:
    code, text = at(home.root, *words)
    assert (code, code_of(text)) == (64, "E-RUN-001")


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["run", "--from-stage", "lunch"],
        ["query"],
        ["publish", "pin"],
        ["app", "--port", "99999"],
        ["trace", "billed", "--limit", "0"],
        ["status", "--last", "-1"],
    ],
)
def test_usage_ends_with_64(home: Home, words: list[str]) -> None:
    assert at(home.root, *words)[0] == 64


@pytest.mark.parametrize("text", ["reporting_currency = ", "[home]\nkeep_published = 'many'", "colour = 1"])
def test_a_configuration_that_is_wrong(home: Home, text: str) -> None:
    home.config.write_text(text)
    code, said = at(home.root, "run")
    assert (code, code_of(said)) == (64, "E-CFG-001")
    assert str(home.config) in said


def test_a_configuration_that_is_not_text(home: Home) -> None:
    home.config.write_bytes(b"\xff\xfe\x00r")
    code, said = at(home.root, "run")
    assert (code, code_of(said)) == (64, "E-CFG-001")


@pytest.mark.parametrize("now", ["yesterday", "@/nowhere/clock.json"])
def test_a_clock_that_cannot_be_read(home: Home, monkeypatch: pytest.MonkeyPatch, now: str) -> None:
    monkeypatch.setenv("THROUGHLINE_NOW", now)
    code, text = at(home.root, "run")
    assert (code, code_of(text)) == (64, "E-CFG-004")
    done = CliRunner().invoke(app, ["--home", str(home.root), "doctor", "--json"])
    found = {row["check"]: row["status"] for row in json.loads(done.stdout)}
    assert (done.exit_code, found["clock"]) == (1, "FAIL")


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for words in (["init"], ["run"], ["publish", "rollback"]):
        code, text = at(tmp_path / "file", *words)
        assert code in (3, 64)
        assert code_of(text).startswith("E-")


def test_a_pointer_that_is_damaged(home: Home) -> None:
    home.pointer.write_text("{half")
    for words in (["query", "select 1"], ["status"], ["publish", "list"], ["trace", "billed"]):
        code, text = at(home.root, *words)
        assert (code, code_of(text)) == (3, "E-RUN-035")


def test_a_published_file_that_is_damaged(home: Home) -> None:
    path = home.published(publish.published_runs(home)[0])
    path.chmod(0o644)
    path.write_bytes(b"nothing of the kind")
    for words in (["query", "select 1"], ["recon", "list"], ["trace", "billed"]):
        code, text = at(home.root, *words)
        assert (code, code_of(text)) == (3, "E-PUB-006")


def test_a_port_that_is_taken(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, text = at(home.root, "app", "--port", str(taken.getsockname()[1]))
    assert (code, code_of(text)) == (3, "E-APP-003")


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/h/raw"), "E-RUN-030"),
        (OSError(errno.EROFS, "Read-only file system", "/h/raw"), "E-RUN-031"),
        (PermissionError(errno.EACCES, "Permission denied", "/h/raw"), "E-RUN-031"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/h"), "E-RUN-032"),
        (duckdb.IOException("The file is not a valid DuckDB database file!"), "E-RUN-033"),
        (duckdb.IOException('IO Error: Could not set lock on file "/h/raw"'), "E-RUN-034"),
        (duckdb.IOException("Could not write: No space left on device"), "E-RUN-030"),
        (sqlite3.DatabaseError("file is not a database"), "E-STA-002"),
    ],
)
def test_what_the_machine_can_do_to_us(
    home: Home, monkeypatch: pytest.MonkeyPatch, problem: Exception, code: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(publish, "listing", fail)
    ended, text = at(home.root, "publish", "list")
    assert (ended, code_of(text)) == (75 if code == "E-RUN-034" else 3, code)


@pytest.mark.parametrize("problem", [KeyError("x"), OSError("odd"), duckdb.BinderException("no column")])
def test_a_mistake_of_the_program_is_not_hidden(problem: Exception) -> None:
    assert foreseen.told(problem) is None


def tables() -> list[tuple[str, Callable[[str], list[str]]]]:
    return [
        ("status", lambda _: ["status"]),
        ("publish list", lambda _: ["publish", "list"]),
        ("source list", lambda _: ["source", "list"]),
        ("rejects list", lambda _: ["rejects", "list"]),
        ("doctor", lambda _: ["doctor"]),
        ("explain", lambda _: ["explain"]),
        ("explain one", lambda _: ["explain", "e-pub-001"]),
        ("query", lambda _: ["query", "select 1 as a"]),
    ]


@pytest.mark.parametrize(("name", "words"), tables(), ids=[name for name, _ in tables()])
def test_every_table_is_also_json(home: Home, name: str, words: Callable[[str], list[str]]) -> None:
    done = CliRunner().invoke(app, ["--home", str(home.root), *words(name), "--json"])
    rows = json.loads(done.stdout)
    assert isinstance(rows, list)
    assert all(isinstance(row, dict) for row in rows)


def test_money_is_text_and_every_column_has_a_name_of_its_own(home: Home) -> None:
    query = ["--home", str(home.root), "query"]
    done = CliRunner().invoke(app, [*query, "select cast(0.10 as decimal(19,4)) as a, null as b", "--json"])
    assert json.loads(done.stdout) == [{"a": "0.1000", "b": None}]
    done = CliRunner().invoke(app, [*query, "select 1 as a where false", "--json"])
    assert json.loads(done.stdout) == []
    done = CliRunner().invoke(app, [*query, "select cast(0.10 as decimal(19,4)) as a, null as b", "--csv"])
    assert done.stdout == "a,b\n0.1000,\n"
    code, text = at(home.root, "query", "select 1 as a, 2 as a", "--json")
    assert (code, code_of(text)) == (64, "E-QRY-001")


@pytest.mark.parametrize(
    "sql",
    [
        "selec 1",
        "",
        "select 1; select 2",
        "create table marts.x as select 1",
        "select * from nowhere",
        "attach '/tmp/x.duckdb' as x",
        "select * from read_csv('/etc/hostname')",
        "copy marts.other to '/tmp/x.csv'",
        "select cast('a' as integer)",
    ],
)
def test_a_query_that_cannot_be_answered(home: Home, sql: str) -> None:
    code, text = at(home.root, "query", sql)
    assert (code, code_of(text)) == (64, "E-QRY-001")


SOURCES = """
[sources.bamboohr]
base_url = "http://127.0.0.1:9"
[sources.netsuite]
enabled = false
"""


class FakeReader:
    """A vendor that lets in who has the key and has lost a column of one resource."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.key = settings.get("api_key")
        self.closed = False

    def open(self) -> None:
        if self.key != "right":
            raise error("E-SRC-003", source="bamboohr", detail="401")

    def discover(self, resource: Any) -> Found:
        if resource.name == "job_info":
            raise error("E-SRC-011", source="bamboohr", resource=resource.name, column="department")
        return Found(extra=("shoe_size",) if resource.name == "employee" else ())

    def rows(self, *_words: Any) -> Iterator[Any]:
        return iter(())

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Home, list[FakeReader]]:
    """A home with one enabled source, whose readers are fakes; they are listed as they are made."""
    home, _ = a_home(tmp_path / "home")
    home.config.write_text(SOURCES)
    made: list[FakeReader] = []

    def reader(settings: Mapping[str, Any]) -> FakeReader:
        made.append(FakeReader(settings))
        return made[-1]

    known = dataclasses.replace(sources.load_source("bamboohr"), reader=reader)
    monkeypatch.setattr(sources, "load_source", lambda _: known)
    return home, made


def source_check(home: Home, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    done = CliRunner().invoke(app, ["--home", str(home.root), "source", "check", "--live", *words, "--json"])
    return done.exit_code, {row["resource"]: row for row in json.loads(done.stdout)}


def test_a_source_is_checked_resource_by_resource(vendor: tuple[Home, list[FakeReader]]) -> None:
    home, made = vendor
    home.secrets.write_text('[sources.bamboohr]\napi_key = "right"\n')
    code, rows = source_check(home)
    assert code == 1
    assert [name for name, row in rows.items() if row["status"] == "FAIL"] == ["job_info"]
    assert rows["job_info"]["code"] == "E-SRC-011"
    assert rows["job_info"]["fix"]
    assert "shoe_size" in rows["employee"]["detail"]
    assert set(rows) == {
        "(manifest)", "(feed)", "(settings)", "(account)", "employee", "employment_status", "job_info",
        "cost_rate", "time_off",
    }  # fmt: skip
    assert made[0].closed
    assert not home.raw.exists(), "nothing is landed"


def test_a_source_that_does_not_let_us_in(vendor: tuple[Home, list[FakeReader]]) -> None:
    home, made = vendor
    home.secrets.write_text('[sources.bamboohr]\napi_key = "wrong"\n')
    code, rows = source_check(home, "bamboohr")
    assert (code, [(row["resource"], row["code"]) for row in rows.values() if row["code"]]) == (
        1, [("(account)", "E-SRC-003")],
    )  # fmt: skip
    assert made[0].closed


def test_sources_that_cannot_be_checked(vendor: tuple[Home, list[FakeReader]]) -> None:
    home, _ = vendor
    code, text = at(home.root, "source", "check", "nosuch")
    assert (code, code_of(text)) == (64, "E-SRC-018")
    home.secrets.write_text("half = [")
    code, rows = source_check(home)
    assert (code, rows["(settings)"]["code"]) == (1, "E-CFG-001")
    findings = json.loads(CliRunner().invoke(app, ["--home", str(home.root), "doctor", "--json"]).stdout)
    assert [row["status"] for row in findings if row["check"] == "secrets"] == ["FAIL"]
    home.config.write_text("[sources.netsuite]\nenabled = false\n")
    code, text = at(home.root, "source", "check")
    assert (code, code_of(text)) == (64, "E-LND-002")


def test_a_raw_file_that_is_damaged(vendor: tuple[Home, list[FakeReader]]) -> None:
    home, _ = vendor
    home.raw.write_bytes(b"cut short")
    for words in (["build", "-q"], ["rejects", "list"], ["rejects", "show", "ab"]):
        code, text = at(home.root, *words)
        assert (code, code_of(text)) == (3, "E-RUN-033")
    code, text = at(home.root, "land")
    assert code == 3
    assert "E-RUN-033" in text, "the source's own line says what stopped it"
