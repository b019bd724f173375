"""A source from `source new`: every domain lands, maps and conforms as it is written."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from pipelines.conform.kit import Outcome
from pipelines.manifest import load_manifest
from tests.landing.test_conformance_kit import checkout
from throughline import emulated
from throughline.cli import app
from throughline.commands import source_kit
from throughline.errors import ThroughlineError
from throughline.home import PROJECT_ROOT
from throughline.junit import as_junit
from throughline.scaffold import models
from throughline.scaffold.domain import domains
from throughline.scaffold.kinds import PAGES
from throughline.scaffold.scaffold import scaffold

ROOMS = ("pipelines", "throughline", "sandbox", "expectations", "dbt_project")


def files_of(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("domain", list(domains()))
def test_the_mapping_gives_every_column_of_its_port_and_no_other(tmp_path: Path, domain: str) -> None:
    root, port = checkout(tmp_path), domains()[domain].port
    scaffold(root, "kantata", domain, "json_pages")
    text = (root / f"dbt_project/models/mapping/kantata/kantata__{port}.sql").read_text()
    assert text.startswith("{{ config(enabled=('kantata' in var('systems', '').split(','))) }}")
    select = re.sub(r"case .*?end as", "coded as", text.split("select\n")[-1], flags=re.DOTALL)
    given = [line.split()[-1].split(".")[-1].rstrip(",") for line in select.splitlines()]
    columns = list(models.port_columns(root, port))
    assert [name for name in given if name in columns] == columns
    manifest = load_manifest(root / "pipelines/sources/kantata/source.yml")
    assert (manifest.domain, manifest.transport) == (domain, "json_pages")


@pytest.mark.parametrize("style", PAGES)
def test_every_way_of_paging_has_its_words_in_the_manifest(tmp_path: Path, style: str) -> None:
    scaffold(checkout(tmp_path), "kantata", "psa", "json_pages", style)
    manifest = load_manifest(tmp_path / "pipelines/sources/kantata/source.yml")
    assert manifest.settings["pages"]["style"] == style


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("Kantata", "kantata"),
        ("my_psa", "mypsa"),
        ("9lives", "lives"),
        ("k", "k"),
        ("class", "class"),
        ("raw", ""),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_with_one_that_can(
    tmp_path: Path, name: str, proposal: str
) -> None:
    with pytest.raises(ThroughlineError) as caught:
        scaffold(checkout(tmp_path), name, "psa", "json_pages")
    assert caught.value.code == "E-SRC-042"
    assert proposal in caught.value.fix
    assert not (tmp_path / "pipelines").exists()


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    scaffold(root, "kantata", "psa", "json_pages")
    before = files_of(root)
    with pytest.raises(ThroughlineError) as caught:
        scaffold(root, "kantata", "crm", "json_pages")
    assert (caught.value.code, files_of(root)) == ("E-SRC-043", before)
    with pytest.raises(ThroughlineError) as caught:
        scaffold(PROJECT_ROOT, "netsuite", "erp", "json_pages")
    assert caught.value.code == "E-SRC-043"


@pytest.mark.parametrize(
    "words", [("documents", "json_pages", "page"), ("psa", "files", "page"), ("psa", "json_pages", "scroll")]
)
def test_what_has_no_scaffold_is_refused_with_what_has_one(
    tmp_path: Path, words: tuple[str, str, str]
) -> None:
    with pytest.raises(ThroughlineError) as caught:
        scaffold(checkout(tmp_path), "kantata", *words)
    assert caught.value.code == "E-SRC-044"


def test_the_outcomes_are_written_for_ci(tmp_path: Path) -> None:
    path = tmp_path / "conform.xml"
    done = CliRunner().invoke(
        app, ["source", "conform", "files", "--check", "late_row", "--junit", str(path), "--json"]
    )
    assert done.exit_code == 0, done.output
    [suite] = ElementTree.parse(path).getroot()
    counts = {name: suite.get(name) for name in ("name", "tests", "failures", "skipped")}
    assert counts == {"name": "files", "tests": "4", "failures": "0", "skipped": "1"}
    [skipped] = suite.findall("testcase[@name='late_row']/skipped")
    assert "read whole" in str(skipped.get("message"))


def test_a_red_check_is_a_failure_in_ci_with_what_to_do() -> None:
    red = Outcome("kantata", "reads", "FAIL", "rows come", "no\x00ne came", "nothing counts", "look again")
    suite = ElementTree.fromstring(as_junit([red]))[0]
    told = suite.find("testcase/failure")
    assert told is not None
    assert (suite.get("failures"), told.get("message")) == ("1", "none came")
    assert "look again" in str(told.text)


def test_an_emulator_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 3, "", "no space left")
    monkeypatch.setattr(emulated.subprocess, "run", lambda *_words, **_more: failed)
    with pytest.raises(ThroughlineError) as caught, emulated.firm():
        pass
    assert (caught.value.code, "no space left" in caught.value.what) == ("E-SRC-046", True)


def test_a_check_that_there_is_not_is_refused() -> None:
    result = CliRunner().invoke(app, ["source", "conform", "files", "--check", "nonsense"])
    assert result.exit_code != 0


@pytest.mark.slow
def test_the_steps_of_the_docs_lead_to_a_published_warehouse(tmp_path: Path) -> None:
    """A copy of the project, a source of each domain, the commands of docs/engineer/add-a-source.md."""
    root, home = tmp_path / "checkout", tmp_path / "home"
    for room in ROOMS:
        shutil.copytree(PROJECT_ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    before = files_of(root)
    environment = {**os.environ, "PYTHONPATH": str(root), "THROUGHLINE_HOME": str(home)}

    def throughline(*words: str, code: int = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "throughline.cli", *words],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
        return json.loads(done.stdout) if "--json" in words else done.stdout or done.stderr

    sources = {f"my{domain}": domain for domain in domains()}
    created = set()
    for name, domain in sources.items():
        style = list(PAGES)[len(created) % len(PAGES)]
        told = throughline("source", "new", name, "--domain", domain, "--pages", style, "--json")
        created |= {row["created"] for row in told}
    after = files_of(root)
    assert {name: body for name, body in after.items() if name not in created} == before
    assert created <= after.keys()

    checks = throughline("source", "conform", "mypsa", "--json")
    assert {row["outcome"] for row in checks} == {"PASS"}
    for name in sources:
        throughline("source", "run", name, "--recorded")
    tables = "".join(f'[sources.{name}]\nbase_url = "https://{name}.invalid"\n' for name in sources)
    (home / "throughline.toml").write_text(f'reporting_currency = "EUR"\n{tables}')
    throughline("run", "--from-stage", "build", "--quiet")
    planned = throughline("source", "plan", "mypsa", "--json")
    assert [(row["rows_last_time"], row["ports"]) for row in planned] == [(7, "project")]
    shown = throughline("source", "preview", "mypsa", "project", "--limit", "1", "--json")
    sides = {(row["side"], row["column"]): row["value"] for row in shown}
    assert sides["landed", "state"] == "active"
    assert sides["project", "status"] == "OPEN"
    assert sides["project", "project_id"] == "mypsa:main:001"
    assert sides["project", "budget_revenue"] == "48000.0000"
    # rows of the firm's own are never joined by recorded ones
    import duckdb

    with duckdb.connect(str(home / "raw.duckdb")) as connection:
        connection.execute("update landing.extract_run set run_id = 'r20260101'")
    refused = throughline("source", "run", "mypsa", "--recorded", code=64)
    assert refused.split()[0] == "E-SRC-048"


@pytest.mark.slow
def test_a_source_that_comes_with_the_project_is_checked_against_its_emulator() -> None:
    outcomes = list(source_kit._outcomes(["bamboohr"], "change_once"))
    assert [outcome.check for outcome in outcomes] == ["reads", "second_load_empty", "change_once"]
    assert {outcome.outcome for outcome in outcomes} == {"PASS"}, outcomes[-1].detail
