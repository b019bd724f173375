"""The kit on a scaffolded source: each deliberate break of the source turns exactly one check red.

Everything is as it is but that rows reach the raw warehouse without dlt, which would be most of the time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import httpx
import pytest

from pipelines import sources
from pipelines.conform.checks import CHECKS
from pipelines.conform.kit import FAIL, NOT_RUN, PASS
from pipelines.conform.recorded import answer
from pipelines.conform.source import conform_source, recorded
from pipelines.contract import quoted
from pipelines.store import RawStore
from pipelines.transports.base import Found, Window
from throughline.errors import ThroughlineError
from throughline.home import PROJECT_ROOT
from throughline.scaffold.domain import domains
from throughline.scaffold.kinds import PAGES
from throughline.scaffold.scaffold import scaffold

NAME = "kantata"
NEEDS = {check.name: set(check.needs) for check in CHECKS}


def checkout(root: Path) -> Path:
    """As much of a checkout as a scaffold needs."""
    models = root / "dbt_project" / "models"
    models.mkdir(parents=True)
    (models / "canonical").symlink_to(PROJECT_ROOT / "dbt_project" / "models" / "canonical")
    return root


def _append(_store: RawStore, pipeline: Any, source: Any) -> None:
    """What dlt does with our tables, without what it does besides."""
    schema = quoted(pipeline.dataset_name)
    with duckdb.connect(str(pipeline.path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"create schema if not exists {schema}")
        for name, resource in source.resources.items():
            for rows in resource:
                connection.register("rows", rows)
                target = f"{schema}.{quoted(name)}"
                connection.execute(f"create table if not exists {target} as select * from rows limit 0")
                had = {row[0] for row in connection.execute(f"describe {target}").fetchall()}
                for column, kind, *_ in connection.execute("describe rows").fetchall():
                    if column not in had:
                        connection.execute(f"alter table {target} add column {quoted(column)} {kind}")
                connection.execute(f"insert into {target} by name select * from rows")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Scaffolds a source, which is found by its name for the test; its folder."""
    here = tmp_path / "pipelines" / "sources"
    monkeypatch.setattr(sources, "HERE", here)
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(here)])
    monkeypatch.setattr(
        RawStore,
        "_pipeline",
        lambda store, _name, dataset: SimpleNamespace(dataset_name=dataset, path=store.path),
    )
    monkeypatch.setattr(RawStore, "_run", _append)
    root = checkout(tmp_path)

    def make(domain: str = "psa", kind: str = "json_pages", style: str = "page") -> Path:
        scaffold(root, NAME, domain, kind, style)
        return here / NAME

    yield make
    for module in [name for name in sys.modules if name.startswith(f"pipelines.sources.{NAME}")]:
        del sys.modules[module]


@pytest.fixture
def folder(made: Callable[..., Path]) -> Path:
    """A scaffolded source's folder."""
    return made()


