"""The same checks over every source, against the sandbox's vendors over HTTP.

Every test lands into the home of its source and moves its clock on by a day; none rests on another.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.landing import ResourceResult, SourceResult, run_source
from pipelines.sources import load_source, source_names
from sandbox.build import build, wanted
from sandbox.mutate import mutate, record

# the firm's last day: from here on nothing happens but what a test does
START = datetime.fromisoformat("2026-07-08T23:30:00+00:00")


@dataclass(frozen=True)
class Subject:
    """What of a source the checks are made on: `text` is a harmless field, `money` one that is summed."""

    vendor: str
    object: str
    resource: str
    key: str
    text: str
    money: str | None = None


SUBJECTS = {
    "salesforce": Subject("salesforce", "Opportunity", "opportunity", "Id", "Name", "Services_Amount__c"),
    "certinia": Subject(
        "salesforce", "pse__Proj__c", "proj", "Id", "Service_Line_Code__c", "Budget_Revenue__c"
    ),
    "bamboohr": Subject("bamboohr", "Employee", "employee", "id", "jobTitle"),
    "netsuite": Subject("netsuite", "transaction", "transaction", "id", "memo", "foreigntotal"),
}


@dataclass
class World:
    """A firm's vendors being served, and one source that lands them into a home."""

    source: str
    root: Path
    home: Path
    monkeypatch: pytest.MonkeyPatch
    now: datetime = START
    waits: list[float] = field(default_factory=list)
    edited: bool = False

    @property
    def subject(self) -> Subject:
        return SUBJECTS[self.source]

    @property
    def table(self) -> str:
        return f"{self.source}_main.{self.subject.resource}"

    def tick(self, hours: float = 24) -> None:
        """Move the vendors' and our clock on."""
        self.now += timedelta(hours=hours)
        self._write("clock.json", {"now": self.now.isoformat()})

    def faults(self, *rules: dict[str, Any]) -> None:
        """Make the vendor misbehave from now on."""
        self._write("profile.json", [{"vendor": self.subject.vendor, **rule} for rule in rules])

    def config(self, **more: Any) -> dict[str, Any]:
        served = json.loads((self.root / "serve.json").read_text())
        config = {"base_url": served["endpoints"][self.subject.vendor]}
        if self.source == "netsuite":
            schema = json.loads((self.root / "stores/netsuite/schema.json").read_text())
            config["time_zone"] = schema["settings"]["account_timezone"]
        return {**config, **served["credentials"][self.subject.vendor], "sleep": self.waits.append, **more}

    def land(self, resources: list[str] | None = None, **more: Any) -> SourceResult:
        """A day later, land the subject (or the resources named)."""
        self.tick()
        names = resources or [self.subject.resource]
        with self.monkeypatch.context() as patch:
            patch.setenv("THROUGHLINE_NOW", self.now.isoformat())
            return run_source(self.source, "main", self.home, self.config(**more), "conform", names)

    def land_one(self, **more: Any) -> ResourceResult:
        [found] = [one for one in self.land(**more).resources if one.resource == self.subject.resource]
        return found

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "raw.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def live_keys(self) -> list[str]:
        """Record ids landed and not deleted, in order."""
        rows = self.sql(
            f"select tl_record_id from {self.table} group by 1"
            " having not arg_max(tl_is_deleted, tl_loaded_at) order by 1"
        )
        return [row[0] for row in rows]

    def edit(self, key: str, op: str, minutes_ago: float = 60, **fields: Any) -> None:
        """A user's edit, some time before the next landing."""
        self.edited = True
        moment = self.now + timedelta(hours=24) - timedelta(minutes=minutes_ago)
        mutate(self.root, self.subject.vendor, self.subject.object, key, op, fields, moment)

    def versions(self, key: str) -> list[tuple[Any, ...]]:
        """Deleted flag, hash and basis of a record's versions in load order."""
        return self.sql(
            f"select tl_is_deleted, tl_payload_hash, tl_deletion_basis from {self.table}"
            f" where tl_record_id = '{key}' order by tl_loaded_at"
        )

    def _write(self, name: str, content: Any) -> None:
        path = self.root / name
        path.with_suffix(".new").write_text(json.dumps(content))
        path.with_suffix(".new").replace(path)
        # the vendors look at the file's time
        time.sleep(0.02)


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny firm's stores, built once."""
    root = tmp_path_factory.mktemp("firm") / "sandbox"
    build(root, wanted(11, "tiny", "none"), truth=False)
    return root