def replace(file: str, old: str, new: str) -> Callable[[Path], None]:
    """A break: other words in one of the source's files."""

    def apply(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")

    return apply


def reader(body: str) -> Callable[[Path], None]:
    """A break: a reader with a mistake in it."""

    def apply(folder: Path) -> None:
        lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
        with (folder / "source.py").open("a", encoding="utf-8") as out:
            out.write(
                "\n\nimport dataclasses\nimport logging\nimport uuid\nfrom decimal import Decimal\n"
                "from pipelines.transports.http import RetryPolicy\n"
                "from throughline.errors import ThroughlineError\n"
                f"KEPT = {{}}\n\n\nclass Broken(PagedReader):\n{lines}\n\n\n"
                "def broken(settings):\n    return Broken(**vars(reader(settings)))\n\n\n"
                f"SOURCE = Source(MANIFEST, broken, {NAME})\n"
            )

    return apply


def a_key_that_is_none(folder: Path) -> None:
    """A second resource, keyed by what several of its records share."""
    with (folder / "source.yml").open("a", encoding="utf-8") as out:
        out.write(
            "  - name: note\n    object: api/v1/notes\n    key: project_id\n    fields:\n"
            "      project_id: text!\n      body: text\n      updated_at: ts\n      created_at: ts\n"
        )
    stamps = {"updated_at": "2026-01-01T00:00:00Z", "created_at": "2026-01-01T00:00:00Z"}
    notes = [{"project_id": "001", "body": f"note {number}", **stamps} for number in range(3)]
    body = {"results": notes, "meta": {"total": 3}}
    (folder / "recorded" / "note.1.json").write_text(json.dumps(body), encoding="utf-8")


BREAKS: dict[str, Callable[[Path], None]] = {
    "reads": replace("source.yml", "title: text!", "title: date!"),
    "keys_unique": a_key_that_is_none,
    "second_load_empty": reader("""
def rows(self, resource, window, found):
    for page in super().rows(resource, window, found):
        yield page.append_column("asked_at", pa.array([str(uuid.uuid4())] * page.num_rows))
"""),
    "change_once": reader("""
def rows(self, resource, window, found):
    if window.start is not None:
        window = dataclasses.replace(window, start=window.end)
    yield from super().rows(resource, window, found)
"""),
    "late_row": replace("source.yml", "lag: 10m", "lag: 0s"),
    "page_boundary": reader("""
def rows(self, resource, window, found):
    pages = list(super().rows(resource, window, found))
    yield from pages[:1] if len(pages) < 2 else pages[:-1]
"""),
    "deletes": reader("""
def rows(self, resource, window, found):
    read = set()
    for page in super().rows(resource, window, found):
        read |= set(page.column("id").to_pylist())
        KEPT.update({key: page.slice(at, 1) for at, key in enumerate(page.column("id").to_pylist())})
        yield page
    if window.start is None:
        yield from [row for key, row in KEPT.items() if key not in read]
"""),
    "resume": reader("""
def rows(self, resource, window, found):
    try:
        yield from super().rows(resource, window, found)
    except ThroughlineError as problem:
        if problem.code != "E-SRC-004":
            raise
"""),
    "drift_stops": reader("""
def _all_present(self, resource, seen):
    pass
"""),
    "new_column": reader("""
def rows(self, resource, window, found):
    for page in super().rows(resource, window, found):
        yield page.select([*resource.names, "_restricted"])
"""),
    "bad_row": reader("""
def rows(self, resource, window, found):
    for page in super().rows(resource, window, found):
        at = page.column_names.index("title")
        yield page.set_column(at, "title", page.column("title").fill_null("unknown"))
"""),
    "retries": reader("""
def open(self):
    self.http.policy = RetryPolicy(attempts=1)
"""),
    "no_secret": reader("""
def open(self):
    logging.getLogger("throughline.pipelines").info("logging in with %s", self.http.auth.token)
"""),
    "totals": reader("""
def rows(self, resource, window, found):
    for page in super().rows(resource, window, found):
        doubled = [str(Decimal(value) * 2) for value in page.column("budget").to_pylist()]
        yield page.set_column(page.column_names.index("budget"), "budget", pa.array(doubled))
"""),
}


def test_every_check_has_its_break() -> None:
    assert list(BREAKS) == [check.name for check in CHECKS]


@pytest.mark.parametrize("name", [None, *BREAKS])
def test_a_break_turns_exactly_its_check_red(folder: Path, name: str | None) -> None:
    if name is not None:
        BREAKS[name](folder)
    outcomes = {outcome.check: outcome for outcome in conform_source(NAME)}
    red = {check for check, outcome in outcomes.items() if outcome.outcome == FAIL}
    assert red == ({name} if name else set()), [outcome.detail for outcome in outcomes.values()]
    # what is not run rests on the red one, and on nothing else
    for check, outcome in outcomes.items():
        if outcome.outcome == NOT_RUN:
            assert name in NEEDS[check] or any(outcomes[need].outcome == NOT_RUN for need in NEEDS[check])
            assert outcome.detail.startswith("needs ")
    if name is None:
        assert {outcome.outcome for outcome in outcomes.values()} == {PASS}
    else:
        told = outcomes[name]
        assert told.detail
        assert told.effect
        assert told.fix


def test_without_records_nothing_is_checked_and_that_is_said(folder: Path) -> None:
    (folder / "recorded" / "report.yml").unlink()
    with pytest.raises(ThroughlineError) as caught:
        list(conform_source(NAME))
    assert (caught.value.code, "report.yml" in caught.value.what) == ("E-SRC-041", True)


def test_a_source_on_which_no_check_can_be_made_is_told_what_it_lacks(folder: Path) -> None:
    replace("source.yml", "text!", "text")(folder)
    with pytest.raises(ThroughlineError) as caught:
        list(conform_source(NAME))
    assert (caught.value.code, "required field" in caught.value.what) == ("E-SRC-045", True)


@pytest.mark.parametrize(
    ("domain", "kind", "style"),
    [
        *((domain, kind, "page") for domain in domains() for kind in ("json_pages", "soql", "suiteql")),
        *(("psa", "json_pages", style) for style in PAGES if style != "page"),
    ],
)
def test_every_domain_lands_by_every_kind(
    made: Callable[..., Path], domain: str, kind: str, style: str
) -> None:
    made(domain, kind, style)
    outcomes = list(conform_source(NAME, only="totals"))
    assert [outcome.outcome for outcome in outcomes] == [PASS, PASS], outcomes[-1].detail


@pytest.mark.parametrize("kind", ["soql", "suiteql"])
def test_a_platform_passes_as_it_is_written(made: Callable[..., Path], kind: str) -> None:
    made("psa", kind)
    red = [outcome for outcome in conform_source(NAME) if outcome.outcome != PASS]
    assert not red, red[0].detail


def test_a_link_that_leads_away_from_the_vendor_is_not_followed(made: Callable[..., Path]) -> None:
    made("psa", "json_pages", "link")
    vendor = recorded(NAME)
    vendor.pages["project"][0]["links"]["next"] = "https://elsewhere.invalid/steal"
    always = httpx.MockTransport(lambda _request: answer(vendor.pages["project"][0]))
    reader = sources.load_source(NAME).reader({**vendor.settings(), "http_transport": always})
    resource = sources.load_source(NAME).manifest.resources[0]
    with pytest.raises(ThroughlineError) as caught:
        list(reader.rows(resource, Window(None, datetime(2026, 3, 1, tzinfo=UTC)), Found()))
    assert (caught.value.code, "elsewhere.invalid" in caught.value.what) == ("E-SRC-007", True)


def test_a_personal_field_is_none_to_make_checks_on(made: Callable[..., Path]) -> None:
    folder = made("hr")
    replace("source.yml", "settings:\n", "settings:\n  conform: {text: first_name}\n")(folder)
    with pytest.raises(ThroughlineError) as caught:
        list(conform_source(NAME))
    assert (caught.value.code, "first_name" in caught.value.what) == ("E-SRC-045", True)