@pytest.fixture(scope="module", params=source_names())
def world(
    request: pytest.FixtureRequest, firm: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A source's vendor served from a copy of the firm, and landed once."""
    base = tmp_path_factory.mktemp(request.param)
    root = base / "sandbox"
    shutil.copytree(firm, root)
    (root / "clock.json").write_text(json.dumps({"now": START.isoformat()}))
    with (base / "serve.log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-m", "sandbox.serve", "--dir", str(root)], stderr=log)
        try:
            deadline = time.monotonic() + 120
            while not (root / "serve.json").exists():
                assert server.poll() is None, (base / "serve.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            with pytest.MonkeyPatch.context() as patch:
                world = World(request.param, root, base / "home", patch)
                world.home.mkdir()
                first = world.land_one()
                assert first.status == "OK", first.error
                assert first.rows_landed > 5
                yield world
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(autouse=True)
def _behaved(world: World) -> Iterator[None]:
    """Every test begins and ends with vendors that behave and nothing left to land."""
    if world.edited:
        assert world.land_one().status == "OK"
        world.edited = False
    yield
    world.faults()


def test_keys_are_unique_and_figures_agree_with_the_source(world: World) -> None:
    rows, ids = world.sql(f"select count(*), count(distinct (tl_record_id, tl_load_id)) from {world.table}")[
        0
    ]
    assert rows == ids
    found = world.land_one()
    assert found.source_count == len(world.live_keys())
    if world.subject.money:
        column = next(
            item.column
            for item in load_source(world.source).manifest.resource(world.subject.resource).fields
            if item.name == world.subject.money
        )
        [(total,)] = world.sql(
            f"with latest as (select tl_record_id, arg_max({column}, tl_loaded_at) as amount,"
            f" arg_max(tl_is_deleted, tl_loaded_at) as gone from {world.table} group by 1)"
            " select sum(amount) from latest where not gone"
        )
        assert found.source_amount == Decimal(total)


def test_second_load_is_empty(world: World) -> None:
    found = world.land_one()
    assert (found.status, found.rows_landed, found.rows_deleted) == ("OK", 0, 0)


def test_from_a_to_b_to_a_is_three_versions(world: World) -> None:
    key = world.live_keys()[0]
    before = record(world.root, world.subject.vendor, world.subject.object, key)[world.subject.text]
    known = len(world.versions(key))
    world.edit(key, "update", **{world.subject.text: "changed"})
    assert world.land_one().rows_landed == 1
    world.edit(key, "update", **{world.subject.text: before})
    assert world.land_one().rows_landed == 1
    hashes = [row[1] for row in world.versions(key)]
    assert len(hashes) == known + 2
    assert hashes[-1] == hashes[-3] != hashes[-2]


def test_a_touch_lands_nothing(world: World) -> None:
    world.edit(world.live_keys()[1], "touch")
    found = world.land_one()
    assert (found.status, found.rows_landed) == ("OK", 0)


def test_a_row_late_inside_the_window_is_caught(world: World) -> None:
    first, second = world.live_keys()[2:4]
    world.edit(first, "update", minutes_ago=60, **{world.subject.text: "on time"})
    assert world.land_one().rows_landed == 1
    world.edit(second, "update", minutes_ago=24 * 60 + 65, **{world.subject.text: "late"})
    assert world.land_one().rows_landed == 1


def test_an_edit_that_moves_no_stamp_is_not_invented(world: World) -> None:
    key = world.live_keys()[4]
    world.edit(key, "silent", **{world.subject.text: "unseen"})
    found = world.land_one()
    full_read = world.source == "bamboohr"
    assert found.rows_landed == (1 if full_read else 0)


@pytest.mark.parametrize("op", ["delete", "purge"])
def test_deletions_are_seen_and_restores_too(world: World, op: str) -> None:
    key = world.live_keys()[-1 if op == "delete" else -2]
    expected = {"salesforce": "flag", "certinia": "flag"}.get(world.source, "tombstone")
    world.edit(key, op)
    found = world.land_one()
    assert (found.rows_landed, found.rows_deleted) == (1, 1)
    gone, _, basis = world.versions(key)[-1]
    assert (gone, basis) == (True, expected if op == "delete" else "snapshot_absence")
    assert world.land_one().rows_landed == 0
    if op == "purge":
        return
    world.edit(key, "restore")
    assert world.land_one().rows_landed == 1
    versions = world.versions(key)
    assert [row[0] for row in versions[-3:]] == [False, True, False]
    assert versions[-1][1] == versions[-3][1]


@pytest.mark.parametrize("more", [0, 1])
def test_page_size_and_one_more(world: World, more: int, tmp_path: Path) -> None:
    live = len(world.live_keys())
    size = live - more
    fresh = World(world.source, world.root, tmp_path, world.monkeypatch, world.now)
    limits = {"page_size": size, "bulk_page": size}
    found = fresh.land_one(limits=limits, mode="bulk")
    world.now = fresh.now
    assert found.status == "OK", found.error
    assert len(fresh.live_keys()) == live


@pytest.mark.parametrize("kind", ["429_seconds", "429_date", "503", "truncated_json", "html_200"])
def test_trouble_that_passes_is_waited_out(world: World, kind: str) -> None:
    world.faults({"kind": kind, "times": 1, "after": 1})
    before = len(world.waits)
    found = world.land_one()
    assert (found.status, found.rows_landed) == ("OK", 0), found.error
    assert found.retries >= 1 or len(world.waits) > before


def test_trouble_that_stays_fails_the_resource_and_the_next_run_resumes(world: World) -> None:
    key = world.live_keys()[5]
    world.edit(key, "update", **{world.subject.text: "while it was down"})
    world.faults({"kind": "503", "after": 2})
    failed = world.land_one(limits={"attempts": 2})
    assert failed.status == "FAILED"
    assert failed.error is not None
    assert failed.error.code == "E-SRC-004"
    world.faults()
    found = world.land_one()
    assert (found.status, found.rows_landed) == ("OK", 1)


def test_session_that_expires_mid_run_is_renewed(world: World) -> None:
    if world.source == "bamboohr":
        world.faults({"kind": "session_expired", "times": 1, "after": 1})
        found = world.land_one()
        assert found.error is not None
        assert found.error.code == "E-SRC-003", "a static key cannot be renewed"
        return
    world.faults({"kind": "session_expired", "times": 1, "after": 2})
    assert world.land_one().status == "OK"


def test_repeated_cursor_ends_the_read(world: World, tmp_path: Path) -> None:
    world.faults({"kind": "repeat_cursor"})
    fresh = World(world.source, world.root, tmp_path, world.monkeypatch, world.now)
    found = fresh.land_one(limits={"page_size": 3, "bulk_page": 3}, mode="bulk")
    world.now = fresh.now
    assert found.status == "OK" or (found.error is not None and found.error.code == "E-SRC-007")
    assert fresh.sql(f"select count(*) - count(distinct tl_record_id) from {world.table}") == [(0,)]


@pytest.mark.parametrize("kind", ["duplicate_rows", "page_shift", "empty_page", "unordered"])
def test_disturbed_pages_land_every_row_once(world: World, kind: str, tmp_path: Path) -> None:
    world.faults({"kind": kind, "times": 1, "params": {"rows": 1}})
    fresh = World(world.source, world.root, tmp_path, world.monkeypatch, world.now)
    first = fresh.land_one(limits={"page_size": 4, "bulk_page": 4})
    world.faults()
    second = fresh.land_one()
    world.now = fresh.now
    assert second.status == "OK", second.error
    assert first.status in {"OK", "FAILED"}
    assert fresh.live_keys() == world.live_keys()
    assert fresh.sql(f"select count(*) - count(distinct tl_record_id) from {world.table}") == [(0,)]


def test_lost_permission_is_named_and_comes_back(world: World) -> None:
    world.faults({"kind": "permission_lost", "object": world.subject.object})
    failed = world.land_one()
    assert failed.error is not None
    assert failed.error.code in {"E-SRC-010", "E-SRC-011"}
    assert len(world.sql(f"select 1 from {world.table} where tl_is_deleted")) == len(
        world.sql(f"select 1 from {world.table} where tl_is_deleted and tl_deletion_basis is not null")
    )
    world.faults()
    found = world.land_one()
    assert (found.status, found.rows_landed) == ("OK", 0)


def test_renamed_column_fails_its_resource_with_its_name(world: World) -> None:
    name = world.subject.text
    params = {"field": name, "new": "renamed_field"}
    world.faults({"kind": "schema_rename", "object": world.subject.object, "params": params})
    failed = world.land_one()
    assert failed.error is not None
    assert failed.error.code == "E-SRC-011"
    assert name.lower() in str(failed.error).lower()
    changed = world.sql("select change from landing.schema_change where change = 'REMOVED'")
    assert changed


def test_cut_extract_shows_in_the_control_figures(world: World, tmp_path: Path) -> None:
    world.faults({"kind": "truncate_extract", "object": world.subject.object, "params": {"share": 0.6}})
    fresh = World(world.source, world.root, tmp_path, world.monkeypatch, world.now)
    found = fresh.land_one()
    world.now = fresh.now
    if world.source == "bamboohr":
        # a list that is cut together with its announced total shows only beside what is landed
        failed = world.land_one()
        assert failed.error is not None
        assert failed.error.code == "E-SRC-022"
        return
    assert found.source_count is not None
    assert found.source_count > found.rows_landed


def test_no_secret_leaves_the_process(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.faults({"kind": "503", "times": 1, "after": 1})
    world.land_one()
    config = world.config()
    secrets = [str(config[name]) for name in ("client_secret", "api_key") if name in config]
    if "private_key" in config:
        secrets += Path(config["private_key"]).read_text().splitlines()[1:-1]
    assert secrets
    for path in (path for path in world.home.rglob("*") if path.is_file()):
        body = path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in body], path
    for secret in secrets:
        assert secret not in caplog.text


def test_no_variant_column_anywhere(world: World) -> None:
    with contextlib.closing(duckdb.connect(str(world.home / "raw.duckdb"), read_only=True)) as connection:
        found = connection.execute(
            "select table_name, column_name from duckdb_columns() where contains(column_name, '__v_')"
        ).fetchall()
    assert found == []
